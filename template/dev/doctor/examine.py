"""Look at a service from within: `python examine.py ROOT [PS-001 …]`, with the service's Python.

Prints one JSON object: for each hardening of `hardenings.toml`, or for those named, what is wrong
with it, or "". The service may be of an earlier release than this folder. Nothing is left behind.
"""

import gc
import json
import logging
import os
import signal
import sys
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

sys.dont_write_bytecode = True
gc.disable()  # what lives for seconds need not be tidied
HERE = Path(__file__).resolve().parent
LONGEST = 60  # seconds that one check may take, on a machine that is busy


def main(root: Path, wanted: list[str]) -> None:
    """Print what the checks found about the service in `root`."""
    with (HERE / "hardenings.toml").open("rb") as ledger:
        ids = [each["id"] for each in tomllib.load(ledger)["hardening"]]
    # What the service prints meanwhile is no result.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable()
    warnings.simplefilter("ignore")
    os.chdir(root)
    sys.path[:1] = [str(root / "src"), str(HERE.parents[1])]
    signal.signal(signal.SIGALRM, _too_long)
    checks: dict[str, Callable[[], None]] = {}
    fault = _fault_of(lambda: checks.update(_load(root)))
    found = {name: fault or _fault_of(checks.get(name)) for name in wanted or ids}
    results.write(json.dumps(found, indent=1) + "\n")
    results.flush()
    os._exit(0)  # whatever the service started in this process is not waited for


def _load(root: Path) -> dict[str, Callable[[], None]]:
    import dev
    from dev.doctor import checks, service

    # From here on `dev` is the service's own, of whatever release.
    dev.__path__ = [str(root / "dev")]
    service.prepare()
    return checks.CHECKS


def _fault_of(check: Callable[[], Any] | None) -> str:
    if check is None:
        return "There is no such check."
    signal.alarm(LONGEST)
    try:
        check()
    except AssertionError as error:
        return str(error)
    except ImportError as error:
        lacking = str(error).replace("cannot import name ", "").partition(" (")[0]
        return f"The service lacks {lacking.removeprefix('No module named ')}."
    except FileNotFoundError as error:
        return f"There is no {os.path.relpath(str(error.filename))}."
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a check that crashes has found something
        # A settings group's error would print the value that it does not like.
        named = [f"{each['loc']} {each['type']}" for each in getattr(error, "errors", list)()]
        text = " ".join((", ".join(named) or str(error)).split())[:300]
        return f"It could not be examined: {type(error).__name__}: {text}"
    finally:
        signal.alarm(0)
    return ""


def _too_long(*_: object) -> NoReturn:
    raise TimeoutError(f"it took longer than {LONGEST} seconds")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
