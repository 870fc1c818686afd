"""The generated half of the search with one bit a state: digits and turns as C tables.

The innermost digit is a row of words; of the others each turn has a list of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from .packing import WORD
from .split import Box, Split

__all__ = ["tables", "words"]

Piece = tuple[int, int, int, int]
List = tuple[tuple[int, ...], tuple[int, ...]]


def words(split: Split) -> int:
    """How many words of 64 bits hold a bit for each combination of digits."""
    return _row(split) * prod(split.sizes[1:])


def _row(split: Split) -> int:
    return -(-split.sizes[0] // WORD)


def tables(split: Split, claims: int) -> str:
    """The text of ``digits.h``: sizes and strides of the digits, and each turn as lists and masks.

    Args:
        claims: how many properties are watched.
    """
    sizes = split.sizes
    strides = [0, *(_row(split) * prod(sizes[1:digit]) for digit in range(1, len(sizes)))]
    at = sum(v * s for v, s in zip(split.boot, strides, strict=True)) + split.boot[0] // WORD
    writer = _Writer(split)
    turns = [writer.turn(turn.box, turn.digit, turn.turned, 0) for turn in split.turns]
    watched = [writer.turn(box, -1, (), claim) for claim, box in split.watched]
    return "\n".join(
        [
            f"enum {{ DIGITS = {len(sizes)}, OUTERMOST = {sizes[-1]}, TURNS = {len(turns)},",
            f"       WATCHED = {len(watched)}, CLAIMS = {claims} }};",
            f"static const u64 WORDS = {words(split)}ul, BLOCK = {_row(split) * sizes[1]}ul;",
            f"static const u64 BOOT_WORD = {at}ul, BOOT_BIT = {1 << split.boot[0] % WORD:#x}ul;",
            f"static const u64 strides[] = {{{', '.join(f'{s}ul' for s in strides)}}};",
            *writer.lines,
            f"static const Turn turns[] = {{{', '.join(turns) or '{0}'}}};",
            f"static const Turn watched[] = {{{', '.join(watched) or '{0}'}}};",
            "",
        ]
    )


class _Writer:
    """Writes each list, and each row of pieces, once."""

    def __init__(self, split: Split) -> None:
        self.sizes = split.sizes
        self.lines: list[str] = []
        self._names: dict[object, str] = {}

    def turn(self, box: Box, digit: int, turned: Sequence[tuple[int, int]], claim: int) -> str:
        allowed = dict(box.allowed)
        lists: list[List] = []
        for outer in range(1, len(self.sizes)):
            if outer == digit:
                before, after = zip(*turned, strict=True)
                lists.append((before, after))
            else:
                same = tuple(sorted(allowed.get(outer, range(self.sizes[outer]))))
                lists.append((same, same))
        stay = [(value, value) for value in sorted(allowed.get(0, range(self.sizes[0])))]
        pieces = tuple(_pieces(turned if digit == 0 else stay))
        of_lists = self._named("Lists", tuple(lists), self._lists)
        of_pieces = self._named("Pieces", pieces, self._pieces)
        return f"{{{of_lists}, {len(pieces)}, {of_pieces}, {claim}}}"

    def _named(self, kind: str, what: Any, write: Callable[[str, Any], str]) -> str:
        key = (kind, what)
        if key not in self._names:
            self._names[key] = f"{kind.lower()}_{len(self._names)}"
            self.lines.append(write(self._names[key], what))
        return self._names[key]

    def _lists(self, name: str, lists: Sequence[List]) -> str:
        parts = []
        for before, after in lists:
            one, other = (self._named("Numbers", n, _numbers) for n in (before, after))
            parts.append(f"{{{len(before)}, {one}, {other}}}")
        return f"static const List {name}[] = {{{', '.join(parts)}}};"

    def _pieces(self, name: str, pieces: Sequence[Piece]) -> str:
        parts = ", ".join(f"{{{a}, {b}, {mask:#x}ul, {up}}}" for a, b, mask, up in pieces)
        return f"static const Piece {name}[] = {{{parts}}};"


def _numbers(name: str, numbers: Sequence[int]) -> str:
    return f"static const u32 {name}[] = {{{', '.join(map(str, numbers))}}};"


def _pieces(turned: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """What moves from one word to one word by as much is moved together."""
    masks: dict[tuple[int, int, int], int] = {}
    for before, after in turned:
        key = (before // WORD, after // WORD, after % WORD - before % WORD)
        masks[key] = masks.get(key, 0) | 1 << before % WORD
    for (from_word, to_word, up), mask in masks.items():
        yield from_word, to_word, mask, up
