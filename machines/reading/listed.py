"""Memory blocks as `lsmem` lists them, made into the files of sysfs that it read.

What people post is mostly this: ranges with their state.  It says less than sysfs does (nothing
of holes, perhaps nothing of zones), and what it does not say stays unknown.  Columns are told by
their heads, so a listing without heads is not read.

Source: util-linux, sys-utils/lsmem.c (columns, summary, how blocks are put together); s390-tools up
to 1.37, zconf/lsmem (a table of its own, with sizes in MB).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .errors import MachineError, shown
from .places import CONFIG_DIR, MEMORY_DIR

__all__ = ["MAX_LISTED", "is_listing", "sysfs_of_listing"]

MAX_LISTED = 1 << 17
"""The most blocks that a listing may name."""

_UNITS = {"": 0, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50}
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?([BKMGTP]?)", re.ASCII)
_RANGE = re.compile(r"0x([0-9a-fA-F]{1,16})-0x([0-9a-fA-F]{1,16})")
_BLOCKS = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", re.ASCII)
_PAIR = re.compile(r'([A-Z_-]{1,20})="([^"]{0,200})"')
_SUMMARY = re.compile(r"Memory block size *: +(\S+(?: MB)?)")
_S390 = re.compile(r"Address Range +Size \(MB\) +State +Removable +Device *")
_S390_COLUMNS = ["RANGE", "SIZE", "STATE", "REMOVABLE", "DEVICE"]
"""Of the table that s390-tools printed."""
_STATES = {"online": "online", "offline": "offline", "on->off": "going-offline"}
_ZONES = {"None": "none", "Highmem": "HighMem"}
"""By lsmem's name where it is not the kernel's."""

_SPLIT = ("ZONES", "NODE", "REMOVABLE", "CONFIGURED", "MEMMAP-ON-MEMORY")
_COLUMNS = frozenset({"RANGE", "SIZE", "STATE", "BLOCK", *_SPLIT})
_LEAST, _LARGEST = 1 << 20, 1 << 40

_Row = Mapping[str, str]


class _Run(NamedTuple):
    """Blocks of one row, from the first up to, not including, the last."""

    first: int
    stop: int
    row: _Row


def is_listing(text: str) -> bool:
    """Whether a text is what `lsmem` prints: a table, pairs, or JSON.

    >>> is_listing("RANGE  SIZE STATE\\n"), is_listing("00000000-0009ffff : System RAM\\n")
    (True, False)
    """
    begin = text.lstrip("\ufeff \t\r\n")[:4096]
    first = begin.partition("\n")[0].split()
    heads = "RANGE" in first and "STATE" in first and set(first) <= _COLUMNS
    heads = heads or bool(_S390.match(begin))
    return heads or begin.startswith('RANGE="') or bool(re.match(r'\{\s*"memory"\s*:', begin))


def sysfs_of_listing(text: str, path: str) -> dict[str, bytes]:
    """The files of sysfs, by path, that tell what a listing tells.

    Args:
        text: what `lsmem` printed: its table with heads (that of s390-tools, too), `--raw`,
            `--pairs` or `--json`.
        path: what to name in an error.

    Raises:
        MachineError: a row that lsmem does not print, too many blocks, or a block size that
            neither the summary nor the blocks' own numbers tell.

    >>> files = sysfs_of_listing("RANGE STATE BLOCK\\n0x0-0x7ffffff online 0\\n", "lsmem.txt")
    >>> files["sys/devices/system/memory/block_size_bytes"]
    b'8000000\\n'
    """
    rows = list(_rows(text, path))
    if not rows:
        raise MachineError(
            f"{path}: no row of lsmem in it; give what lsmem printed, heads included"
        )
    size = _block_size(text, rows, path)
    runs = [_run(row, size, path) for row in rows]
    if sum(run.stop - run.first for run in runs) > MAX_LISTED:
        raise MachineError(f"{path}: lists more than {MAX_LISTED} blocks, as no machine has")
    files = {f"{MEMORY_DIR}/block_size_bytes": f"{size:x}\n".encode()}
    for run in runs:
        told = _attributes(run.row, path)
        config = {"yes": b"1\n", "no": b"0\n"}.get(run.row.get("CONFIGURED", ""))
        for block in range(run.first, run.stop):
            for name, value in told.items():
                files[f"{MEMORY_DIR}/memory{block}/{name}"] = value
            if config is not None:
                files[f"{CONFIG_DIR}/memory{block}/config"] = config
    return files


def _rows(text: str, path: str) -> Iterator[_Row]:
    """The rows of the table, by the names of their columns."""
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        yield from _of_json(text, path)
        return
    heads: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if line.startswith('RANGE="'):
            yield dict(_PAIR.findall(line))
        elif "RANGE" in words and set(words) <= _COLUMNS:
            heads = words
        elif _S390.fullmatch(line):
            heads = _S390_COLUMNS
        elif heads and words and _RANGE.fullmatch(words[heads.index("RANGE")].strip()):
            yield _of_words(heads, words, path, line)


def _of_words(heads: list[str], words: list[str], path: str, line: str) -> _Row:
    """A row of the table: what lsmem leaves blank for memory that is not online is REMOVABLE."""
    if len(words) == len(heads) - 1 and "REMOVABLE" in heads and "STATE" in heads:
        state = words[heads.index("STATE")] if heads.index("STATE") < len(words) else ""
        if state != "online":
            words = [*words]
            words.insert(heads.index("REMOVABLE"), "")
    if len(words) != len(heads):
        raise MachineError(f"{path}: expected {len(heads)} columns, found {shown(line)}")
    return dict(zip(heads, words, strict=True))


def _of_json(text: str, path: str) -> Iterator[_Row]:
    try:
        rows = json.loads(text)["memory"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MachineError(f"{path}: neither lsmem's JSON nor any that is whole") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MachineError(f"{path}: expected a list of rows under 'memory', as lsmem --json has")
    for row in rows:
        yield {str(name).upper(): _word(value) for name, value in row.items()}


def _word(value: object) -> str:
    """A value of JSON as the table has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)[:200]


