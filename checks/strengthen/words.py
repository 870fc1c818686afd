"""Candidates in words: their names, their docstrings, and source code to paste into a module.

>>> from memhp.spec.language.terms import BOOL, App, SortRef, Symbol, Var, eq, implies, negate
>>> o, stage = Var("o", SortRef("Folio")), SortRef("Stage", ("idle", "moved"))
>>> moved = eq(App(Symbol("stage", (o.sort,), stage, True), (o,)), Const("moved", stage))
>>> cached = App(Symbol("cached", (o.sort,), BOOL, True), (o,))
>>> python(implies(moved, negate(cached)))
'implies(stage[o] == Stage.moved, ~cached[o])'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from textwrap import fill, indent

from memhp.spec.language.rewrite import substitute
from memhp.spec.language.system import Property, System, Variable, Where
from memhp.spec.language.terms import (
    BOOL,
    INT,
    TRUE,
    App,
    Call,
    Const,
    Op,
    Quantified,
    SortRef,
    Term,
    Var,
    conj,
    eq,
    implies,
    negate,
    subterms,
)

from .clauses import Cube

__all__ = ["Writer", "python", "source"]

_SCOPE = "strengthening"
"""The module that candidates say they are of; the scope of their variables."""
_LONGEST = 72
"""A name has no more characters, but for a number that tells it from others."""
_WIDTH = 100
_SPELLED = {"and": " & ", "or": " | ", "eq": " == ", "add": " + ", "le": " <= "}


class Writer:
    """Makes properties of cubes, with the names that the system's author gives to elements."""

    def __init__(self, system: System) -> None:
        self._letters: dict[SortRef, Counter[str]] = {}
        for claim in system.properties:
            for var in claim.params:
                self._letters.setdefault(var.sort, Counter())[var.name] += 1
        symbols = (*system.topology, *(variable.symbol for variable in system.variables))
        self._reserved = {*system.definitions, *(symbol.name for symbol in symbols)}
        self._taken = {*system.property_by_name, *system.action_by_name, *self._reserved}
        self._first_taken = frozenset(self._taken)

    def variables(self, *sorts: SortRef) -> tuple[Var, ...]:
        """A variable of each sort, no two of one name."""
        names: list[str] = []
        for sort in sorts:
            free = (name for name in self._names_for(sort) if name not in self._reserved)
            names.append(next(name for name in free if name not in names))
        return tuple(Var(name, sort, _SCOPE) for name, sort in zip(names, sorts, strict=True))

    def _names_for(self, sort: SortRef) -> Iterator[str]:
        yield from (name for name, _ in self._letters.get(sort, Counter()).most_common())
        letter = sort.name[0].lower()
        yield letter
        number = 1
        while True:
            number += 1
            yield f"{letter}{number}"

    def claim(self, cube: Cube, variables: Sequence[Var]) -> Property:
        """The property that the cube never holds."""
        terms = [each.term for each in cube.literals]
        denied = max(terms, key=_is_better_denied)
        premise, conclusion = conj(*(term for term in terms if term != denied)), negate(denied)
        formula = implies(premise, conclusion)
        used = set(subterms(formula))
        if premise == TRUE:
            said, doc = _slug(conclusion), f"Always {python(conclusion)}."
        else:
            said = f"{_slug(premise)}_means_{_slug(conclusion)}"
            doc = f"Where {python(premise)}: {python(conclusion)}."
        params = tuple(var for var in variables if var in used)
        name = self._free(said)
        return Property(name, _SCOPE, "always", doc, params, formula, (), Where(_SCOPE, 0))

    def counter(self, equation: Term, variables: Sequence[Var]) -> Property:
        """The property that a counter is exact."""
        assert isinstance(equation, Op)
        counter, counted = equation.args
        assert isinstance(counter, App)
        name = self._free(f"{counter.symbol.name}_is_exact")
        doc = f"{python(counter)} is {python(counted)}."
        return Property(
            name, _SCOPE, "always", doc, tuple(variables), equation, (), Where(_SCOPE, 0)
        )

    def unchanged(self, variable: Variable) -> Property:
        """The property that a variable which no action writes is as it was at boot."""
        who = self.variables(*variable.symbol.domain)
        value = substitute(variable.initial, dict(zip(variable.params, who, strict=True)))
        now = App(variable.symbol, who)
        name = self._free(f"{variable.symbol.name}_stays_as_at_boot")
        doc = f"{python(now)} never changes."
        return Property(name, _SCOPE, "always", doc, who, eq(now, value), (), Where(_SCOPE, 0))

    def renamed(self, claims: Sequence[Property]) -> tuple[Property, ...]:
        """The properties, without the numbers in names that told them from dropped ones."""
        self._taken = set(self._first_taken)
        return tuple(
            replace(each, name=self._free(each.name.rstrip("_0123456789"))) for each in claims
        )

    def _free(self, said: str) -> str:
        """A name like that which nothing else has."""
        short = said if len(said) <= _LONGEST else said[:_LONGEST].rpartition("_")[0]
        name, number = short, 1
        while name in self._taken:
            number += 1
            name = f"{short}_{number}"
        self._taken.add(name)
        return name


