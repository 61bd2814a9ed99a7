"""Import every module in each profile, and read every configuration file with what checks it.

Each fault is printed by whoever found it; the exit code is 1 when there was one.
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dev.reference import COMPLETE, PROFILES
from dev.secret_scan import git

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ["check-jsonschema", "--quiet", "--builtin-schema"]
# For each checker the files that it reads, as git names them. It is not run where there is none.
CHECKERS = {
    ("check-yaml", "--allow-multiple-documents"): ["*.yaml", "*.yml"],
    ("check-toml",): ["*.toml"],
    ("check-json",): ["*.json"],
    (*SCHEMA, "vendor.github-workflows"): [".github/workflows/*.yml"],
    (*SCHEMA, "vendor.github-actions"): [".github/actions/*/action.yml"],
    (*SCHEMA, "vendor.dependabot"): [".github/dependabot.yml"],
    (*SCHEMA, "vendor.compose-spec"): ["compose*.yaml"],
    ("zizmor", "--offline", "--no-progress", "--quiet"): [
        ".github/dependabot.yml",
        ".github/workflows/*.yml",
        ".github/actions/*/action.yml",
    ],
    ("hadolint",): ["Dockerfile"],
    ("shellcheck",): ["*.sh"],
}
# The server's own start loads the application; then comes what wires, then what is wired.
IMPORT = """
import sys
from importlib import import_module
from pathlib import Path
from config.environment import load
from config.server import Server
settings = load()
Server(settings).load()
for path in sorted(Path("src").rglob("*.py"), key=lambda path: ("config" not in path.parts, path)):
    names = path.relative_to("src").with_suffix("").parts
    if "versions" not in names and names[-1] not in {"__main__", *PROFILES}:
        import_module(".".join(names).removesuffix(".__init__"))
"""


def main() -> int:
    """Run all of it; return 1 when something was found."""
    failed = []

    def run(name: str, command: list[str], environ: dict[str, str]) -> None:
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr)

    for profile in PROFILES:
        values = COMPLETE | {"ENVIRONMENT": profile, "PYTHONPATH": "src"}
        if profile == "test":
            values["DATABASE_URL"] = COMPLETE["DATABASE_URL"] + "_test"
        code = f"PROFILES = {set(PROFILES)!r}\n{IMPORT}"
        command = [sys.executable, "-W", "error", "-c", code]
        run(f"imports in the profile {profile}", command, values)
    for checker, patterns in CHECKERS.items():
        globs = [f":(glob){'**/' * (pattern[0] == '*')}{pattern}" for pattern in patterns]
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", *globs)
        names = [name for name in listed.split("\0") if name and (ROOT / name).exists()]
        if names:
            run(" ".join(checker), [*checker, *names], dict(os.environ))
    print(f"Failed: {'; '.join(failed)}." if failed else "Everything imports and can be read.")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
