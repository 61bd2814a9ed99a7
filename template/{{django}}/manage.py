#!/usr/bin/env python
"""The service's commands: `python manage.py help` lists them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))


def main() -> None:
    """Run one command with checked settings."""
    from config import django_setup, startup

    settings = startup.begin("manage")
    django_setup.select(settings)

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
