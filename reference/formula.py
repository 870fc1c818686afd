"""From a term to the text of a Python expression, with tables and indexes behind it.

Three things make the code fast: a chain of topology becomes one look-up in a
table made beforehand; a quantifier whose body fixes such a chain becomes a loop
over the elements that fit; and conditions are tested in the outermost loop that
knows their variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from math import prod
from typing import Any

from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import System
from memhp.spec.language.terms import (
    INT,
    App,
    Call,
    Const,
    Next,
    Op,
    Quantified,
    SortRef,
    Symbol,
    Term,
    Var,
    negate,
    subterms,
)

from .normal import (
    conjuncts,
    distinct,
    free,
    hole_of,
    is_static,
    replace,
    witness,
)
from .topology import Topology

__all__ = ["AFTER", "BEFORE", "Formulas", "spans"]

BEFORE, AFTER = "_S", "_S2"
"""What generated code calls the state before and after the step."""


def spans(system: System, topology: Topology) -> dict[str, tuple[int, int]]:
    """For each variable, by name, where its values start in the flat state, and where they end.

    Variables stand there in declaration order, the values of each row-major.
    """
    places, start = {}, 0
    for variable in system.variables:
        end = start + prod(topology.size(sort) for sort in variable.symbol.domain)
        places[variable.symbol.name] = (start, end)
        start = end
    return places


class Formulas:
    """Writes terms as Python expressions over one topology.

    ``spans`` says where each variable's values are in the flat state; ``names`` is the
    namespace in which the expressions have their meaning.
    """

    def __init__(self, system: System, topology: Topology) -> None:
        self.system = system
        self.topology = topology
        self.spans = spans(system, topology)
        self.names: dict[str, Any] = {"_any": any, "_int": int}
        for name, table in topology.tables.items():
            self.names[f"_T_{name}"] = table
        self._numbers = count(1)
        self._tables: dict[Term, str] = {}
        self._indexes: dict[Term, str] = {}

    def prepare(self, term: Term) -> Term:
        """``term`` with definitions expanded, and each bound variable renamed to one of its own."""
        return distinct(expand(term, self.system), self._numbers)

    def text(self, term: Term, state: str = BEFORE) -> str:
        """The Python expression for a prepared term; a formula's value is 0, 1, False or True.

        Args:
            state: the name, in the expression, of the list that state is read from.
        """
        hole = hole_of(term)
        if hole is not None and not (isinstance(term, App) and term.args == (hole,)):
            return f"{self._table(term, hole)}[{self.text(hole, state)}]"
        return self._plain(term, state)

    def _plain(self, term: Term, state: str) -> str:
        match term:
            case Var(name=name):
                return name
            case Const(name=name, sort=sort) if sort == INT:
                return name
            case Const(name=name, sort=sort):
                return str((sort.members or ()).index(name))
            case App(symbol=symbol, args=args):
                if not symbol.is_state:
                    return f"_T_{symbol.name}[{self.position(symbol, args, state)}]"
                return f"{state}[{self.position(symbol, args, state)}]"
            case Op():
                return self._operation(term, state)
            case Quantified():
                return self._quantified(term, state)
            case Next(body=body):
                return self.text(body, AFTER)
            case Call(name=name):
                raise AssertionError(f"{name} is not expanded")

    def position(self, symbol: Symbol, args: Sequence[Term], state: str) -> str:
        """The Python expression for the place of ``symbol[args]`` in its table, or in the state."""
        position = ""
        for sort, arg in zip(symbol.domain, args, strict=True):
            text = self.text(arg, state)
            position = f"({position})*{self.topology.size(sort)}+{text}" if position else text
        offset = self.spans[symbol.name][0] if symbol.is_state else 0
        return f"{offset}+{position}" if offset and position else position or str(offset)

    def _operation(self, term: Op, state: str) -> str:
        match term:
            case Op(kind="not", args=(Op(kind="eq", args=(left, right)),)):
                return f"({self.text(left, state)} != {self.text(right, state)})"
            case Op(kind="not", args=(body,)):
                return f"(not {self.text(body, state)})"
            case Op(kind="implies", args=(premise, conclusion)):
                return f"({self.text(negate(premise), state)} or {self.text(conclusion, state)})"
            case Op(kind="eq", args=(left, right)):
                return f"({self.text(left, state)} == {self.text(right, state)})"
            case Op(kind="ite", args=(condition, then, otherwise)):
                yes, no = self.text(then, state), self.text(otherwise, state)
                return f"({yes} if {self.text(condition, state)} else {no})"
            case Op(kind="add" | "le" as kind, args=(left, right)):
                sign = "+" if kind == "add" else "<="
                return f"({self.text(left, state)} {sign} {self.text(right, state)})"
        parts = sorted(term.args, key=_is_costly)
        return f"({f' {term.kind} '.join(self.text(part, state) for part in parts)})"

    def _quantified(self, term: Quantified, state: str) -> str:
        if term.kind == "count":
            return self._count(term, state)
        first, loops = self.plan(*witness(term), state)
        text = " and ".join([*first, f"_any(True {' '.join(loops)})"])
        return f"({text})" if term.kind == "exists" else f"(not ({text}))"

    def _count(self, term: Quantified, state: str) -> str:
        first, loops = self.plan([term.var], conjuncts(term.body), state)
        length = f"len([1 {' '.join(loops)}])"
        return f"({length} if {' and '.join(first)} else 0)" if first else length

    def plan(
        self, variables: Sequence[Var], parts: Sequence[Term], state: str = BEFORE
    ) -> tuple[list[str], list[str]]:
        """The loops that find every choice of ``variables`` for which all ``parts`` hold.

        Returns:
            The conditions that do not depend on the variables, and the clauses
            ``for ... in ...`` and ``if ...`` in nesting order.
        """
        unbound, pending = list(variables), sorted(parts, key=_is_costly)

        def ready() -> list[str]:
            now = [part for part in pending if free(part).isdisjoint(unbound)]
            pending[:] = [part for part in pending if part not in now]
            return [self.text(part, state) for part in now]

        first, clauses = ready(), []
        while unbound:
            var, used, elements = self._next_loop(unbound, pending, state)
            unbound.remove(var)
            pending[:] = [part for part in pending if part is not used]
            clauses.append(f"for {var.name} in {elements}")
            clauses.extend(f"if {condition}" for condition in ready())
        return first, clauses

    def _next_loop(
        self, unbound: list[Var], pending: list[Term], state: str
    ) -> tuple[Var, Term | None, str]:
        """The variable to bind next, the condition that its loop meets, and the loop's elements."""
        for var in unbound:
            for part in pending:
                elements = self._fixed(var, part, unbound, state)
                if elements:
                    return var, part, elements
        for var in unbound:
            for part in pending:
                if is_static(part) and free(part) == {var}:
                    return var, part, f"{self._index(part, var)}[1]"
        return unbound[0], None, self.every(unbound[0].sort)

    def _fixed(self, var: Var, part: Term, unbound: list[Var], state: str) -> str:
        """The elements for which ``part``, an equation, fixes ``var`` or topology over it."""
        if not (isinstance(part, Op) and part.kind == "eq"):
            return ""
        for chain, value in (part.args, part.args[::-1]):
            if is_static(chain) and free(chain) == {var} and free(value).isdisjoint(unbound):
                key = self.text(value, state)
                return f"[{key}]" if chain == var else f"{self._index(chain, var)}[{key}]"
        return ""

    def every(self, sort: SortRef) -> str:
        """The name, in generated code, of the range of all elements of the sort."""
        size = self.topology.size(sort)
        self.names.setdefault(f"_R{size}", range(size))
        return f"_R{size}"

    def _values(self, template: Term, var: Var) -> tuple[int, ...]:
        text = self._plain(template, BEFORE) if template != var else var.name
        function = eval(f"lambda {var.name}: {text}", self.names)
        return tuple(int(function(x)) for x in range(self.topology.size(var.sort)))

    def _table(self, term: Term, hole: Term) -> str:
        var = Var("_x", hole.sort)
        template = replace(term, hole, var)
        if template not in self._tables:
            self._tables[template] = name = f"_C{len(self._tables)}"
            self.names[name] = self._values(template, var)
        return self._tables[template]

    def _index(self, chain: Term, of: Var) -> str:
        """For each value of ``chain``, the elements that have it."""
        var = Var("_x", of.sort)
        template = replace(chain, of, var)
        if template not in self._indexes:
            self._indexes[template] = name = f"_I{len(self._indexes)}"
            fibres: list[list[int]] = [[] for _ in range(self.topology.size(chain.sort))]
            for x, value in enumerate(self._values(template, var)):
                fibres[value].append(x)
            self.names[name] = tuple(map(tuple, fibres))
        return self._indexes[template]

    def nested(self, variables: Sequence[Var], parts: Sequence[Term], then: str) -> list[str]:
        """Statements that do ``then`` for every choice of ``variables`` that `plan` finds."""
        first, clauses = self.plan(variables, parts)
        lines: list[str] = []
        for line in [f"if {condition}" for condition in first] + clauses:
            if line.startswith("if ") and lines and lines[-1].startswith("if "):
                lines[-1] += f" and {line[3:]}"  # Python has no more than 100 levels
            else:
                lines.append(line)
        return [f"{'    ' * depth}{line}:" for depth, line in enumerate(lines)] + [
            f"{'    ' * len(lines)}{then}"
        ]

    def unless(self, condition: Term, then: str) -> list[str]:
        """Statements that do ``then`` (which leaves the function) unless ``condition`` holds."""
        lines: list[str] = []
        for part in conjuncts(condition):
            match part:
                case Quantified(kind="forall"):
                    lines += self.nested(*witness(part), then)
                case Op(kind="not", args=(Quantified(kind="exists") as inner,)):
                    lines += self.nested(*witness(inner), then)
                case _:
                    lines.append(f"if {self.text(negate(part))}: {then}")
        return lines


@lru_cache(maxsize=50_000)
def _is_costly(term: Term) -> bool:
    return any(isinstance(part, Quantified) for part in subterms(term))
