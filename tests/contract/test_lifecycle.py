"""Starting, stopping, and what happens to the processes in between."""

import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import pytest

from tests.contract.conftest import Start
from tests.harness.load import Answer, Load
from tests.harness.roles import Event, Role, new_client
from tests.harness.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timed]

DONE, FAILED = 0, 1


def moment(event: Event) -> float:
    """Return when an event was written, in seconds since the epoch."""
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def children(role: Role) -> set[int]:
    """Return every process of a role but the entrypoint."""
    return set(role.pids()) - {role.process.pid}


def server_of(role: Role) -> int:
    """Return the process that the entrypoint supervises."""
    [pid] = {event["pid"] for event in role.find("ready")}
    assert isinstance(pid, int)
    return pid


def test_a_start_is_told_in_order(start: Start) -> None:
    """Starting, ready, a process that serves: each with the process it is about."""
    web = start("web").wait_until_it_serves()
    names = ["starting", "ready", "worker_started"]
    told = [event for event in web.events if event["event"] in names]
    assert [event["event"] for event in told] == names
    assert len({event["pid"] for event in told}) == 3
    assert web.stop() == DONE
    names = ["drain_begin", "drain_end", "worker_exited", "stopped"]
    assert [event["event"] for event in web.events if event["event"] in names] == names
    assert web.pids() == []


def test_a_stop_under_load_loses_no_request(start: Start) -> None:
    """At SIGTERM /ready says 503 while requests are served; none that came in time is lost."""
    web = start("web", DRAIN_SECONDS="2", WEB_CONCURRENCY="2").wait_until_it_serves()
    ready: list[Answer] = []
    with (
        Load(web.url, "/fixture/slow?seconds=1", clients=6) as slow,
        Load(web.url, "/fixture/rows", clients=3) as quick,
        Load(web.url, "/ready", clients=1) as probe,
    ):
        time.sleep(1)
        assert {answer.status for answer in probe.answers} == {200}
        web.signal(signal.SIGTERM)
        code = web.wait()
        ready = probe.answers
    assert code == DONE, web.text
    assert web.pids() == []
    begun, ended = moment(web.find("drain_begin")[0]), moment(web.find("drain_end")[0])
    assert ended - begun == pytest.approx(2, abs=0.5)
    # The connections of a closing listener end with it: 0.1 s are for getting through it.
    in_time = [answer for answer in [*slow.answers, *quick.answers] if answer.began < ended - 0.1]
    assert Counter((answer.status, answer.fault) for answer in in_time).keys() == {(200, "")}
    drained = [answer.status for answer in ready if begun + 0.1 < answer.began < ended - 0.1]
    assert set(drained) == {503}
    assert len([answer for answer in in_time if answer.began > begun]) > 10


def test_new_connections_are_served_while_it_drains(start: Start) -> None:
    """A balancer that has not looked yet sends new clients; draining is named to who asks."""
    web = start("web", DRAIN_SECONDS="3").wait_until_it_serves()
    web.signal(signal.SIGTERM)
    web.wait_for("drain_begin")
    assert web.get("/").status_code == 200
    assert web.get("/live").status_code == 200
    answer = web.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["process"] == "draining"
    assert web.get("/health").status_code == 503
    assert web.wait() == DONE


def test_a_request_in_progress_is_finished(start: Start) -> None:
    """The server stops accepting, not answering."""
    web = start("web").wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(web.get, "/fixture/slow?seconds=2.5")
        time.sleep(0.5)
        assert web.stop() == DONE
        assert answer.result().status_code == 200


def test_a_request_that_hangs_does_not_hold_the_stop(start: Start) -> None:
    """At SHUTDOWN_TIMEOUT it is over, the log says so, and so does the exit code."""
    web = start("web", SHUTDOWN_TIMEOUT="2").wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        pool.submit(web.get, "/fixture/slow?seconds=60")
        time.sleep(0.5)
        began = time.monotonic()
        assert web.stop() == FAILED
        assert 2 < time.monotonic() - began < 6
    assert web.find("stop_forced", reason="SHUTDOWN_TIMEOUT is over")
    assert web.pids() == []


def test_a_second_signal_hurries(start: Start) -> None:
    """Whoever asks twice does not want to wait for the drain, and a third time for nothing."""
    web = start("web", DRAIN_SECONDS="60").wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(web.get, "/fixture/slow?seconds=60")
        time.sleep(0.3)
        web.signal(signal.SIGTERM)
        web.wait_for("drain_begin")
        time.sleep(1.2)  # for a second it takes signals as echoes of the first
        web.signal(signal.SIGTERM)
        web.wait_for("drain_end", hurried=True)
        time.sleep(0.2)
        web.signal(signal.SIGTERM)
        assert web.wait(10) == FAILED
        assert isinstance(hanging.exception(), httpx.TransportError)
    assert web.find("stop_forced", reason="second signal")
    assert web.pids() == []


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGHUP], ids=lambda which: which.name)
def test_ctrl_c_and_a_closed_terminal_stop_it_too(start: Start, which: signal.Signals) -> None:
    """What a person at a terminal does is a stop in good order."""
    web = start("web").wait_until_it_serves()
    web.signal(which)
    assert web.wait() == DONE
    assert web.find("stopped")
    assert web.pids() == []


