"""A kernel on paper: a folder with blocks, and writes that do what theirs would."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memhp.machines.applying.apply import Applier, Result
from memhp.machines.applying.journal import Journal
from memhp.machines.applying.planned import Planned, planned
from memhp.machines.applying.states import Machine

__all__ = ["BOOT", "Kernel", "apply", "document", "plan", "put", "states", "tree", "zones"]

BOOT = "0b8a2f8e-0000-4000-8000-000000000001"
_MEMORY, _NODE = "sys/devices/system/memory", "sys/devices/system/node"


def put(path: Path, text: str) -> None:
    """The whole text or nothing, as sysfs shows it."""
    other = path.with_suffix(f".{os.getpid()}")
    other.write_text(text)
    os.replace(other, path)


def tree(root: Path, blocks: Mapping[int, str], boot: str = BOOT) -> Path:
    """A machine with blocks online, each in its zone, on node 0."""
    for block, zone in blocks.items():
        folder = root / _MEMORY / f"memory{block}"
        folder.mkdir(parents=True)
        put(folder / "state", "online\n")
        put(folder / "valid_zones", f"{zone}\n")
        (root / _NODE / "node0" / f"memory{block}").mkdir(parents=True)
    (root / _MEMORY / "block_size_bytes").write_text("8000000\n")
    (root / "proc/sys/kernel/random").mkdir(parents=True)
    (root / "proc/sys/kernel/random/boot_id").write_text(f"{boot}\n")
    return root


def states(root: Path) -> dict[int, str]:
    """What each block says."""
    folders = (root / _MEMORY).glob("memory*")
    return {int(f.name[6:]): (f / "state").read_text().strip() for f in folders}


def zones(root: Path) -> dict[int, str]:
    """The zones that each block tells."""
    folders = (root / _MEMORY).glob("memory*")
    return {int(f.name[6:]): (f / "valid_zones").read_text().strip() for f in folders}


class Kernel:
    """What a write does to a block: it takes a moment, and for some blocks ends otherwise.

    Args:
        seconds: how long a write takes.
        errnos: of blocks that refuse to go.
        hangs: the blocks that go offline without end, until a signal.
        lies: the blocks that stay online, although the write ends well.
    """

    def __init__(
        self,
        *,
        seconds: float = 0.0,
        errnos: Mapping[int, int] = {},
        hangs: Sequence[int] = (),
        lies: Sequence[int] = (),
    ) -> None:
        self.seconds, self.errnos, self.hangs, self.lies = seconds, errnos, hangs, lies

    def __call__(self, path: Path, word: str) -> None:
        block = int(path.parent.name[6:])
        offline = word == "offline"
        if (path.read_text().strip() == "offline") == offline:
            raise OSError(22, "the block is there already")
        if offline and block in self.errnos:
            raise OSError(self.errnos[block], "no")
        while offline and block in self.hangs:
            time.sleep(0.01)
        time.sleep(self.seconds)
        if block in self.lies:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # both at once, or neither
        zone = {"online_movable": "Movable", "online_kernel": "Normal"}.get(word)
        put(path.with_name("valid_zones"), f"{zone or 'Normal Movable'}\n")
        put(path, "offline\n" if offline else "online\n")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def document(blocks: Mapping[int, str], **more: Any) -> dict[str, Any]:
    """A plan's document that takes these blocks offline, in this order."""
    steps = [
        {
            "block": block,
            "node": 0,
            "zone": zone,
            "limit": 60.0,
            "back": "online_movable" if zone == "Movable" else "online_kernel",
            "moves": {"low": 0, "expected": 0, "high": 0},
        }
        for block, zone in blocks.items()
    ]
    made: dict[str, Any] = {
        "schema": "memhp-plan/1",
        "source": "/",
        "live": True,
        "verdict": "can",
        "nearest": None,
        "goal": {"words": "blocks"},
        "machine": {"block_size": 128 << 20, "page_size": 4096, "boot": BOOT},
        "steps": steps,
    }
    return made | more


def plan(blocks: Mapping[int, str], **more: Any) -> Planned:
    """The same, read."""
    return planned(document(blocks, **more))


def apply(journal: Journal, root: Path, kernel: Kernel, **more: Any) -> Result:
    """Do a journal's plan on a folder."""
    told: list[str] = []
    applier = Applier(journal, Machine(root), told.append, write=kernel, **more)
    return applier.go_on()
