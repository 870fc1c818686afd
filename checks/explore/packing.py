"""Where each place lives in a state of a few 64-bit words.

A place with one value takes no room.  Any other is a field of as few bits as
its values need; a field never crosses a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memhp.spec.language.terms import SortRef

from ..ground.grounding import bit, value_of

__all__ = ["Field", "Packing"]

WORD = 64


@dataclass(frozen=True)
class Field:
    """Some bits of one word.  ``values`` are the numbers of the values, by code."""

    word: int
    shift: int
    width: int
    values: tuple[int, ...]

    @property
    def mask(self) -> int:
        """The bits of the field, in its word."""
        return ((1 << self.width) - 1) << self.shift

    def code(self, number: int) -> int:
        """The bits that stand for the value of that number, in their word."""
        return self.values.index(number) << self.shift


class Packing:
    """The fields of all places in the words of a state.

    Args:
        domains: for each place the values that it can have, as a set of bits.
        sorts: the sort of each place.
        order: the places that vary, in the order in which they are laid out; by number
            without it.
    """

    def __init__(
        self, domains: Sequence[int], sorts: Sequence[SortRef], order: Sequence[int] | None = None
    ) -> None:
        self.sorts = sorts
        self.constant: dict[int, int] = {}
        self.fields: dict[int, Field] = {}
        used: list[int] = []
        for place in range(len(domains)) if order is None else order:
            values = tuple(n for n in range(domains[place].bit_length()) if domains[place] >> n & 1)
            width = (len(values) - 1).bit_length()
            if width:
                self.fields[place] = _put(used, width, values)
        for place, domain in enumerate(domains):
            if place not in self.fields:
                self.constant[place] = value_of(sorts[place], domain.bit_length() - 1)
        self.words = max(1, len(used))
        self.bits = sum(field.width for field in self.fields.values())
        self.bytes = 8 * (self.words - 1) + max(1, -(-used[-1] // 8)) if used else 1

    def pack(self, values: Sequence[int]) -> tuple[int, ...]:
        """The words of a state, from the value of every place."""
        words = [0] * self.words
        for place, field in self.fields.items():
            words[field.word] |= field.code(bit(self.sorts[place], values[place]))
        return tuple(words)

    def unpack(self, words: Sequence[int]) -> list[int]:
        """The value of every place, from the words of a state."""
        values = [0] * len(self.sorts)
        for place, value in self.constant.items():
            values[place] = value
        for place, field in self.fields.items():
            code = (words[field.word] & field.mask) >> field.shift
            values[place] = value_of(self.sorts[place], field.values[code])
        return values


def _put(used: list[int], width: int, values: tuple[int, ...]) -> Field:
    """The next field, in the first word that has room."""
    for word, bits in enumerate(used):
        if bits + width <= WORD:
            used[word] += width
            return Field(word, bits, width, values)
    used.append(width)
    return Field(len(used) - 1, 0, width, values)