def test_a_killed_entrypoint_takes_its_server_along(start: Start) -> None:
    """Nothing serves that nobody can stop."""
    web = start("web", WEB_CONCURRENCY="2").wait_until_it_serves()
    until(lambda: len(children(web)) == 3, "a process is missing")
    web.signal(signal.SIGKILL)
    until(lambda: not web.pids(), "the server goes on", 10)
    assert web.find("supervisor_gone")
    web.wait()


def test_a_server_that_dies_ends_the_entrypoint(start: Start) -> None:
    """The platform sees the failure and starts anew; a supervisor over nothing helps nobody."""
    web = start("web", WEB_CONCURRENCY="2").wait_until_it_serves()
    os.kill(server_of(web), signal.SIGKILL)
    assert web.wait(15) == FAILED
    assert web.find("server ended by itself", code=-9)
    assert web.pids() == []


def test_a_killed_process_is_named_and_replaced(start: Start) -> None:
    """The service goes on with the others, and the log has the process and the signal."""
    web = start("web", WEB_CONCURRENCY="2").wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    victim = web.workers()[0]
    os.kill(victim, signal.SIGKILL)
    web.wait_for("worker_exited", worker_pid=victim)
    until(lambda: len(web.workers()) == 3, "it is not replaced")
    assert "SIGKILL" in " ".join(str(e) for e in web.events if str(victim) in e["event"])
    assert web.get("/fixture/rows").status_code == 200
    assert web.stop() == DONE


def test_a_process_that_hangs_is_named_and_replaced(start: Start) -> None:
    """Without a sign of life for REQUEST_TIMEOUT it is ended, and the reason is told."""
    web = start(
        "web", WEB_CONCURRENCY="2", REQUEST_TIMEOUT="1", SHUTDOWN_TIMEOUT="1"
    ).wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    victim = web.workers()[0]
    os.kill(victim, signal.SIGSTOP)
    web.wait_for("worker_exited", worker_pid=victim, reason="timeout", seconds=40)
    until(lambda: len(web.workers()) == 3, "it is not replaced")
    assert web.get("/live").status_code == 200


def test_a_process_that_is_told_to_abort_says_why(start: Start) -> None:
    """What the server sends to one that hangs: the process names itself and the cause."""
    web = start("web", WEB_CONCURRENCY="2").wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    victim = web.workers()[0]
    os.kill(victim, signal.SIGABRT)
    web.wait_for("worker_aborted", pid=victim, reason="no heartbeat")
    web.wait_for("worker_exited", worker_pid=victim)
    until(lambda: len(web.workers()) == 3, "it is not replaced")
    assert web.get("/live").status_code == 200
    assert web.stop() == DONE


def test_a_reload_replaces_every_process_without_a_failed_request(start: Start) -> None:
    """At SIGHUP the server says so; the old processes end when their successors serve."""
    web = start("web", WEB_CONCURRENCY="2").wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    first, server = web.workers(), server_of(web)
    with Load(web.url, "/fixture/rows", clients=4, keep_alive=False) as load:
        time.sleep(0.5)
        os.kill(server, signal.SIGHUP)
        web.wait_for("reload", pid=server)
        for old in first:
            web.wait_for("worker_exited", pid=server, worker_pid=old, reason="ended")
        time.sleep(0.5)
    assert Counter((answer.status, answer.fault) for answer in load.answers).keys() == {(200, "")}
    assert len(web.workers()) == 4
    assert children(web) == {server, *web.workers()[2:]}
    assert web.stop() == DONE


def test_a_process_is_recycled_without_a_failed_request(start: Start) -> None:
    """After MAX_REQUESTS and a tenth it makes room for a new one, and no client notices."""
    web = start("web", MAX_REQUESTS="300").wait_until_it_serves()
    failed: list[str] = []
    counter = iter(range(360))
    lock = threading.Lock()

    def ask() -> None:
        with new_client(web.url) as client:
            while True:
                with lock:
                    if next(counter, None) is None:
                        return
                try:
                    status = client.get("/").status_code
                except httpx.TransportError as error:
                    failed.append(repr(error))
                else:
                    if status != 200:
                        failed.append(str(status))

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert failed == []
    first = web.workers()[0]
    web.wait_for("worker_recycled", worker_pid=first, reason="max_requests")
    web.wait_for("worker_exited", worker_pid=first)
    assert len(web.workers()) == 2
    assert web.get("/live").status_code == 200
    assert web.stop() == DONE
