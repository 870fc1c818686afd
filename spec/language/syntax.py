"""What a specification's author writes: sorts as classes, terms through Python operators.

An instance of a sort's class stands for an element that is not known yet, so a
type checker sees sort mistakes before memhp does.

>>> class Colour(Enumeration):
...     red: "Colour"
...     green: "Colour"
>>> print(Colour.red == Colour.green)
false
>>> print(implies(true, Colour.red != Colour.green))
true
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import combinations
from types import FrameType
from typing import Any, ClassVar, NoReturn, TypeVar, overload

from . import terms
from .system import SpecificationError, Where
from .terms import (
    BOOL,
    INT,
    Call,
    Next,
    SortRef,
    Term,
    Var,
)

__all__ = [
    "Bool",
    "Enumeration",
    "Expr",
    "Int",
    "Sort",
    "after",
    "all_of",
    "any_of",
    "at_least",
    "call",
    "caller",
    "coerce",
    "complain",
    "count",
    "exists",
    "false",
    "forall",
    "fresh",
    "implies",
    "ite",
    "place_of",
    "true",
]

_LANGUAGE = __name__.rpartition(".")[0]


def caller() -> Where:
    """The place in the specification that is being read."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_globals.get("__name__", "").startswith(_LANGUAGE):
        frame = frame.f_back
    assert frame is not None
    return Where(frame.f_globals.get("__name__", "?"), frame.f_lineno)


def place_of(function: Callable[..., Any]) -> Where:
    """The place of a function that states something."""
    return Where(function.__module__, function.__code__.co_firstlineno)


def complain(message: str, where: Where | None = None) -> NoReturn:
    """Report a mistake.

    Args:
        message: what is wrong.
        where: the place; without it, the line of the specification that is being read.

    Raises:
        SpecificationError: always; it names the place and the declaration that is being read.
    """
    declaration = f"{scope.name}: " if scope.name and scope.name not in message.split() else ""
    raise SpecificationError(f"{where or caller()}: {declaration}{message}")


class Expr:
    """A term with operators.  ``==`` builds a term; it does not compare."""

    ref: ClassVar[SortRef]
    __slots__ = ("term",)
    __hash__ = None  # type: ignore[assignment]  # an Expr must not become a key: == is not equality

    def __init__(self, term: Term) -> None:
        self.term = term

    def __eq__(self, other: object) -> Bool:  # type: ignore[override]  # builds a term
        return Bool(terms.eq(self.term, coerce(other, self.term.sort)))

    def __ne__(self, other: object) -> Bool:  # type: ignore[override]  # builds a term
        return ~(self == other)

    def __bool__(self) -> bool:
        complain("a term has no truth value while it is written: use &, |, ~, implies, ite")

    def __repr__(self) -> str:
        return str(self.term)


class Bool(Expr):
    """A formula."""

    __slots__ = ()
    ref = BOOL

    def __and__(self, other: Bool) -> Bool:
        return Bool(terms.conj(self.term, coerce(other, BOOL)))

    def __or__(self, other: Bool) -> Bool:
        return Bool(terms.disj(self.term, coerce(other, BOOL)))

    def __invert__(self) -> Bool:
        return Bool(terms.negate(self.term))


class Int(Expr):
    """A whole number: the value of a counter."""

    __slots__ = ()
    ref = INT

    @classmethod
    def of(cls, value: int) -> Int:
        """The term for a whole number."""
        return cls(terms.number(value))

    def __add__(self, other: Int | int) -> Int:
        return Int(terms.add(self.term, coerce(other, INT)))

    def __sub__(self, other: int) -> Int:
        return self + -other

    def __le__(self, other: Int | int) -> Bool:
        return Bool(terms.le(self.term, coerce(other, INT)))

    def __ge__(self, other: Int | int) -> Bool:
        return Bool(terms.le(coerce(other, INT), self.term))

    def __lt__(self, other: Int | int) -> Bool:
        return ~(self >= other)

    def __gt__(self, other: Int | int) -> Bool:
        return ~(self <= other)


class Sort(Expr):
    """Base class of the unbounded sorts; the subclass's docstring says what an element is."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        cls.ref = SortRef(cls.__name__)


class Enumeration(Expr):
    """Base class of the finite sorts: each annotated name is a member."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        members = tuple(inspect.get_annotations(cls))
        if not members:
            complain(
                f"enumeration {cls.__name__} has no members: annotate each, `name: {cls.__name__}`"
            )
        cls.ref = SortRef(cls.__name__, members)
        for member in members:
            setattr(cls, member, cls(terms.Const(member, cls.ref)))


true = Bool(terms.TRUE)
false = Bool(terms.FALSE)

E = TypeVar("E", bound=Expr)
S1 = TypeVar("S1", bound=Sort)
S2 = TypeVar("S2", bound=Sort)
S3 = TypeVar("S3", bound=Sort)


def coerce(value: object, sort: SortRef, where: Where | None = None) -> Term:
    """The term of ``value``, which must be of ``sort``; a Python number is a term of its own.

    Args:
        where: the place of a mistake; without it, the line of the specification that is being
            read.
    """
    if sort == INT and type(value) is int:
        return terms.number(value)
    if not isinstance(value, Expr):
        instead = f": write {str(value).lower()}" if isinstance(value, bool) else ""
        complain(f"{value!r} is not a term; a term of sort {sort} was expected{instead}", where)
    if value.term.sort != sort:
        complain(f"{value!r} has sort {value.term.sort}; sort {sort} was expected", where)
    return value.term


