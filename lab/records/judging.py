"""Run in a guest: each online block is judged and tried, a line of JSON for each (`judged`)."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from memhp.machines.judging.offline import BlockJudgement, design_of, judge
from memhp.machines.reading.any_machine import read_any
from memhp.machines.reading.findings import DONE
from memhp.machines.reading.live_evidence import drain_lists
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import MachineReading
from memhp.machines.reading.tree import MEMORY_DIR

from ..tools.errors import LabError

__all__: list[str] = []

_FOLDER = Path("/", MEMORY_DIR)


def _tried(patience: int) -> Iterator[dict[str, Any]]:
    blocks = read_any(page_flags=False).blocks
    for number in [block.number for block in blocks if block.state == "online"]:
        reading = read_any(page_flags={number})
        # At once; what was read does not change. This process is the one that is busy here: before
        # 5.11 a page that it has just taken refuses its block, until it is on the LRU.
        drain_lists()
        outcome = _try(number, patience)
        judgements = judge(reading, design_of(reading))
        (judged,) = (each for each in judgements if each.number == number)
        yield _told(reading, judged, outcome)


def _told(reading: MachineReading, judged: BlockJudgement, outcome: str) -> dict[str, Any]:
    kinds: Mapping[FrameKind, int] = (reading.frames or {}).get(judged.number, {})
    return {
        "number": judged.number,
        "verdict": judged.verdict,
        "why": judged.why,
        "outcome": outcome,
        "agrees": judged.agrees(outcome),
        "kinds": {kind.value: count for kind, count in kinds.items() if count},
        "notes": list(reading.notes),
    }


def _try(block: int, patience: int) -> str:
    """How telling a block to go offline ends; it is brought back into its zone."""
    folder = _FOLDER / f"memory{block}"
    zone = (folder / "valid_zones").read_text()
    code = _write(folder / "state", "offline", patience)
    if code:
        return errno.errorcode[code]
    back = "online_movable" if zone == "Movable\n" else "online_kernel"
    refused = _write(folder / "state", back, 0)
    if refused or (folder / "valid_zones").read_text() != zone:
        raise LabError(f"block {block} did not come back into {zone.strip()} (errno {refused})")
    return DONE


def _write(path: Path, text: str, patience: int) -> int:
    """Write with one write(2); returns 0 or the errno, EINTR after so many seconds (0: never)."""
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        signal.alarm(patience)
        os.write(handle, text.encode())
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        signal.alarm(0)
        os.close(handle)
    return 0


def _interrupt(number: int, frame: object) -> None:
    """Raised from the handler, so that Python does not write once more (PEP 475)."""
    raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _interrupt)
    for line in _tried(int(sys.argv[1])):
        print(json.dumps(line), flush=True)
