"""Plans: machines to plan for, plans that are to be done, and journals of what was done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from memhp.machines.applying.journal import SCHEMA

from . import mutate
from .archive import tar
from .bounded import Case
from .cases import Reader, command
from .machines import changed

__all__ = ["READERS", "prepare"]

_GOALS = (
    ("128MiB",),
    ("1GiB", "--node", "0"),
    ("--node", "1"),
    ("--blocks", "0-1,32"),
    ("--device", "PNP0C80:00"),
    ("--add", "256MiB"),
    ("128MiB", "--keep", "0", "--to", "1"),
)


def _of_machine(random: Random, folder: Path) -> Case:
    """A machine that a goal is planned for."""
    files, links = changed(random)
    (folder / "machine.tar").write_bytes(mutate.packed(tar(files, links, random), random))
    goal = random.choice(_GOALS)
    form = () if "--add" in goal else random.choice(((), ("--json",), ("--script",)))
    return command("planned machine", "plan", *goal, "--machine", "machine.tar", *form)


@cache
def _plan() -> dict[str, Any]:
    """A plan of two steps."""
    step = {"node": 0, "zone": "Normal", "limit": 60.0, "back": "online_kernel"}
    moves = {"low": 0, "expected": 1, "high": 2}
    return {
        "schema": "memhp-plan/1",
        "source": "/",
        "live": True,
        "verdict": "can",
        "nearest": None,
        "goal": {"words": "128 MiB", "size": 1 << 27},
        "machine": {"block_size": 1 << 27, "page_size": 4096, "boot": None},
        "steps": [{"block": block, "moves": moves, **step} for block in (7, 5)],
    }


def _of_plan(random: Random, folder: Path) -> Case:
    """A plan that is looked at; nothing is written without --yes."""
    (folder / "plan.json").write_bytes(mutate.json_text(json.dumps(_plan()), random))
    return command("plan", "apply", "plan.json")


def _of_journal(random: Random, folder: Path) -> Case:
    """A journal, some of whose lines are wrong or cut."""
    records: list[dict[str, Any]] = [
        {"journal": SCHEMA, "at": 1.5, "plan": _plan()},
        {"at": 2.5, "boot": "0b8a2f8e-0000-4000-8000-000000000001"},
        {"at": 3.5, "block": 7, "word": "offline"},
        {"at": 4.5, "block": 7, "word": "offline", "result": "done", "text": "3 MiB moved"},
        {"at": 5.5, "block": 5, "word": "offline"},
    ]
    lines = [json.dumps(record).encode() for record in records]
    for at in random.sample(range(len(lines)), random.choice((0, 1, 1, 2))):
        line = mutate.json_text(lines[at].decode(errors="replace"), random)
        lines[at] = line.replace(b"\n", b" ")
    content = b"\n".join(lines) + b"\n"
    if random.random() < 0.3:
        content = content[: random.randrange(len(content))]
    (folder / "it.journal").write_bytes(content)
    words = random.choice((("replay",), ("apply", "--undo"), ("apply", "--resume")))
    return command("journal", *words, "it.journal")


READERS: Mapping[str, Reader] = {
    "planned machine": _of_machine,
    "plan": _of_plan,
    "journal": _of_journal,
}


def prepare() -> None:
    """Make the sound plan once."""
    _plan()