def implies(premise: Bool, conclusion: Bool) -> Bool:
    """The formula that ``conclusion`` holds wherever ``premise`` does."""
    return Bool(terms.implies(coerce(premise, BOOL), coerce(conclusion, BOOL)))


def ite(condition: Bool, then: E, otherwise: E) -> E:
    """``then`` where ``condition`` holds, else ``otherwise``."""
    other = coerce(otherwise, then.term.sort)
    return type(then)(terms.ite(coerce(condition, BOOL), then.term, other))


def all_of(*parts: Bool) -> Bool:
    """The conjunction of ``parts``."""
    return Bool(terms.conj(*(coerce(part, BOOL) for part in parts)))


def any_of(*parts: Bool) -> Bool:
    """The disjunction of ``parts``."""
    return Bool(terms.disj(*(coerce(part, BOOL) for part in parts)))


def after(expr: E) -> E:
    """The value of ``expr`` after the step; for *step* properties."""
    return type(expr)(Next(expr.term))


def call(name: str, args: tuple[Expr, ...], result: type[E]) -> E:
    """An application of the definition ``name``."""
    return result(Call(name, tuple(arg.term for arg in args), result.ref))


class _Scope:
    """The declaration that is being traced: it hands out variable names."""

    def __init__(self) -> None:
        self.name = ""
        self.used: set[str] = set()


scope = _Scope()


def fresh(name: str, sort: SortRef) -> Var:
    """A variable of the current declaration that no other of its variables equals."""
    unique, count = name, 1
    while unique in scope.used:
        count += 1
        unique = f"{name}{count}"
    scope.used.add(unique)
    return Var(unique, sort, scope.name)


def bind(sorts: tuple[type[Sort], ...], body: Callable[..., Any]) -> tuple[tuple[Var, ...], Any]:
    """Fresh variables named like the parameters of ``body``, and ``body`` applied to them."""
    names = list(inspect.signature(body).parameters)
    if len(names) != len(sorts):
        complain(f"{len(sorts)} sorts are bound, but the function takes {len(names)} parameters")
    variables = tuple(fresh(name, sort.ref) for name, sort in zip(names, sorts, strict=True))
    return variables, body(*(sort(var) for sort, var in zip(sorts, variables, strict=True)))


def _quantify(kind: Callable[[Var, Term], Term], parts: tuple[Any, ...]) -> Bool:
    *sorts, body = parts
    variables, result = bind(tuple(sorts), body)
    term = coerce(result, BOOL)
    for var in reversed(variables):
        term = kind(var, term)
    return Bool(term)


@overload
def forall(a: type[S1], body: Callable[[S1], Bool], /) -> Bool: ...
@overload
def forall(a: type[S1], b: type[S2], body: Callable[[S1, S2], Bool], /) -> Bool: ...
@overload
def forall(
    a: type[S1], b: type[S2], c: type[S3], body: Callable[[S1, S2, S3], Bool], /
) -> Bool: ...
def forall(*parts: Any) -> Bool:
    """The formula that ``body`` holds for all elements of the sorts named before it."""
    return _quantify(terms.forall, parts)


@overload
def exists(a: type[S1], body: Callable[[S1], Bool], /) -> Bool: ...
@overload
def exists(a: type[S1], b: type[S2], body: Callable[[S1, S2], Bool], /) -> Bool: ...
@overload
def exists(
    a: type[S1], b: type[S2], c: type[S3], body: Callable[[S1, S2, S3], Bool], /
) -> Bool: ...
def exists(*parts: Any) -> Bool:
    """The formula that ``body`` holds for some element of each sort named before it."""
    return _quantify(terms.exists, parts)


def count(sort: type[S1], body: Callable[[S1], Bool], /) -> Int:
    """How many elements of the sort satisfy ``body``, as a term.

    Only an *always* property may count: it says which counter equals the number.
    """
    (var,), result = bind((sort,), body)
    return Int(terms.count(var, coerce(result, BOOL)))


def at_least(number: int, sort: type[S1], body: Callable[[S1], Bool], /) -> Bool:
    """The formula that ``number`` different elements of the sort, or more, satisfy ``body``.

    It may stand wherever a formula may: it counts nothing, but names that many elements.
    """
    if type(number) is not int or not 0 <= number <= _MOST_NAMED:
        complain(f"at_least names from 0 to {_MOST_NAMED} elements, not {number!r}")
    names = list(inspect.signature(body).parameters)
    if len(names) != 1:
        complain(f"at_least takes a function of one element, not of {len(names)}")
    named = [fresh(names[0], sort.ref) for _ in range(number)]
    apart = (terms.negate(terms.eq(a, b)) for a, b in combinations(named, 2))
    term = terms.conj(*apart, *(coerce(body(sort(var)), BOOL) for var in named))
    for var in reversed(named):
        term = terms.exists(var, term)
    return Bool(term)


_MOST_NAMED = 8
"""More elements than that a solver does not like to find."""
