"""Sentences about places: what a guard or a property says once a topology is fixed.

A *place* is one value of the state (a variable at one point).  With the
topology fixed every place has finitely many values, and every sentence is built
with *and* and *or* from one kind of atom: "the value of this place is one of
these".  Equal sentences are one object, so they compare and hash by identity.

>>> f = Formulas([0b111, 0b11])
>>> both = f.conj([f.atom(0, 0b110), f.atom(0, 0b011), f.atom(1, 0b01)])
>>> both
(p0 in 0b10 & p1 in 0b1)
>>> f.negate(both)
(p0 in 0b101 | p1 in 0b10)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

__all__ = ["FALSE", "TRUE", "Cases", "Formula", "Formulas", "places", "possible"]

Shape = Literal["true", "false", "atom", "and", "or"]


class Formula:
    """One sentence; made by `Formulas` alone."""

    __slots__ = ("mask", "number", "parts", "place", "shape")

    def __init__(
        self, shape: Shape, place: int, mask: int, parts: tuple[Formula, ...], number: int = 0
    ) -> None:
        self.number = number
        self.shape = shape
        self.place = place
        self.mask = mask
        self.parts = parts

    def __repr__(self) -> str:
        if self.shape == "atom":
            return f"p{self.place} in {self.mask:#b}"
        sign = {"and": " & ", "or": " | "}.get(self.shape)
        return f"({sign.join(map(repr, self.parts))})" if sign else self.shape


TRUE = Formula("true", -1, 0, ())
FALSE = Formula("false", -1, 0, ())

Cases = Mapping[int, Formula]
"""A term's value: for each value that it may have, when it has it.  Exactly one holds."""


class Formulas:
    """Makes sentences, simplified.

    Parameters: ``domains``, for each place the values that it can have, as a
    set of bits.
    """

    def __init__(self, domains: Sequence[int]) -> None:
        self.domains = domains
        self._atoms: dict[tuple[int, int], Formula] = {}
        self._joined: dict[tuple[Shape, frozenset[Formula]], Formula] = {}
        self._negated: dict[Formula, Formula] = {TRUE: FALSE, FALSE: TRUE}

    def atom(self, place: int, mask: int) -> Formula:
        """The place has one of the values."""
        mask &= self.domains[place]
        if not mask:
            return FALSE
        if mask == self.domains[place]:
            return TRUE
        found = self._atoms.get((place, mask))
        if found is None:
            found = self._atoms[place, mask] = Formula("atom", place, mask, ())
        return found

    def conj(self, parts: Iterable[Formula]) -> Formula:
        """All of them hold."""
        return self._join("and", parts, unit=TRUE, zero=FALSE)

    def disj(self, parts: Iterable[Formula]) -> Formula:
        """One of them holds."""
        return self._join("or", parts, unit=FALSE, zero=TRUE)

    def _join(
        self, shape: Literal["and", "or"], parts: Iterable[Formula], unit: Formula, zero: Formula
    ) -> Formula:
        masks: dict[int, int] = {}
        others: set[Formula] = set()
        todo = list(parts)
        while todo:
            part = todo.pop()
            if part is zero:
                return zero
            if part.shape == shape:
                todo.extend(part.parts)
            elif part.shape == "atom":
                old = masks.get(part.place)
                both = part.mask if old is None else _merge(shape, old, part.mask)
                masks[part.place] = both
            elif part is not unit:
                others.add(part)
        for place, mask in masks.items():
            atom = self.atom(place, mask)
            if atom is zero:
                return zero
            if atom is not unit:
                others.add(atom)
        return self._interned(shape, others, unit, zero)

    def _interned(
        self, shape: Literal["and", "or"], parts: set[Formula], unit: Formula, zero: Formula
    ) -> Formula:
        if len(parts) < 2:
            return parts.pop() if parts else unit
        if any(self._negated.get(part) in parts for part in parts):
            return zero
        simpler = [self._without(part, parts) for part in parts]
        if any(new is not part for new, part in zip(simpler, parts, strict=True)):
            return self._join(shape, simpler, unit, zero)
        key = (shape, frozenset(parts))
        found = self._joined.get(key)
        if found is None:
            ordered = sorted(parts, key=_order)
            number = len(self._joined) + 1
            found = self._joined[key] = Formula(shape, -1, 0, tuple(ordered), number)
        return found

    def _without(self, part: Formula, others: set[Formula]) -> Formula:
        """``part`` without what the others decide: ``(a | b) & ~a`` is ``b & ~a``."""
        if not any(self._negated.get(inner) in others for inner in part.parts):
            return part
        kept = [inner for inner in part.parts if self._negated.get(inner) not in others]
        return self.disj(kept) if part.shape == "or" else self.conj(kept)

    def negate(self, formula: Formula) -> Formula:
        """It does not hold."""
        found = self._negated.get(formula)
        if found is None:
            match formula.shape:
                case "atom":
                    found = self.atom(formula.place, ~formula.mask)
                case "and":
                    found = self.disj(map(self.negate, formula.parts))
                case _:
                    found = self.conj(map(self.negate, formula.parts))
            self._negated[formula] = found
            self._negated[found] = formula
        return found

    def same(self, left: Formula, right: Formula) -> Formula:
        """Both hold or neither does."""
        return self.choose(left, right, self.negate(right))

    def choose(self, condition: Formula, then: Formula, otherwise: Formula) -> Formula:
        """``then`` if the condition holds, else ``otherwise``."""
        yes = self.conj([condition, then])
        return self.disj([yes, self.conj([self.negate(condition), otherwise])])

    def rewritten(self, formula: Formula, known: dict[Formula, Formula]) -> Formula:
        """A sentence of other `Formulas`, for the domains here; ``known`` is filled."""
        found = known.get(formula)
        if found is None:
            match formula.shape:
                case "true" | "false":
                    found = formula
                case "atom":
                    found = self.atom(formula.place, formula.mask)
                case "and":
                    found = self.conj(self.rewritten(part, known) for part in formula.parts)
                case _:
                    found = self.disj(self.rewritten(part, known) for part in formula.parts)
            known[formula] = found
        return found


def possible(formula: Formula, domains: Sequence[int]) -> bool:
    """Whether it may hold; each part is judged on its own, so true can be too much."""
    match formula.shape:
        case "atom":
            return bool(formula.mask & domains[formula.place])
        case "and":
            return all(possible(part, domains) for part in formula.parts)
        case "or":
            return any(possible(part, domains) for part in formula.parts)
    return formula is TRUE


def places(formula: Formula) -> frozenset[int]:
    """The places that the sentence speaks of."""
    if formula.shape == "atom":
        return frozenset([formula.place])
    return frozenset(place for part in formula.parts for place in places(part))


def _merge(shape: Literal["and", "or"], one: int, other: int) -> int:
    return one & other if shape == "and" else one | other


def _order(formula: Formula) -> tuple[int, int, int]:
    """Cheap ones first, and the same order in every run."""
    return (formula.number, formula.place, formula.mask)