def _block_size(text: str, rows: list[_Row], path: str) -> int:
    """The bytes of a block: what the summary says, or a range divided by its blocks."""
    summary = _SUMMARY.search(text)
    sizes = {_bytes(summary[1].replace(" MB", "M"), path)} if summary else set()
    for row in rows:
        span, blocks = _range(row, path), _blocks(row, path)
        if span is not None and blocks is not None:
            share, rest = divmod(span[1] - span[0], blocks[1] - blocks[0])
            sizes.add(-1 if rest else share)
    if len(sizes) == 1:
        size = next(iter(sizes))
        if _LEAST <= size <= _LARGEST and not size & (size - 1):
            return size
    if not sizes:
        raise MachineError(
            f"{path}: the block size is not told; list with the column BLOCK, or the summary"
        )
    raise MachineError(f"{path}: its ranges, blocks and block size do not fit together")


def _bytes(word: str, path: str) -> int:
    match = _SIZE.fullmatch(word)
    if match is None or match[2]:
        raise MachineError(f"{path}: expected a block size such as 128M, found {shown(word)}")
    return int(match[1]) << _UNITS[match[3]]


def _range(row: _Row, path: str) -> tuple[int, int] | None:
    """The first address and the one behind the last."""
    word = row.get("RANGE")
    if word is None:
        return None
    match = _RANGE.fullmatch(word)
    if match is None or int(match[2], 16) <= int(match[1], 16):
        raise MachineError(f"{path}: expected a range such as 0x0-0x7ffffff, found {shown(word)}")
    return int(match[1], 16), int(match[2], 16) + 1


def _blocks(row: _Row, path: str) -> tuple[int, int] | None:
    word = row.get("BLOCK")
    if word is None:
        return None
    match = _BLOCKS.fullmatch(word)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise MachineError(f"{path}: expected blocks such as 32-79, found {shown(word)}")
    return int(match[1]), int(match[2] or match[1]) + 1


def _run(row: _Row, size: int, path: str) -> _Run:
    """The blocks of a row; its range and its blocks must be the same."""
    span, blocks = _range(row, path), _blocks(row, path)
    from_range = None
    if span is not None:
        if span[0] % size or span[1] % size:
            raise MachineError(
                f"{path}: {shown(row['RANGE'])} is no whole number of blocks of {size:#x} bytes"
            )
        from_range = span[0] // size, span[1] // size
    run = blocks or from_range
    if run is None or (from_range or run) != run:
        raise MachineError(f"{path}: a row whose range and blocks do not fit together")
    return _Run(*run, row)


def _attributes(row: _Row, path: str) -> dict[str, bytes]:
    """The files of each block of a row."""
    if row.get("CONFIGURED") == "no":
        return {}
    files: dict[str, bytes] = {}
    state = row.get("STATE", "")
    if state in _STATES:
        files["state"] = f"{_STATES[state]}\n".encode()
    elif state not in ("", "?"):
        raise MachineError(f"{path}: expected online, offline or on->off, found {shown(state)}")
    if row.get("REMOVABLE") in ("yes", "no"):
        files["removable"] = b"1\n" if row["REMOVABLE"] == "yes" else b"0\n"
    zones = [_ZONES.get(name, name) for name in row.get("ZONES", "").split("/") if name]
    if zones and "Unknown" not in zones:
        files["valid_zones"] = f"{' '.join(zones)}\n".encode()
    if re.fullmatch("[0-9]{1,5}", row.get("NODE", ""), re.ASCII):
        files[f"node{int(row['NODE'])}"] = b""
    return files
