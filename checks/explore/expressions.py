"""Sentences about places as C expressions over the words ``w0``, ``w1``, … of a state.

Atoms about one word are tested together: one mask and one comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..ground.formulas import Cases, Formula
from ..ground.grounding import bit
from .packing import WORD, Field, Packing

__all__ = ["Expressions"]


class Expressions:
    """Writes sentences as C expressions over the words of a state that is packed so.

    What occurs more than once among the sentences that `shared` gets is computed
    once, in a variable of its own.
    """

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self._named: dict[Formula, str] = {}

    def shared(self, roots: Iterable[Formula]) -> list[str]:
        """C declarations for what occurs more than once; `text` uses them until the next call."""
        self._named = {}
        uses: Counter[Formula] = Counter()
        ordered: list[Formula] = []

        def visit(formula: Formula) -> None:
            uses[formula] += 1
            if uses[formula] == 1:
                for part in formula.parts:
                    visit(part)
                ordered.append(formula)

        for root in roots:
            visit(root)
        lines = []
        for formula in ordered:
            if formula.parts and uses[formula] > 1:
                text = self.text(formula)
                self._named[formula] = name = f"c{len(self._named)}"
                lines.append(f"const int {name} = {text};")
        return lines

    def text(self, formula: Formula) -> str:
        """A C expression that is not 0 where the sentence holds."""
        if formula in self._named:
            return self._named[formula]
        match formula.shape:
            case "true":
                return "1"
            case "false":
                return "0"
            case "atom":
                return self._atom(formula)
            case "and":
                return self._joined(formula.parts, "&&", "==")
            case _:
                return self._joined(formula.parts, "||", "!=")

    def _joined(self, parts: Sequence[Formula], sign: str, compared: str) -> str:
        """Conjunctions gather "has this value", disjunctions "has not this value"."""
        masks: dict[int, int] = {}
        codes: dict[int, int] = {}
        texts: list[str] = []
        for part in parts:
            code = self._single(part, compared == "!=") if part.shape == "atom" else None
            if code is None:
                texts.append(self.text(part))
                continue
            field = self.packing.fields[part.place]
            masks[field.word] = masks.get(field.word, 0) | field.mask
            codes[field.word] = codes.get(field.word, 0) | code
        first = [_compare(w, mask, compared, codes[w]) for w, mask in sorted(masks.items())]
        return f"({f' {sign} '.join(first + texts)})"

    def _single(self, atom: Formula, negated: bool) -> int | None:
        """The bits of the one value that the atom asks for (or rules out), if it is just one."""
        field = self.packing.fields[atom.place]
        numbers = [n for n in field.values if bool(atom.mask >> n & 1) != negated]
        return field.code(numbers[0]) if len(numbers) == 1 else None

    def _atom(self, atom: Formula) -> str:
        field = self.packing.fields[atom.place]
        for negated, compared in ((False, "=="), (True, "!=")):
            code = self._single(atom, negated)
            if code is not None:
                return _compare(field.word, field.mask, compared, code)
        chosen = sum(1 << at for at, n in enumerate(field.values) if atom.mask >> n & 1)
        return f"({chosen:#x}ul >> {_value(field)} & 1)"

    def stored(self, place: int, cases: Cases) -> str:
        """A C expression for the bits of a place's new value, where they are in its word."""
        to = self.packing.fields[place]
        sort = self.packing.sorts[place]
        codes = {value: to.code(bit(sort, value)) for value in cases}
        if len(cases) == 1:
            return f"{next(iter(codes.values())):#x}ul"
        if (source := self._copied(cases)) is not None:
            return self._moved(source, to, {n: codes[v] for v, n in _sources(cases)})
        *first, last = cases
        text = f"{codes[last]:#x}ul"
        for value in reversed(first):
            text = f"{self.text(cases[value])} ? {codes[value]:#x}ul : {text}"
        return f"(u64)({text})"

    def _copied(self, cases: Cases) -> Field | None:
        """The field that alone decides which case it is."""
        places = {when.place for when in cases.values()}
        if places == {-1} or len(places) > 1:
            return None
        return self.packing.fields[places.pop()]

    def _moved(self, source: Field, to: Field, codes: dict[int, int]) -> str:
        numbers = [n for n in source.values if n in codes]
        plain = all(codes[n] >> to.shift == source.values.index(n) for n in numbers)
        if plain:
            return _shifted(source, to)
        table = sum((codes[n] >> to.shift) << (to.width * source.values.index(n)) for n in numbers)
        if to.width * len(source.values) <= WORD:
            looked_up = f"{table:#x}ul >> {to.width} * {_value(source)}"
            return f"({looked_up} & {(1 << to.width) - 1:#x}ul) << {to.shift}"
        text = "0"
        for n in numbers:
            text = f"{_value(source)} == {source.values.index(n)} ? {codes[n]:#x}ul : {text}"
        return f"(u64)({text})"


def _sources(cases: Cases) -> list[tuple[int, int]]:
    """Which value each value of the one place behind the cases leads to."""
    return [
        (value, number)
        for value, when in cases.items()
        for number in range(when.mask.bit_length())
        if when.mask >> number & 1
    ]


def _compare(word: int, mask: int, compared: str, code: int) -> str:
    return f"((w{word} & {mask:#x}ul) {compared} {code:#x}ul)"


def _value(field: Field) -> str:
    return f"(w{field.word} >> {field.shift} & {(1 << field.width) - 1:#x}ul)"


def _shifted(source: Field, to: Field) -> str:
    masked = f"(w{source.word} & {source.mask:#x}ul)"
    distance = to.shift - source.shift
    if not distance:
        return masked
    return f"{masked} << {distance}" if distance > 0 else f"{masked} >> {-distance}"
