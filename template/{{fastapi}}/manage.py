#!/usr/bin/env python
"""The service's commands: `python manage.py --help` lists them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))


def main() -> int:
    """Run one command with checked settings; return its exit code."""
    from config import commands, startup

    settings = startup.begin("manage")
    return commands.run(settings, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
