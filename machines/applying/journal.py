"""What was begun and what came of it: lines of JSON, on disk before and after each write.

The first line has the plan.  Then, for each write, a line before it and one after it; so that
whenever the process or the machine ends, at most one write is in doubt, and which it is, is known.
Whoever writes the journal holds its lock, and so does each process that writes for them: while a
write goes on that somebody began, nobody else begins one.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .planned import MOST_BYTES, PlanError, Planned, Step, planned

__all__ = ["SCHEMA", "Entry", "History", "Journal", "history_of"]

SCHEMA = "memhp-journal/1"

_MOST_BYTES = MOST_BYTES + (1 << 28)
_WORDS = ("offline", "online_movable", "online_kernel")
_PAUSE = 0.01


@dataclass(frozen=True)
class Entry:
    """One line: a write that begins (``result`` None), how it ended, or a word on what happened.

    ``at`` is in seconds since 1970.
    """

    at: float
    block: int | None = None
    word: str = ""
    result: str | None = None
    text: str = ""


@dataclass
class History:
    """What a journal tells: the newest plan, all entries, and where each block is.

    ``offline`` has the steps of the blocks that went, in that order; ``doubt`` the write that was
    begun and that has not ended, as far as is told; ``skipped`` blocks that did not go and were
    passed over, ``failed`` all that did not go, by earlier plans as well. ``boots`` are the boots
    in which it was written, ``steps`` those of all plans by block.
    """

    plan: Planned
    entries: list[Entry] = field(default_factory=list)
    offline: dict[int, Step] = field(default_factory=dict)
    doubt: Entry | None = None
    skipped: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    boots: list[str] = field(default_factory=list)
    steps: dict[int, Step] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Go on by one entry."""
        self.entries.append(entry)
        if entry.block is None:
            return
        if entry.result in (None, "stuck"):
            self.doubt = entry
            return
        self.doubt = None
        step = self.steps.get(entry.block)
        if entry.result == "done" and step is not None:
            if entry.word == "offline":
                self.offline[entry.block] = step
            else:
                self.offline.pop(entry.block, None)

    def use(self, plan: Planned) -> None:
        """Go on by another plan."""
        self.plan = plan
        self.steps |= {step.block: step for step in plan.steps}
        self.skipped.clear()

    def pass_over(self, block: int) -> None:
        """Go on without a block."""
        self.skipped.add(block)
        self.failed.add(block)


