"""The same ground model for Spin: equal states, equal transitions, another search.

The form is the one that Spin is fastest with: each step is one indivisible
option, and options with a condition in common are behind one test of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..ground.formulas import TRUE, Cases, Formula, Formulas
from ..ground.grounding import bit
from ..ground.model import Instance, Model, Write
from .packing import Packing

__all__ = ["promela"]

FEW = 3
"""So many options need no test in common."""


def promela(model: Model, packing: Packing) -> str:
    """The text of a Promela file: the model, for Spin.

    Values are numbered from 0 in each place.  Spin needs ``-o2``, or
    it forgets what it takes for dead, and counts fewer states.  A run that leaves a counter's
    numbers fails an assertion.
    """
    writer = _Writer(model, packing)
    body = list(writer.choice("do", range(len(model.instances)), TRUE, "    "))
    sizes = ", ".join(f"{name.lower()}={size}" for name, size in model.topology.sizes.items())
    return "\n".join(
        [
            f"/* {model.system.name} on a machine of {sizes}. */",
            "/* spin -o2 -a FILE; cc -O2 -DSAFETY -DNOREDUCE -o pan pan.c; ./pan -m10000000 */",
            *writer.variables(),
            "active proctype machine() {",
            "end:",
            *body,
            "}",
            "",
        ]
    )


class _Writer:
    def __init__(self, model: Model, packing: Packing) -> None:
        self.model = model
        self.packing = packing
        self.formulas: Formulas = model.grounding.formulas
        self.names = {place: self._name(place) for place in packing.fields}
        self.kept = 0

    def _name(self, place: int) -> str:
        name, point = self.model.grounding.names[place]
        return "_".join([name, *map(str, point)]) if point else f"{name}_"

    def variables(self) -> Iterator[str]:
        """Declarations: what the state is, and what a step keeps for a moment."""
        for place, field in self.packing.fields.items():
            value = self._code(place, self.model.initial[place])
            yield f"unsigned {self.names[place]} : {field.width} = {value};"
        yield from (f"hidden byte kept{number};" for number in range(self.kept))

    def _code(self, place: int, value: int) -> int:
        numbers = self.packing.fields[place].values
        return numbers.index(bit(self.packing.sorts[place], value))

    # --- options ------------------------------------------------------------------------------

    def choice(
        self, word: str, numbers: Sequence[int], premise: Formula, indent: str
    ) -> Iterator[str]:
        """``do`` or ``if`` over the steps, where ``premise`` is known to hold."""
        yield f"{indent}{word}"
        ungrouped = list(numbers)
        while len(ungrouped) > FEW and (shared := self._shared(ungrouped, premise)):
            group = [n for n in ungrouped if shared in _parts(self.model.instances[n].guard)]
            ungrouped = [n for n in ungrouped if n not in group]
            stronger = self.formulas.conj([premise, shared])
            rests = self.formulas.disj(self._rest(n, stronger) for n in group)
            test = self._text(self.formulas.conj([shared, rests]))
            yield f"{indent}:: atomic {{ {test} ->"
            yield from self.choice("if", group, stronger, indent + "    ")
            yield f"{indent}}}"
        for number in ungrouped:
            yield from self._option(number, premise, indent)
        yield f"{indent}{'od' if word == 'do' else 'fi'}"

    def _shared(self, numbers: Sequence[int], premise: Formula) -> Formula | None:
        """The condition that most of the steps have in common, if more than a few do."""
        implied = _parts(premise)
        uses = Counter(
            part
            for number in numbers
            for part in self.model.instances[number].guard.parts
            if part not in implied
        )
        best = max(uses, key=lambda part: uses[part], default=None)
        return best if best and FEW <= uses[best] < len(numbers) else None

    def _rest(self, number: int, premise: Formula) -> Formula:
        """What the step needs beyond what is known."""
        implied = _parts(premise)
        parts = _parts(self.model.instances[number].guard)
        return self.formulas.conj(part for part in parts if part not in implied)

    def _option(self, number: int, premise: Formula, indent: str) -> Iterator[str]:
        instance = self.model.instances[number]
        yield f"{indent}/* {instance.action}{instance.point} */"
        statements = "; ".join(self._statements(instance))
        guard = self._text(self._rest(number, premise))
        yield f"{indent}:: d_step {{ {guard} -> {statements or 'skip'} }}"

    def _statements(self, instance: Instance) -> Iterator[str]:
        writes = [write for write in instance.writes if write.place in self.names]
        overflow = self.formulas.negate(instance.overflow)
        if overflow is not TRUE:
            yield f"assert({self._text(overflow)})"
        later: list[str] = []
        written: set[int] = set()
        copies = 0
        for write in writes:
            texts = [self._text(write.when), self._value(write)]
            if written & write.reads:
                for at, text in enumerate(texts):
                    if not text.isdecimal():
                        yield f"kept{copies} = {text}"
                        texts[at] = f"kept{copies}"
                        copies += 1
            written.add(write.place)
            name, (when, value) = self.names[write.place], texts
            later.append(f"{name} = {value if when == '1' else f'({when} -> {value} : {name})'}")
        self.kept = max(self.kept, copies)
        yield from later

    # --- expressions --------------------------------------------------------------------------

    def _text(self, formula: Formula) -> str:
        if not formula.parts:
            return self._atom(formula) if formula.shape == "atom" else str(int(formula is TRUE))
        sign = " && " if formula.shape == "and" else " || "
        return f"({sign.join(map(self._text, formula.parts))})"

    def _atom(self, atom: Formula) -> str:
        name, numbers = self.names[atom.place], self.packing.fields[atom.place].values
        inside = [code for code, n in enumerate(numbers) if atom.mask >> n & 1]
        outside = [code for code, n in enumerate(numbers) if not atom.mask >> n & 1]
        if len(inside) <= len(outside):
            return f"({' || '.join(f'{name} == {code}' for code in inside)})"
        return f"({' && '.join(f'{name} != {code}' for code in outside)})"

    def _value(self, write: Write) -> str:
        cases: Cases = write.cases
        if same := self._copied(write):
            return same
        *first, last = cases
        text = str(self._code(write.place, last))
        for value in reversed(first):
            text = f"({self._text(cases[value])} -> {self._code(write.place, value)} : {text})"
        return text

    def _copied(self, write: Write) -> str:
        """The name of the place that the value is copied from as it is, if there is one."""
        places = {when.place for when in write.cases.values()}
        if len(places) > 1 or -1 in places:
            return ""
        place = places.pop()
        numbers = self.packing.fields[place].values
        plain = all(
            [code for code, n in enumerate(numbers) if when.mask >> n & 1]
            == [self._code(write.place, value)]
            for value, when in write.cases.items()
        )
        return self.names[place] if plain else ""


def _parts(formula: Formula) -> tuple[Formula, ...]:
    """What a conjunction consists of."""
    return formula.parts if formula.shape == "and" else (formula,)
