"""A state as a few digits: places that are written together form one digit.

Where no step writes two digits, and digits have few values, each combination of
digits can be one bit: a step then turns digit by digit, for 64 states at a time
(`bits.c`).  The values of a digit are those that steps can give it if all that it
does not know of the other digits is taken to be possible, so none is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

from ..ground.formulas import (
    FALSE,
    TRUE,
    Formula,
    places,
    possible,
)
from ..ground.grounding import bit
from ..ground.model import Instance, Model
from .packing import WORD

__all__ = ["MOST_BITS", "Box", "Split", "Turn", "split"]

MOST_BITS = 1 << 33
"""The largest product of digits that is tried; what is searched is at most as many states."""
MOST_PLACES, MOST_VALUES = 16, 4096
MOST_BOXES = 100_000
MOST_JOINED = 8 * WORD

Value = tuple[int, ...]
Choice = tuple[Formula, ...]


class _TooLarge(Exception):
    """The state does not split into few digits with few values."""


@dataclass(frozen=True)
class Box:
    """Combinations of digits: for some digits the numbers of the values that they have."""

    allowed: tuple[tuple[int, frozenset[int]], ...]


@dataclass(frozen=True)
class Turn:
    """A step in a box of states: one digit (-1: none) turns, from each value to another."""

    digit: int
    box: Box
    turned: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Split:
    """The digits, by their numbers of values; the first is the innermost.

    ``boot``, the value of each; ``watched``, for the number of a claim the boxes in
    which it is seen.
    """

    sizes: tuple[int, ...]
    boot: tuple[int, ...]
    turns: tuple[Turn, ...]
    watched: tuple[tuple[int, Box], ...]

    @property
    def bits(self) -> int:
        """How many combinations of digits there are."""
        return prod(self.sizes)


def split(model: Model, *, most_bits: int = MOST_BITS) -> Split | None:
    """The model's digits and turns; None if it has too many values for that.

    Args:
        most_bits: the largest product of the digits' numbers of values.
    """
    try:
        return _Splitter(model, most_bits).split()
    except _TooLarge:
        return None


class _Splitter:
    def __init__(self, model: Model, most_bits: int) -> None:
        self.model = model
        self.formulas = model.grounding.formulas
        self.digits = _digits(model)
        self.digit_of = {place: n for n, digit in enumerate(self.digits) for place in digit}
        self._given: dict[tuple[Formula, int, Value], Formula] = {}
        self._boxes: dict[Choice, tuple[tuple[dict[int, frozenset[int]], Choice], ...]] = {}
        self.values: list[list[Value]] = []
        overflows = any(instance.overflow is not FALSE for instance in model.instances)
        if overflows or any(len(digit) > MOST_PLACES for digit in self.digits):
            raise _TooLarge
        for digit in range(len(self.digits)):
            self.values.append(self._values(digit))
            if prod(map(len, self.values)) > most_bits:
                raise _TooLarge
        self._fill_a_row()

    def split(self) -> Split:
        turns = [turn for instance in self.model.instances for turn in self._turns(instance)]
        watched = [
            (self.model.claims.index(watch.claim), Box(tuple(sorted(allowed.items()))))
            for watch in self.model.watches
            for part in (watch.when.parts if watch.when.shape == "or" else (watch.when,))
            for allowed, _ in self._split_up((part,))
        ]
        if len(turns) + len(watched) > MOST_BOXES:
            raise _TooLarge
        if len(self.digits) < 2:
            raise _TooLarge
        boot = [
            values.index(self._boot(digit))
            for digit, values in zip(self.digits, self.values, strict=True)
        ]
        return Split(tuple(map(len, self.values)), tuple(boot), tuple(turns), tuple(watched))

    def _boot(self, digit: Sequence[int]) -> Value:
        sorts = self.model.grounding.sorts
        return tuple(bit(sorts[place], self.model.initial[place]) for place in digit)

    def _fill_a_row(self) -> None:
        """Join up to three digits to an innermost one that wastes little of its words."""
        numbers = range(len(self.digits))
        choices = [c for size in (1, 2, 3) for c in combinations(numbers, size)]
        first = max(choices, key=self._use, default=())
        rest = [n for n in numbers if n not in first]
        joined = product(*(self.values[n] for n in first))
        values = [tuple(number for part in parts for number in part) for parts in joined]
        self.values = [values, *(self.values[n] for n in rest)]
        digit = tuple(place for n in first for place in self.digits[n])
        self.digits = [digit, *(self.digits[n] for n in rest)]
        self.digit_of = {place: n for n, digit in enumerate(self.digits) for place in digit}
        self._given.clear()

    def _use(self, choice: Sequence[int]) -> tuple[float, int]:
        """How much of its words a digit that is joined of these uses; then, how small it is."""
        size = prod(len(self.values[n]) for n in choice)
        return (size / -(-size // WORD) if size <= MOST_JOINED else 0, -size)

    # --- values -------------------------------------------------------------------------------

    def _values(self, digit: int) -> list[Value]:
        """All that steps can make of the digit, whatever the others are."""
        mine = [
            (values, [write for write in values.writes if write.place in self.digit_of])
            for values in self.model.instances
            if self._written(values) == digit
        ]
        boot = self._boot(self.digits[digit])
        values, queue = {boot}, [boot]
        for value in queue:
            for instance, writes in mine:
                if not possible(self.given(instance.guard, digit, value), self.model.domains):
                    continue
                options: list[set[int]] = [{number} for number in value]
                for write in writes:
                    at = self.digits[digit].index(write.place)
                    when = self.given(write.when, digit, value)
                    if possible(when, self.model.domains):
                        new = set(self._numbers(write.place, digit, value, write.cases.items()))
                        options[at] = new if when is TRUE else new | options[at]
                for new_value in product(*options):
                    if new_value not in values:
                        values.add(new_value)
                        queue.append(new_value)
                        if len(queue) > MOST_VALUES:
                            raise _TooLarge
        return sorted(values)

    def _numbers(
        self, place: int, digit: int, value: Value, cases: Iterable[tuple[int, Formula]]
    ) -> Iterator[int]:
        for result, case in cases:
            if possible(self.given(case, digit, value), self.model.domains):
                yield bit(self.model.grounding.sorts[place], result)

    def _written(self, instance: Instance) -> int:
        """The digit that a step writes; -1 for none."""
        written = (write.place for write in instance.writes)
        return next((self.digit_of[place] for place in written if place in self.digit_of), -1)

    def given(self, formula: Formula, digit: int, value: Value) -> Formula:
        """What is left of a sentence once a digit has a value."""
        if formula in (TRUE, FALSE):
            return formula
        key = (formula, digit, value)
        rest = self._given.get(key)
        if rest is None:
            if formula.shape == "atom":
                rest = formula
                if self.digit_of[formula.place] == digit:
                    number = value[self.digits[digit].index(formula.place)]
                    rest = TRUE if formula.mask >> number & 1 else FALSE
            else:
                parts = (self.given(part, digit, value) for part in formula.parts)
                is_and = formula.shape == "and"
                rest = self.formulas.conj(parts) if is_and else self.formulas.disj(parts)
            self._given[key] = rest
        return rest

    # --- boxes --------------------------------------------------------------------------------

    def _split_up(self, choice: Choice) -> tuple[tuple[dict[int, frozenset[int]], Choice], ...]:
        """Boxes that do not overlap, in each of which every sentence is decided; the first is true.

        They are found digit by digit: values that leave the same are together.
        """
        boxes = self._boxes.get(choice)
        if boxes is not None:
            return boxes
        if choice[0] is FALSE:
            return ()
        open_ = next((formula for formula in choice if formula not in (TRUE, FALSE)), None)
        if open_ is None:
            return (({}, choice),)
        digit = min(self.digit_of[place] for place in places(open_))
        together: dict[Choice, set[int]] = {}
        for number, value in enumerate(self.values[digit]):
            rest = tuple(self.given(formula, digit, value) for formula in choice)
            together.setdefault(rest, set()).add(number)
        boxes = tuple(
            ({digit: frozenset(numbers), **allowed}, decided)
            for rest, numbers in together.items()
            for allowed, decided in self._split_up(rest)
        )
        if len(boxes) > MOST_BOXES:
            raise _TooLarge
        self._boxes[choice] = boxes
        return boxes

    def _turns(self, instance: Instance) -> Iterator[Turn]:
        digit = self._written(instance)
        writes = [write for write in instance.writes if write.place in self.digit_of]
        whole: Choice = (
            instance.guard,
            *(f for write in writes for f in (write.when, *write.cases.values())),
        )
        if digit < 0:
            for allowed, _ in self._split_up(whole[:1]):
                yield Turn(-1, Box(tuple(sorted(allowed.items()))), ())
            return
        turned: dict[Box, list[tuple[int, int]]] = {}
        index = {value: number for number, value in enumerate(self.values[digit])}
        for number, value in enumerate(self.values[digit]):
            here = tuple(self.given(formula, digit, value) for formula in whole)
            for allowed, decided in self._split_up(here):
                new = list(value)
                answers = iter(decided[1:])
                for write in writes:
                    when = next(answers)
                    to = [result for result in write.cases if next(answers) is TRUE]
                    if when is TRUE:
                        sort = self.model.grounding.sorts[write.place]
                        new[self.digits[digit].index(write.place)] = bit(sort, to[0])
                box = Box(tuple(sorted(allowed.items())))
                turned.setdefault(box, []).append((number, index[tuple(new)]))
        for box, pairs in turned.items():
            yield Turn(digit, box, tuple(pairs))


def _digits(model: Model) -> list[tuple[int, ...]]:
    """The places that vary, those together that one step writes."""
    vary = [place for place, domain in enumerate(model.domains) if domain & (domain - 1)]
    leader = {place: place for place in vary}

    def top(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    for instance in model.instances:
        written = [write.place for write in instance.writes if write.place in leader]
        for place in written[1:]:
            leader[top(place)] = top(written[0])
    digits: dict[int, list[int]] = {}
    for place in vary:
        digits.setdefault(top(place), []).append(place)
    return [tuple(digit) for digit in digits.values()]
