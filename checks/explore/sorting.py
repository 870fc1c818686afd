"""The generated choice of a representative of all states that are images of each other.

A state is exchanged for its image under a swap for as long as that makes its
words smaller.  What comes out is always an image of what went in, so the search
misses nothing; two images of one state may both remain now and then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..ground.grounding import Grounding, bit, value_of
from ..ground.symmetry import Swap
from .packing import WORD, Field, Packing

__all__ = ["canonical"]


def canonical(grounding: Grounding, packing: Packing, swaps: Sequence[Swap]) -> Iterator[str]:
    """The lines of C's ``settled(s, say)``, which returns the representative of a state.

    With ``say`` it prints the numbers of the swaps that lead there.
    """
    for number, swap in enumerate(swaps):
        yield from _swap(grounding, packing, swap, number)
    yield "static inline __attribute__((always_inline)) State settled(State s, int say) {"
    yield "    (void)say;"
    if swaps:
        yield "    for (int again = 1; again;) {"
        yield "        again = 0;"
        yield "        State t;"
        for number in range(len(swaps)):
            yield f"        t = swap_{number}(s);"
            say_so = f'if (say) printf(" {number}");'
            yield f"        if (less(&t, &s)) {{ s = t; again = 1; {say_so} }}"
        yield "    }"
    yield "    return s;"
    yield "}"


def _swap(grounding: Grounding, packing: Packing, swap: Swap, number: int) -> Iterator[str]:
    exchanged: dict[tuple[int, int, int], int] = {}
    mapped: list[str] = []
    for place, field in packing.fields.items():
        image = grounding.image(swap, place)
        to = packing.fields[image]
        if place < image:
            low, high = sorted((field, to), key=lambda f: (f.word, f.shift))
            key = (low.word, high.word, high.shift - low.shift)
            exchanged[key] = exchanged.get(key, 0) | low.mask
        codes = _codes(packing, swap, place, image)
        if codes != list(range(len(codes))):
            mapped.append(_mapped(to, codes))
    yield f"static inline State swap_{number}(State s) {{"
    yield "    u64 x; (void)x;"
    for (low_word, high_word, distance), mask in exchanged.items():
        yield f"    {_exchange(low_word, high_word, distance, mask)}"
    yield from (f"    {line}" for line in mapped)
    yield "    return s;"
    yield "}"


def _codes(packing: Packing, swap: Swap, place: int, image: int) -> list[int]:
    """For each value of a place, by code, the code of its image."""
    sort, to = packing.sorts[place], packing.fields[image]
    values = (value_of(sort, number) for number in packing.fields[place].values)
    return [to.values.index(bit(sort, swap.of(sort, value))) for value in values]


def _exchange(low: int, high: int, distance: int, mask: int) -> str:
    """Exchange the bits of ``mask`` with those ``distance`` further up, or in another word."""
    up, down = ("<<", ">>") if distance >= 0 else (">>", "<<")
    there = f"(s.w[{high}] {down} {abs(distance)})"
    difference = f"x = ({there} ^ s.w[{low}]) & {mask:#x}ul;"
    return f"{difference} s.w[{low}] ^= x; s.w[{high}] ^= x {up} {abs(distance)};"


def _mapped(field: Field, codes: Sequence[int]) -> str:
    """Replace a field's code by another, from a table in one word where it fits."""
    word = f"s.w[{field.word}]"
    value = f"({word} >> {field.shift} & {(1 << field.width) - 1:#x}ul)"
    if field.width * len(codes) <= WORD:
        table = sum(code << (field.width * at) for at, code in enumerate(codes))
        new = f"({table:#x}ul >> {field.width} * {value} & {(1 << field.width) - 1:#x}ul)"
    else:
        moved = [(at, code) for at, code in enumerate(codes) if at != code]
        new = "".join(f"{value} == {at} ? {code}ul : " for at, code in moved) + value
    return f"{word} = ({word} & ~{field.mask:#x}ul) | ({new}) << {field.shift};"
