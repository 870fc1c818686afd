"""Terms: the immutable sentences that a specification is made of.

A term is plain data: typed, hashable, printed the way a reader would write it.
Nothing here evaluates, proves or compiles; every other part of memhp is a walk
over these few classes.  Equal terms are one object (hash consing), so that
comparing two of them takes no walk, and what was worked out of one is found again.

>>> frame = SortRef("Frame")
>>> f = Var("f", frame)
>>> free = Symbol("free", (frame,), BOOL, is_state=True)
>>> str(exists(f, App(free, (f,))))
'exists f: Frame. free[f]'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from threading import Lock
from typing import Any, Literal
from weakref import WeakValueDictionary

__all__ = [
    "BOOL",
    "FALSE",
    "INT",
    "TRUE",
    "App",
    "Call",
    "Const",
    "Next",
    "Op",
    "Quantified",
    "SortRef",
    "Symbol",
    "Term",
    "Var",
    "add",
    "conj",
    "count",
    "disj",
    "eq",
    "exists",
    "forall",
    "implies",
    "inside",
    "ite",
    "le",
    "negate",
    "number",
    "parts",
    "quantified",
    "subterms",
]


_MAKING = Lock()


class _Unique(type):
    """Makes no second object of a class with the same fields."""

    _objects: WeakValueDictionary[tuple[Any, ...], Any]

    def __init__(cls, *declared: Any) -> None:
        super().__init__(*declared)
        cls._objects = WeakValueDictionary()

    def __call__(cls, *values: Any, **named: Any) -> Any:
        if named or len(values) < len(cls.__match_args__):  # type: ignore[attr-defined]
            term = super().__call__(*values, **named)
            values = tuple(getattr(term, field.name) for field in fields(term))
        if (twin := cls._objects.get(values)) is not None:
            return twin
        with _MAKING:
            return cls._objects.setdefault(values, super().__call__(*values))


class _Part(metaclass=_Unique):
    """A sort, a symbol or a term: a copy of it, in another process too, is the same."""

    __slots__ = ("__weakref__",)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class SortRef(_Part):
    """A sort.  ``members`` lists an enumeration's values; an unbounded sort has none."""

    name: str
    members: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return self.name


BOOL = SortRef("Bool", ("false", "true"))
INT = SortRef("Int")
"""Whole numbers: only ever the value of a variable that counts something."""


@dataclass(frozen=True, slots=True, eq=False)
class Symbol(_Part):
    """A function from elements to a value: topology (fixed) or state (actions change it)."""

    name: str
    domain: tuple[SortRef, ...]
    range: SortRef
    is_state: bool

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Var(_Part):
    """A variable: a parameter or a bound variable of the declaration named ``scope``."""

    name: str
    sort: SortRef
    scope: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Const(_Part):
    """A member of an enumeration, one of the two truth values, or a number."""

    name: str
    sort: SortRef

    def __str__(self) -> str:
        return self.name if self.sort in (BOOL, INT) else f"{self.sort}.{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class App(_Part):
    """A symbol applied: ``block_state[b]``."""

    symbol: Symbol
    args: tuple[Term, ...]

    @property
    def sort(self) -> SortRef:
        """The sort of the symbol's values."""
        return self.symbol.range

    def __str__(self) -> str:
        return f"{self.symbol}[{', '.join(map(str, self.args))}]"


@dataclass(frozen=True, slots=True, eq=False)
class Call(_Part):
    """A definition applied: ``block_of(f)``; the system that holds it knows its body."""

    name: str
    args: tuple[Term, ...]
    sort: SortRef

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


OpKind = Literal["not", "and", "or", "implies", "eq", "ite", "add", "le"]
_INFIX = {"and": " & ", "or": " | ", "implies": " -> ", "eq": " == ", "add": " + ", "le": " <= "}


@dataclass(frozen=True, slots=True, eq=False)
class Op(_Part):
    """A connective, an equation, if-then-else, or arithmetic on counters."""

    kind: OpKind
    args: tuple[Term, ...]

    @property
    def sort(self) -> SortRef:
        """INT for a sum, that of its branches for an if-then-else, otherwise BOOL."""
        if self.kind == "add":
            return INT
        return self.args[1].sort if self.kind == "ite" else BOOL

    def __str__(self) -> str:
        if self.kind == "not":
            (body,) = self.args
            if isinstance(body, Op) and body.kind == "eq":
                return f"{_wrap(body.args[0])} != {_wrap(body.args[1])}"
            return f"~{_wrap(body)}"
        if self.kind == "ite":
            return f"ite({', '.join(map(str, self.args))})"
        return _INFIX[self.kind].join(map(_wrap, self.args))


Binder = Literal["forall", "exists", "count"]


@dataclass(frozen=True, slots=True, eq=False)
class Quantified(_Part):
    """``forall`` or ``exists`` over every element of one sort, or how many there are."""

    kind: Binder
    var: Var
    body: Term

    @property
    def sort(self) -> SortRef:
        """INT for a count, otherwise BOOL."""
        return INT if self.kind == "count" else BOOL

    def __str__(self) -> str:
        return f"{self.kind} {self.var.name}: {self.var.sort}. {self.body}"


