"""What a record holds that no file of the kernel tells: its page words, and what was tried.

Two text files beside the `sys` and `proc` of a dump, one line for each block, in the
order of their numbers.  Both are made by `memhp` and read strictly.

`memhp/page_words` has the words of `/proc/kpageflags` (see `memhp.machines.reading.pageflags`),
not one for each frame, but how many frames of a block have which word:

    memhp-page-words/1
    page_size 4096
    block_size 134217728
    32 400:32000 100000020:768

`memhp/outcomes` has how it ended when each block was told to go offline:

    memhp-outcomes/1
    32 done
    33 EBUSY

`memhp/devices` names the device of ACPI that a block belongs to, for where a link of sysfs leads is
not kept:

    memhp-devices/1
    32 PNP0C80:00

Words are hexadecimal, all other numbers decimal; an outcome is `done` or the name of
an errno.  EINTR: it had not ended in the time it was given.
"""

from __future__ import annotations

import errno
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .errors import MachineError, shown
from .procfs import number
from .tree import Tree

__all__ = [
    "DEVICES",
    "DONE",
    "OUTCOMES",
    "PAGE_WORDS",
    "PageWords",
    "devices_text",
    "outcomes_in",
    "outcomes_text",
    "page_words_in",
    "page_words_text",
    "recorded_devices",
    "recorded_outcomes",
    "recorded_words",
    "refuse_unknown",
]

PAGE_WORDS = "memhp/page_words"
OUTCOMES = "memhp/outcomes"
DEVICES = "memhp/devices"
DONE = "done"

_WORDS_SCHEMA = "memhp-page-words/1"
_OUTCOMES_SCHEMA = "memhp-outcomes/1"
_DEVICES_SCHEMA = "memhp-devices/1"


@dataclass(frozen=True)
class PageWords:
    """How many frames of each block have which word of `/proc/kpageflags`; sizes in bytes."""

    page_size: int
    block_size: int
    blocks: Mapping[int, Counter[int]]


def page_words_text(words: PageWords) -> str:
    """The text of `memhp/page_words`.

    >>> print(page_words_text(PageWords(4096, 8192, {3: Counter({0x400: 2})})), end="")
    memhp-page-words/1
    page_size 4096
    block_size 8192
    3 400:2
    """
    lines = [_WORDS_SCHEMA, f"page_size {words.page_size}", f"block_size {words.block_size}"]
    for block, counts in sorted(words.blocks.items()):
        pairs = " ".join(f"{word:x}:{count}" for word, count in sorted(counts.items()))
        lines.append(f"{block} {pairs}")
    return "\n".join(lines) + "\n"


def page_words_in(text: str, path: str = PAGE_WORDS) -> PageWords:
    """The page words in the text of `memhp/page_words`.

    Raises:
        MachineError: it is not as `page_words_text` writes it, or the words of a block do
            not count all its frames.
    """
    lines = _lines(text, path, _WORDS_SCHEMA)
    page_size = _size(lines, "page_size", path)
    block_size = _size(lines, "block_size", path)
    if block_size % page_size:
        raise MachineError(f"{path}: a block of {block_size} bytes has no pages of {page_size}")
    frames = block_size // page_size
    blocks: dict[int, Counter[int]] = {}
    for block, rest in _rows(lines, path):
        where = f"{path}, block {block}"
        blocks[block] = counts = Counter[int]()
        for part in rest.split(" "):
            word, colon, count = part.partition(":")
            if not colon or (key := number(word, where, base=16)) in counts or key >> 64:
                raise MachineError(
                    f"{where}: expected WORD:COUNT, each word once, found {shown(part)}"
                )
            counts[key] = number(count, where)
        if counts.total() != frames:
            raise MachineError(f"{where}: counts {counts.total()} frames, but has {frames}")
    return PageWords(page_size, block_size, blocks)


def outcomes_text(outcomes: Mapping[int, str]) -> str:
    """The text of `memhp/outcomes`.

    >>> print(outcomes_text({32: "done", 33: "EBUSY"}), end="")
    memhp-outcomes/1
    32 done
    33 EBUSY
    """
    lines = [_OUTCOMES_SCHEMA, *(f"{block} {how}" for block, how in sorted(outcomes.items()))]
    return "\n".join(lines) + "\n"


