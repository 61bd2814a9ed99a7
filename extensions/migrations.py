"""Steps of an update in a service, before or after the merge; copier.yml says which and when.

Run as a program by Copier, in the service's folder. Every step can be repeated: the second time it
changes nothing and says nothing.
"""

import argparse
import sys
from pathlib import Path

import yaml


def keep_as_before(answers_file: Path, answers: dict[str, object]) -> bool:
    """Record answers to questions that an older service was never asked; return whether it did.

    They are those under which the service stays what it is. An answer that it has is left alone.
    """
    recorded = yaml.safe_load(answers_file.read_text())
    if answers.keys() <= recorded.keys():
        return False
    # Copier writes the file anew, with its header, when it has merged.
    answers_file.write_text(yaml.safe_dump(answers | recorded | {"customise": True}))
    return True


def main(arguments: list[str]) -> int:
    """Take the step that the arguments name."""
    parser = argparse.ArgumentParser(prog="migrations", description=__doc__)
    parser.add_argument("step", choices=["keep-as-before"])
    parser.add_argument("answers_file", type=Path)
    parser.add_argument("answers", nargs="+", help="name=value, the value in YAML")
    given = parser.parse_args(arguments)
    answers = {
        name: yaml.safe_load(value)
        for name, _, value in (each.partition("=") for each in given.answers)
    }
    if keep_as_before(given.answers_file, answers):
        told = ", ".join(f"{name}: {value}" for name, value in answers.items())
        print(f"New questions are answered so that the service stays as it is ({told}).")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
