"""What every update wants before it touches anything."""

import sys

import steps
import yaml
from plumbum import ProcessExecutionError


def migration(update: steps.Update) -> None:
    """Refuse what a merge would make worse."""
    marks = ["-e", "^<<<<<<< before updating$", "-e", "^>>>>>>> after updating$"]
    marked = steps.git["grep", "--name-only", *marks].run(retcode=(0, 1))[1].split("\n")
    left = [*marked, *steps.git("ls-files", "--", "*.rej").split("\n")]
    names = ", ".join(name for name in left if name)
    update.guard(
        not names,
        f"An earlier update left conflicts in {names}: settle them and commit, then update again.",
    )
    framework = born_with(update) or update.recorded["framework"]
    for said in (update.recorded["framework"], *sys.argv[3:]):
        update.guard(
            said in ("", framework),
            f"This service is made with {framework} and keeps it; {said} would be another service. "
            "Make a new one and move the domains over.",
        )


def born_with(update: steps.Update) -> str:
    """Return the framework in the answers as they were first committed."""
    file = update.answers_file
    try:
        log = ("log", "-1", "--diff-filter=A", "--format=%H", "--", str(file))
        answers = yaml.safe_load(steps.git("show", f"{steps.git(*log).strip()}:./{file}"))
    except ProcessExecutionError:
        return ""
    return str(answers.get("framework", ""))


if __name__ == "__main__":
    steps.run(migration)