def outcomes_in(text: str, path: str = OUTCOMES) -> dict[int, str]:
    """The outcome of each block in the text of `memhp/outcomes`: `done` or the name of an errno.

    Raises:
        MachineError: it is not as `outcomes_text` writes it.
    """
    outcomes = {}
    for block, how in _rows(_lines(text, path, _OUTCOMES_SCHEMA), path):
        if how != DONE and how not in errno.errorcode.values():
            raise MachineError(
                f"{path}, block {block}: expected {DONE} or the name of an errno, such as EBUSY,"
                f" found {shown(how)}"
            )
        outcomes[block] = how
    return outcomes


def devices_text(devices: Mapping[int, str]) -> str:
    """The text of `memhp/devices`.

    >>> print(devices_text({32: "PNP0C80:00"}), end="")
    memhp-devices/1
    32 PNP0C80:00
    """
    lines = [_DEVICES_SCHEMA, *(f"{block} {name}" for block, name in sorted(devices.items()))]
    return "\n".join(lines) + "\n"


def recorded_devices(tree: Tree) -> Mapping[int, str]:
    """The devices that a record names, by block; none if it names none, or the machine is live.

    Raises:
        MachineError: they cannot be read.
    """
    text = None if tree.live else tree.read_text(DEVICES)
    return {} if text is None else dict(_rows(_lines(text, DEVICES, _DEVICES_SCHEMA), DEVICES))


def recorded_words(tree: Tree, block_size: int | None, blocks: Collection[int]) -> PageWords | None:
    """The page words that a record of this machine holds; None if it has none, or is live.

    Raises:
        MachineError: they cannot be read, or are of another machine.
    """
    text = None if tree.live else tree.read_text(PAGE_WORDS)
    if text is None:
        return None
    words = page_words_in(text)
    if words.block_size != block_size:
        raise MachineError(
            f"{PAGE_WORDS}: tells of blocks of {words.block_size} bytes, the machine's have"
            f" {block_size}"
        )
    refuse_unknown(words.blocks, blocks, PAGE_WORDS)
    return words


def recorded_outcomes(tree: Tree, blocks: Collection[int]) -> Mapping[int, str] | None:
    """The outcomes that a record of this machine holds; None if it has none, or is live.

    Raises:
        MachineError: they cannot be read, or are of another machine.
    """
    text = None if tree.live else tree.read_text(OUTCOMES)
    if text is None:
        return None
    outcomes = outcomes_in(text)
    refuse_unknown(outcomes, blocks, OUTCOMES)
    return outcomes


def refuse_unknown(named: Iterable[int], blocks: Collection[int], path: str) -> None:
    """Return if the machine has every block that a file of its record names.

    Args:
        named: numbers of blocks.
        blocks: those that the machine has.
        path: the file, for the message.

    Raises:
        MachineError: it has not.
    """
    for block in named:
        if block not in blocks:
            raise MachineError(f"{path}: tells of block {block}, which the machine does not have")


def _lines(text: str, path: str, schema: str) -> Iterator[str]:
    """The lines after the schema line, which must match."""
    lines = iter(text.splitlines())
    first = next(lines, "")
    if first != schema:
        raise MachineError(
            f"{path}: expected {schema} in its first line, found {shown(first)};"
            " it was made by another version of memhp, or changed since"
        )
    return lines


def _size(lines: Iterator[str], name: str, path: str) -> int:
    key, _, value = next(lines, "").partition(" ")
    size = number(value, f"{path}, {name}") if key == name else 0
    if size <= 0 or size & (size - 1):
        raise MachineError(f"{path}: expected a line with {name} and a power of two")
    return size


def _rows(lines: Iterator[str], path: str) -> Iterator[tuple[int, str]]:
    """The block number and the rest of each line; numbers must ascend."""
    last = -1
    for line in lines:
        match = re.fullmatch(r"([0-9]{1,19}) (.+)", line)
        if match is None or int(match[1]) <= last:
            raise MachineError(
                f"{path}: expected a block number above {last} and what is told of the block,"
                f" found {shown(line)}"
            )
        last = int(match[1])
        yield last, match[2]