def _is_better_denied(term: Term) -> tuple[bool, bool, int]:
    """Whether it reads better as a conclusion, which says the contrary."""
    denied = isinstance(term, Op) and term.kind == "not"
    inner = term.args[0] if isinstance(term, Op) and denied else term
    equation = isinstance(inner, Op) and inner.kind == "eq"
    return denied, equation, len(list(subterms(term)))


def _slug(term: Term) -> str:
    """What the term says, as a part of a name."""
    match term:
        case Op(kind="and", args=args):
            return "_and_".join(map(_slug, args))
        case Op(kind="not", args=(Op(kind="eq", args=(left, right)),)):
            return f"{_slug(left)}_is_not_{_slug(right)}"
        case Op(kind="not", args=(body,)):
            return f"not_{_slug(body)}"
        case Op(kind="eq", args=(left, right)):
            return f"{_slug(left)}_is_{_slug(right)}"
        case App(args=args) | Call(args=args):
            name = term.symbol.name if isinstance(term, App) else term.name
            return "_of_".join([name, *(_slug(arg) for arg in args if not isinstance(arg, Var))])
        case Const(name=name, sort=sort) if sort == INT:
            return "none" if name == "0" else name
        case Const(name=name) | Var(name=name):
            return name
    raise ValueError(f"{term}: no literal")


def python(term: Term) -> str:
    """The term as an author writes it.

    Raises:
        ValueError: it speaks of two states.
    """
    match term:
        case Var(name=name):
            return name
        case Const(name=name, sort=sort):
            return name if sort in (BOOL, INT) else f"{sort}.{name}"
        case App(symbol=symbol, args=args):
            return f"{symbol}[{', '.join(map(python, args))}]"
        case Call(name=name, args=args):
            return f"{name}({', '.join(map(python, args))})"
        case Op(kind="not", args=(Op(kind="eq", args=(left, right)),)):
            return f"{_inside(left)} != {_inside(right)}"
        case Op(kind="not", args=(body,)):
            return f"~{_inside(body)}"
        case Op(kind="implies" | "ite" as kind, args=args):
            return f"{kind}({', '.join(map(python, args))})"
        case Quantified(kind=kind, var=var, body=body):
            return f"{kind}({var.sort}, lambda {var}: {python(body)})"
        case Op(kind=kind, args=args):
            return _SPELLED[kind].join(map(_inside, args))
    raise ValueError(f"{term}: of two states")


def _inside(term: Term) -> str:
    """The term as a part of another."""
    is_plain = not isinstance(term, Op) or term.kind in ("implies", "ite")
    denied = isinstance(term, Op) and term.kind == "not" and not isinstance(term.args[0], Op)
    return python(term) if is_plain or denied else f"({python(term)})"


def source(claim: Property, serves: Sequence[str] = ()) -> str:
    """The property as a declaration, to be pasted into a module of the specification.

    Args:
        claim: of one state.
        serves: the names of the properties whose proofs need it.
    """
    params = ", ".join(f"{var.name}: {var.sort}" for var in claim.params)
    covers = f'covers="{" ".join(claim.covers)}"' if claim.covers else ""
    words = [claim.doc, *([f"Serves {', '.join(serves)}."] if serves else [])]
    doc = "\n\n".join(fill(part, _WIDTH - 7, break_long_words=False) for part in words)
    end = '"""' if len(words) == 1 else '\n"""'
    lines = [f"@always({covers})", f"def {claim.name}({params}) -> Bool:"]
    if len(lines[1]) > _WIDTH:
        lines[1] = f"def {claim.name}(\n    {params},\n) -> Bool:"
    return "\n".join(
        (*lines, indent(f'"""{doc}{end}', "    "), indent(_returned(claim.formula), "    "))
    )


def _returned(formula: Term) -> str:
    """The statement that returns the formula, in several lines if it is long."""
    text = f"return {python(formula)}"
    if len(text) <= _WIDTH - 4 or not isinstance(formula, Op) or formula.kind != "implies":
        return text
    parts = (f"    {python(part)}," for part in formula.args)
    return "\n".join(("return implies(", *parts, ")"))
