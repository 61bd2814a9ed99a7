"""Has this process been told that it will stop?"""

import select

from config.environment import load


def is_draining() -> bool:
    """Return whether the supervisor announced the stop, or is gone itself.

    The entrypoint's pipe turns readable at that moment, in every process of the role.
    """
    supervisor = load().supervisor_fd
    return supervisor is not None and bool(select.select([supervisor], [], [], 0)[0])
