"""Waivers: what fails may pass for a reason and for a time, and never silently for ever.

A file of waivers holds tables `[[waiver]]` with an `id`, a `reason` and a date `expires`, the last
day on which it holds.
"""

import re
import tomllib
from datetime import date
from typing import NamedTuple

ID = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)+")


class Waiver(NamedTuple):
    """Why something may fail, and the last day on which it may."""

    reason: str
    expires: date


def waivers(text: str, file: str, today: date, way_out: str) -> tuple[dict[str, Waiver], list[str]]:
    """Return the waivers of a file by their ids, and a sentence for each that is not good.

    An expired one is among both: whoever asks decides what it is still worth.
    """
    try:
        loaded = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return {}, [f"{file}: {error}"]
    listed = loaded.pop("waiver", [])
    if loaded or not isinstance(listed, list):
        return {}, [f"{file}: holds tables named [[waiver]] and nothing else"]
    waived, faults = {}, []
    for number, waiver in enumerate(listed, 1):
        match waiver:
            case {"id": str(name), "reason": str(reason), "expires": date() as day} if (
                len(waiver) == 3 and ID.fullmatch(name) and reason.strip() and type(day) is date
            ):
                waived[name] = Waiver(reason, day)
                if day < today:
                    faults.append(f"{file}: {name} was waived until {day}: {way_out}")
            case _:
                rule = "needs an id, a reason and a date `expires`, and nothing else"
                faults.append(f"{file}: waiver {number} {rule}: {waiver}")
    return waived, faults
