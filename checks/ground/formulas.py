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

    Args:
        domains: for each place the values that it can have, as a set of bits.
    """

    def __init__(self, domains: Sequence[int]) -> None:
        self.domains = domains
        self._atoms: dict[tuple[int, int], Formula] = {}
        self._joined: dict[tuple[Shape, frozenset[Formula]], Formula] = {}
        self._negated: dict[Formula, Formula] = {TRUE: FALSE, FALSE: TRUE}

    def atom(self, place: int, mask: int) -> Formula:
        """The sentence that the place has one of the values, which are a set of bits."""
        mask &= self.domains[place]
        if not mask:
            return FALSE
        if mask == self.domains[place]:
            return TRUE
        atom = self._atoms.get((place, mask))
        if atom is None:
            atom = self._atoms[place, mask] = Formula("atom", place, mask, ())
        return atom

    def conj(self, parts: Iterable[Formula]) -> Formula:
        """The sentence that all of them hold."""
        return self._join("and", parts, unit=TRUE, zero=FALSE)

    def disj(self, parts: Iterable[Formula]) -> Formula:
        """The sentence that one of them holds."""
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
        formula = self._joined.get(key)
        if formula is None:
            ordered = sorted(parts, key=_order)
            number = len(self._joined) + 1
            formula = self._joined[key] = Formula(shape, -1, 0, tuple(ordered), number)
        return formula

    def _without(self, part: Formula, others: set[Formula]) -> Formula:
        """``part`` without what the others decide: ``(a | b) & ~a`` is ``b & ~a``."""
        if not any(self._negated.get(inner) in others for inner in part.parts):
            return part
        rest = [inner for inner in part.parts if self._negated.get(inner) not in others]
        return self.disj(rest) if part.shape == "or" else self.conj(rest)

    def negate(self, formula: Formula) -> Formula:
        """The sentence that it does not hold."""
        negation = self._negated.get(formula)
        if negation is None:
            match formula.shape:
                case "atom":
                    negation = self.atom(formula.place, ~formula.mask)
                case "and":
                    negation = self.disj(map(self.negate, formula.parts))
                case _:
                    negation = self.conj(map(self.negate, formula.parts))
            self._negated[formula] = negation
            self._negated[negation] = formula
        return negation

    def same(self, left: Formula, right: Formula) -> Formula:
        """The sentence that both hold or neither does."""
        return self.choose(left, right, self.negate(right))

    def choose(self, condition: Formula, then: Formula, otherwise: Formula) -> Formula:
        """The sentence that is ``then`` where the condition holds, else ``otherwise``."""
        yes = self.conj([condition, then])
        return self.disj([yes, self.conj([self.negate(condition), otherwise])])

    def rewritten(self, formula: Formula, memo: dict[Formula, Formula]) -> Formula:
        """The sentence, which other `Formulas` made, for the domains here; ``memo`` is filled."""
        new = memo.get(formula)
        if new is None:
            match formula.shape:
                case "true" | "false":
                    new = formula
                case "atom":
                    new = self.atom(formula.place, formula.mask)
                case "and":
                    new = self.conj(self.rewritten(part, memo) for part in formula.parts)
                case _:
                    new = self.disj(self.rewritten(part, memo) for part in formula.parts)
            memo[formula] = new
        return new


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
