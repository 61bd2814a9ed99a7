"""What a document says to type, as a script: its shell commands and the files it says to write."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from tests.harness.roles import free_port
from tests.support import GIT_ENVIRONMENT

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# What points to servers of whoever runs these tests.
OURS = re.compile(r"PYTEST_|(DATABASE|REDIS)_URL|ENVIRONMENT")
# `make run` stays in the first terminal; what follows is typed into a second one.
RUN = """
make run > "$LOG" 2>&1 & served=$!
until curl --silent --fail --output /dev/null http://127.0.0.1:$PORT/ready; do
    kill -0 $served || { cat "$LOG"; exit 1; }
    sleep 0.2
done
"""


def lines(text: str, kind: str) -> list[str]:
    """Return the commands in a document's blocks of one kind, without comments and prompts."""
    blocks = [block for _, found, block in BLOCK.findall(text) if found == kind]
    typed = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in (re.sub(r"(^|\s+)# .*", "", line) for line in typed) if line]


def script(document: str) -> str:
    """Return a document as one script: its commands, and the files that it says to write."""
    parts = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for _, kind, text in BLOCK.findall(document):
        if kind == "python" and text.startswith("# "):
            path = shlex.quote(text.partition("\n")[0].removeprefix("# "))
            content = text.partition("\n")[2]
            parts.append(f"mkdir -p $(dirname {path})\ncat > {path} <<'END'\n{content}END")
        elif kind == "sh":
            parts.append(re.sub(r"^make run\b.*$", lambda _: RUN, text, flags=re.MULTILINE))
    return "\n".join(parts).replace("127.0.0.1:8000", "127.0.0.1:$PORT")


def typed(commands: str, folder: Path, log: Path, **environ: str) -> str:
    """Run a script in a folder as a newcomer would, and return what it printed."""
    kept = {name: text for name, text in os.environ.items() if not OURS.match(name)}
    kept |= GIT_ENVIRONMENT | {"PORT": free_port(), "MAKEFLAGS": "", "LOG": str(log)} | environ
    kept["PATH"] = f"{Path('~/.uv/bin').expanduser()}:{kept['PATH']}"
    run = subprocess.Popen(
        ["bash", "-c", commands],
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = run.communicate(timeout=840)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, output[-6000:]
    return output