@dataclass(frozen=True, slots=True, eq=False)
class Next(_Part):
    """The value that a term has after the step; only in step properties."""

    body: Term

    @property
    def sort(self) -> SortRef:
        """The sort of the term that is read after the step."""
        return self.body.sort

    def __str__(self) -> str:
        return f"after({self.body})"


Term = Var | Const | App | Call | Op | Quantified | Next

TRUE = Const("true", BOOL)
FALSE = Const("false", BOOL)


def _wrap(term: Term) -> str:
    atomic = isinstance(term, Var | Const | App | Call | Next) or (
        isinstance(term, Op) and term.kind in ("ite", "not")
    )
    return str(term) if atomic else f"({term})"


def negate(term: Term) -> Term:
    """The term's negation; that of a constant or of a negation is folded."""
    if term in (TRUE, FALSE):
        return FALSE if term == TRUE else TRUE
    if isinstance(term, Op) and term.kind == "not":
        return term.args[0]
    return Op("not", (term,))


def conj(*parts: Term) -> Term:
    """The conjunction, flattened; ``true`` parts vanish."""
    return _junction("and", parts, unit=TRUE, zero=FALSE)


def disj(*parts: Term) -> Term:
    """The disjunction, flattened; ``false`` parts vanish."""
    return _junction("or", parts, unit=FALSE, zero=TRUE)


def _junction(kind: Literal["and", "or"], parts: tuple[Term, ...], unit: Term, zero: Term) -> Term:
    flat: list[Term] = []
    for part in parts:
        flat.extend(part.args if isinstance(part, Op) and part.kind == kind else (part,))
    args = tuple(dict.fromkeys(part for part in flat if part != unit))
    if zero in args:
        return zero
    if len(args) < 2:
        return args[0] if args else unit
    return Op(kind, args)


def implies(premise: Term, conclusion: Term) -> Term:
    """Implication, with constant premises and conclusions folded."""
    if premise == FALSE or conclusion == TRUE:
        return TRUE
    if premise == TRUE:
        return conclusion
    return negate(premise) if conclusion == FALSE else Op("implies", (premise, conclusion))


def eq(left: Term, right: Term) -> Term:
    """Equality, decided when both sides are the same term or two different constants."""
    if left == right:
        return TRUE
    if isinstance(left, Const) and isinstance(right, Const):
        return FALSE
    if left.sort == BOOL:
        for side, other in ((left, right), (right, left)):
            if side in (TRUE, FALSE):
                return other if side == TRUE else negate(other)
    return Op("eq", (left, right))


def ite(condition: Term, then: Term, otherwise: Term) -> Term:
    """If-then-else, folded when the condition or the branches decide it."""
    if condition in (TRUE, FALSE):
        return then if condition == TRUE else otherwise
    return then if then == otherwise else Op("ite", (condition, then, otherwise))


def forall(var: Var, body: Term) -> Term:
    """The term that says ``body`` of every element of the variable's sort."""
    return body if body in (TRUE, FALSE) else Quantified("forall", var, body)


def exists(var: Var, body: Term) -> Term:
    """The term that says ``body`` of some element of the variable's sort.

    Every sort has at least one element, as usual in first-order logic.
    """
    return body if body in (TRUE, FALSE) else Quantified("exists", var, body)


def count(var: Var, body: Term) -> Term:
    """The term for how many elements of the variable's sort satisfy ``body``."""
    return Quantified("count", var, body)


def quantified(kind: Binder, var: Var, body: Term) -> Term:
    """The term of that kind, folded where it is decided."""
    match kind:
        case "forall":
            return forall(var, body)
        case "exists":
            return exists(var, body)
        case "count":
            return count(var, body)


def number(value: int) -> Const:
    """The term for a whole number."""
    return Const(str(value), INT)


def add(left: Term, right: Term) -> Term:
    """The sum, with numbers folded."""
    if isinstance(left, Const) and isinstance(right, Const):
        return number(int(left.name) + int(right.name))
    if number(0) in (left, right):
        return right if left == number(0) else left
    return Op("add", (left, right))


def le(left: Term, right: Term) -> Term:
    """``left <= right``, decided for numbers."""
    if isinstance(left, Const) and isinstance(right, Const):
        return TRUE if int(left.name) <= int(right.name) else FALSE
    return Op("le", (left, right))


def parts(term: Term) -> tuple[Term, ...]:
    """The terms that stand directly in ``term``."""
    match term:
        case App(args=args) | Call(args=args) | Op(args=args):
            return args
        case Quantified(body=body) | Next(body=body):
            return (body,)
    return ()


@lru_cache(maxsize=100_000)
def inside(term: Term) -> frozenset[Term]:
    """Every term inside ``term``, itself too, each once: for terms that are asked about often."""
    return frozenset((term,)).union(*map(inside, parts(term)))


def subterms(term: Term) -> Iterator[Term]:
    """Every term inside ``term``, itself first, as often as it stands there."""
    todo = [term]
    while todo:
        yield (part := todo.pop())
        todo += reversed(parts(part))
