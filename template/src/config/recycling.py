"""Processes are replaced after so many requests; a successor starts before one is stopped.

Gunicorn's own `max_requests` ends a worker first. While that worker waits for a hanging
request it accepts nothing, and where all are worn at once not even /live is answered.
"""

import mmap
import random
import threading
from itertools import count as count_from

import structlog
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from config.environment import load
from observability import metrics

log = structlog.stdlib.get_logger("lifecycle")


class Wear:
    """How worn one worker is: counted in the worker, seen by the arbiter."""

    def __init__(self) -> None:
        """Share one byte with the process that will be forked."""
        self._worn = mmap.mmap(-1, 1)
        limit = load().max_requests
        self._left = limit + random.randint(0, limit // 10)  # noqa: S311 - not all at once
        self._lock = threading.Lock()

    def count(self) -> None:
        """Count one request that was let in."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._worn[0] = 1

    @property
    def is_worn(self) -> bool:
        """Whether the worker has had its share of requests."""
        return self._worn[0] == 1


wear: Wear | None = None  # of this process; each worker gets its own before the fork


def count() -> None:
    """Count one request of this process that was let in."""
    if wear is not None:
        wear.count()


def before_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Give the worker its own count, and a place that none of the running ones has.

    The arbiter finds them at `worker.wear` and `worker.place`.
    """
    global wear
    wear = worker.wear = Wear()
    taken = {other.place for other in arbiter.WORKERS.values()}
    worker.place = next(place for place in map(str, count_from(0)) if place not in taken)


def after_fork(_: Arbiter, worker: Worker) -> None:
    """Have this process, a worker now, count in its own place."""
    metrics.place = worker.place


class RollingArbiter(Arbiter):
    """Gunicorn's arbiter, which retires worn workers one at a time."""

    def manage_workers(self) -> None:
        """Start the successor of a worn worker and let gunicorn stop the worn one."""
        workers = self.WORKERS.values()
        worn = next((worker for worker in workers if worker.wear.is_worn), None)
        if worn and all(worker.age for worker in workers):
            log.info("worker_recycled", worker_pid=worn.pid, reason="max_requests")
            worn.age = 0  # with one too many, gunicorn stops the oldest
            self.spawn_worker()
        super().manage_workers()