class Journal:
    """A journal that is written: `History` is what it has so far.

    Args:
        path: the file; it must not be there if there is a plan, else it must.
        plan: what is going to be done; None: go on with what the file has.
        patience: seconds to wait for a write that somebody else began.

    Raises:
        PlanError: it is no journal, it is being written, or cannot be written.
    """

    def __init__(self, path: Path, plan: Planned | None = None, *, patience: float = 5.0) -> None:
        flags = os.O_CREAT | os.O_EXCL if plan is not None else 0
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600)
        except FileExistsError:
            raise PlanError(f"{path}: is there already; --resume or --undo takes it up") from None
        except OSError as error:
            raise PlanError(f"{path}: {error.strerror}") from None
        try:
            self._lock(path, patience)
            if plan is not None:
                self.history = History(plan)
                self.history.use(plan)
                self._append({"journal": SCHEMA, "at": time.time(), "plan": dict(plan.document)})
                _sync_folder(path)
            else:
                self.history = self._take_up(path)
        except BaseException:
            os.close(self._handle)
            raise

    def close(self) -> None:
        """Let it go."""
        os.close(self._handle)

    def begin(self, block: int, word: str) -> None:
        """Say that a word is going to be written to a block's state."""
        self._say(Entry(time.time(), block, word))

    def end(self, block: int, word: str, result: str, text: str = "") -> None:
        """Say how that ended.

        Args:
            block: its number.
            word: what was written.
            result: ``done``, the name of an errno, or ``stuck``.
            text: what there is to say of it.
        """
        self._say(Entry(time.time(), block, word, result, text))

    def note(self, text: str) -> None:
        """Say something else."""
        self._say(Entry(time.time(), text=text))

    def skip(self, block: int) -> None:
        """Say that a block is passed over."""
        self._append({"at": time.time(), "skip": block})
        self.history.pass_over(block)

    def booted(self, boot: str | None) -> None:
        """Say in which boot what follows is done."""
        if boot is not None and (not self.history.boots or self.history.boots[-1] != boot):
            self._append({"at": time.time(), "boot": boot})
            self.history.boots.append(boot)

    def use(self, plan: Planned) -> None:
        """Go on by another plan."""
        self._append({"at": time.time(), "plan": dict(plan.document)})
        self.history.use(plan)

    def _say(self, entry: Entry) -> None:
        self._append({key: value for key, value in vars(entry).items() if value not in (None, "")})
        self.history.take(entry)

    def _append(self, record: Mapping[str, Any]) -> None:
        line = memoryview(json.dumps(record).encode() + b"\n")
        while line:
            line = line[os.write(self._handle, line) :]
        os.fsync(self._handle)

    def _lock(self, path: Path, patience: float) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if time.monotonic() > until:
                    raise PlanError(
                        f"{path}: memhp apply, or a write that it began, is still at work on it"
                    ) from None
                time.sleep(_PAUSE)

    def _take_up(self, path: Path) -> History:
        """What the file has; a last line that was not written whole is cut off."""
        content = _content(self._handle, path)
        whole = content.rpartition(b"\n")[0] + b"\n" if b"\n" in content else b""
        history = _history(whole, path)
        os.ftruncate(self._handle, len(whole))
        return history


def history_of(path: Path) -> History:
    """What a journal tells, without taking it up.

    Raises:
        PlanError: it is none, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from None
    try:
        return _history(_content(handle, path), path)
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    """Have the file's name on disk, too."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _content(handle: int, path: Path) -> bytes:
    parts, room = [], _MOST_BYTES + 1
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PlanError(f"{path}: not a file, so no journal")
        while room > 0 and (part := os.read(handle, min(room, 1 << 20))):
            parts.append(part)
            room -= len(part)
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from None
    if room <= 0:
        raise PlanError(f"{path}: too large for a journal")
    return b"".join(parts)


def _history(content: bytes, path: Path) -> History:
    lines = content.split(b"\n")[:-1]  # what is behind the last newline was not written whole
    history: History | None = None
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("it is no object")
            history = _with(history, record)
        except (ValueError, RecursionError, TypeError) as error:
            words = str(error)[:200]
            raise PlanError(f"{path}, line {number}: not of a journal ({words})") from None
    if history is None:
        raise PlanError(f"{path}: not a journal, or not even its first line was written")
    return history


def _with(history: History | None, record: dict[str, Any]) -> History:
    """The history with what one more line says."""
    at = record.get("at")
    if not isinstance(at, int | float):
        raise ValueError("it has no time")
    if history is None:
        if record.get("journal") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        history = History(planned(record.get("plan")))
        history.use(history.plan)
    elif "plan" in record:
        history.use(planned(record["plan"]))
    elif isinstance(record.get("boot"), str):
        history.boots.append(record["boot"][:100])
    elif isinstance(record.get("skip"), int):
        history.pass_over(record["skip"])
    else:
        history.take(_entry(record, at))
    return history


def _entry(record: dict[str, Any], at: float) -> Entry:
    block, word = record.get("block"), record.get("word", "")
    result, text = record.get("result"), record.get("text", "")
    strings = isinstance(word, str) and isinstance(text, str) and isinstance(result, str | None)
    if not strings or not isinstance(block, int | None):
        raise ValueError("its parts are of other kinds")
    if block is not None and word not in _WORDS:
        raise ValueError(f"no word of {', '.join(_WORDS)}")
    return Entry(float(at), block, word, result, text[:2000])
