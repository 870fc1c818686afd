"""Declarations: topology, state, axioms, definitions, actions and properties.

A declaration is only remembered when a module is imported; `load` gives each
its name, runs its function once on symbolic elements, and checks it.  Every
mistake is reported there, with module, declaration and line.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints, overload

from . import terms
from .docstrings import docstring
from .syntax import (
    Bool,
    Enumeration,
    Expr,
    Sort,
    bind,
    call,
    caller,
    coerce,
    complain,
    fresh,
    place_of,
    scope,
)
from .system import (
    ENABLED,
    Guard,
    Kind,
    Update,
    Where,
)
from .terms import (
    BOOL,
    App,
    Symbol,
    Term,
    Var,
)

__all__ = [
    "Map",
    "action",
    "always",
    "axiom",
    "definition",
    "enabled",
    "guard",
    "sometimes",
    "step",
    "topology",
    "variable",
]

K = TypeVar("K")
P = ParamSpec("P")
R = TypeVar("R", bound=Expr)
E = TypeVar("E", bound=Expr)
A1 = TypeVar("A1", bound=Sort | Enumeration)
A2 = TypeVar("A2", bound=Sort | Enumeration)
A3 = TypeVar("A3", bound=Sort | Enumeration)


class Map(Generic[K, R]):
    """A function symbol.  ``m[x]`` reads it; inside an action, ``m[x] = v`` updates a point."""

    def __init__(
        self, domain: tuple[type[Sort], ...], result: type[R], initial: Callable[..., R] | None
    ) -> None:
        self.domain = domain
        self.result = result
        self.initial = initial
        self.where = caller()
        self.name = ""
        self.doc = ""

    def __repr__(self) -> str:
        args = ", ".join(sort.ref.name for sort in self.domain)
        return f"<{self.name}, to be written {self.name}[{args}]>"

    @property
    def is_state(self) -> bool:
        """Actions may change it: it was declared with `variable`."""
        return self.initial is not None

    @property
    def symbol(self) -> Symbol:
        """The function symbol that terms apply.

        Raises:
            SpecificationError: if no module has declared it yet.
        """
        if not self.name:
            complain("an undeclared symbol is used: assign it to a name at the module's top level")
        return Symbol(self.name, tuple(a.ref for a in self.domain), self.result.ref, self.is_state)

    def _args(self, key: object) -> tuple[Term, ...]:
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) != len(self.domain):
            complain(f"{self.name} takes {len(self.domain)} arguments, {len(keys)} are given")
        return tuple(coerce(k, sort.ref) for k, sort in zip(keys, self.domain, strict=True))

    def __getitem__(self, key: K) -> R:
        return self.result(App(self.symbol, self._args(key)))

    def __setitem__(self, key: K, value: R) -> None:
        point = self._args(key)
        self._record(point, (), terms.TRUE, coerce(value, self.result.ref))

    def update(self, *, where: Callable[..., Bool], value: R | Callable[..., R]) -> None:
        """Update every point that satisfies ``where``; all reads see the state before."""
        scope_vars, condition = bind(self.domain, where)
        here = tuple(sort(var) for sort, var in zip(self.domain, scope_vars, strict=True))
        result = value(*here) if callable(value) else value
        self._record(None, scope_vars, coerce(condition, BOOL), coerce(result, self.result.ref))

    def _record(
        self,
        point: tuple[Term, ...] | None,
        variables: tuple[Var, ...],
        condition: Term,
        value: Term,
    ) -> None:
        if not self.is_state:
            complain(f"{self.name} is topology: no action may change it")
        if _trace is None or not _trace.in_action:
            complain(f"{self.name} is updated outside an action")
        for other in _trace.updates:
            if other.symbol == self.symbol and (point is None or other.point in (None, point)):
                complain(f"{self.name} is updated twice at one point (see {other.where})")
        _trace.updates.append(Update(self.symbol, point, variables, condition, value, caller()))


@overload
def topology(a: type[A1], r: type[R], /) -> Map[A1, R]: ...
@overload
def topology(a: type[A1], b: type[A2], r: type[R], /) -> Map[tuple[A1, A2], R]: ...
@overload
def topology(a: type[A1], b: type[A2], c: type[A3], r: type[R], /) -> Map[tuple[A1, A2, A3], R]: ...
def topology(*sorts: Any) -> Any:
    """Declare a function that no action changes: part of what a machine is.  Last is its range."""
    return Map(sorts[:-1], sorts[-1], None)


@overload
def variable(a: type[A1], r: type[R], /, *, initial: Callable[[A1], R]) -> Map[A1, R]: ...
@overload
def variable(
    a: type[A1], b: type[A2], r: type[R], /, *, initial: Callable[[A1, A2], R]
) -> Map[tuple[A1, A2], R]: ...
@overload
def variable(
    a: type[A1], b: type[A2], c: type[A3], r: type[R], /, *, initial: Callable[[A1, A2, A3], R]
) -> Map[tuple[A1, A2, A3], R]: ...
def variable(*sorts: Any, initial: Callable[..., Any]) -> Any:
    """Declare a function that actions change: part of the state.  Last is its range.

    Args:
        initial: its value at each point when the machine has booted.
    """
    return Map(sorts[:-1], sorts[-1], initial)


@dataclass(repr=False)
class Declared:
    """A decorated function, kept until `load` runs it."""

    function: Callable[..., Any]
    role: str
    where: Where
    covers: tuple[str, ...] = ()
    using: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The function's name, which is that of what it declares."""
        return self.function.__name__

    @property
    def doc(self) -> str:
        """What the function's docstring says of it; "" if it has none."""
        return docstring(self.function)


class DeclaredAction(Declared):
    """A function decorated with `action`: what properties may name as a step."""


@dataclass
class _Trace:
    in_action: bool
    guards: list[Guard] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)


_trace: _Trace | None = None


@contextmanager
def tracing(name: str, *, in_action: bool = False) -> Iterator[_Trace]:
    """The scope in which one declaration's function runs."""
    global _trace
    _trace, scope.name, scope.used = _Trace(in_action), name, set()
    try:
        yield _trace
    finally:
        _trace, scope.name = None, ""


def guard(name: str, condition: Bool, *, errno: int | None = None, why: str) -> None:
    """Declare a named condition of the action that is being declared.

    Args:
        name: an identifier that no other guard of the action has.
        condition: what must hold; it may use the action's parameters.
        errno: what the user's call returns when this is the first guard to fail; None for a
            step that no user asks for.
        why: one line that says to that user what stands in the way.
    """
    if _trace is None or not _trace.in_action:
        complain(f"guard {name!r} stands outside an action")
    if not name.isidentifier():
        complain(f"a guard needs a name that is an identifier, not {name!r}")
    if any(other.name == name for other in _trace.guards):
        complain(f"guard {name!r} is declared twice")
    if not why.strip():
        complain(f"guard {name!r} does not say why")
    if _trace.updates:
        complain(f"guard {name!r} stands after an update; guards come first")
    _trace.guards.append(Guard(name, coerce(condition, BOOL), errno, why, caller()))


@overload
def action(function: Callable[..., None], /) -> DeclaredAction: ...
@overload
def action(*, using: str = "") -> Callable[[Callable[..., None]], DeclaredAction]: ...
def action(function: Any = None, *, using: str = "") -> Any:
    """Declare a step; the function's parameters are annotated with their sorts.

    Args:
        using: the invariants and axioms, by name, that proofs about the step need and would not
            think of.
    """

    def wrap(step: Callable[..., None]) -> DeclaredAction:
        return DeclaredAction(step, "action", place_of(step), using=tuple(using.split()))

    return wrap(function) if function else wrap


def axiom(function: Callable[..., Bool]) -> Declared:
    """Declare a fact about every topology."""
    return Declared(function, "axiom", place_of(function))


def _property(kind: Kind) -> Callable[..., Callable[[Callable[..., Bool]], Declared]]:
    def declare(
        *bare: Callable[..., Bool], covers: str = "", using: str = ""
    ) -> Callable[[Callable[..., Bool]], Declared]:
        if bare:
            complain(f"@{kind} needs parentheses: write @{kind}()", place_of(bare[0]))

        def wrap(function: Callable[..., Bool]) -> Declared:
            rows, hints = tuple(covers.split()), tuple(using.split())
            return Declared(function, kind, place_of(function), rows, hints)

        return wrap

    return declare


always = _property("always")
step = _property("step")
sometimes = _property("sometimes")


class Defined(Generic[P, E]):
    """A named term with parameters; calling it applies it."""

    def __init__(self, function: Callable[P, E]) -> None:
        self.declared = Declared(function, "definition", place_of(function))

    def __call__(self, *args: P.args, **_: P.kwargs) -> E:
        result = result_of(self.declared, hints(self.declared.function))
        applied: E = call(self.declared.name, _fitting(self.declared, args), result)
        return applied


def _fitting(declared: Declared, args: tuple[object, ...]) -> tuple[Expr, ...]:
    """``args``, checked to be what the declared function takes."""
    sorts = [sort for name, sort in hints(declared.function).items() if name != "return"]
    if len(args) != len(sorts):
        complain(f"{declared.name} takes {len(sorts)} arguments, {len(args)} are given")
    for arg, sort in zip(args, sorts, strict=True):
        coerce(arg, sort.ref)
    return tuple(arg for arg in args if isinstance(arg, Expr))


def enabled(step: DeclaredAction, *args: Sort) -> Bool:
    """The formula that every guard of the action ``step`` holds for these arguments."""
    if step.role != "action":
        complain(f"{step.name} is no action: only an action can be enabled")
    return call(f"{ENABLED}{step.name}", _fitting(step, args), Bool)


def definition(function: Callable[P, E]) -> Defined[P, E]:
    """Name a term so that actions and properties can share it, and variants replace it."""
    return Defined(function)


@cache
def hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The annotations of the function, as sorts; they are evaluated once."""
    try:
        return get_type_hints(function)
    except NameError as error:
        complain(
            f"the annotations of {function.__name__} name what does not exist: {error}",
            place_of(function),
        )


def result_of(declared: Declared, annotations: Mapping[str, Any]) -> Any:
    """The sort that a definition's annotations say it returns."""
    result = annotations.get("return")
    if not (isinstance(result, type) and issubclass(result, Expr)):
        complain(
            f"definition {declared.name} is not annotated with the sort it returns", declared.where
        )
    return result


def parameters(function: Callable[..., Any]) -> tuple[tuple[Var, ...], tuple[Expr, ...]]:
    """The annotated parameters: as variables of the current scope, and as what an author gets."""
    sorts = hints(function)
    variables, exprs = [], []
    for name in inspect.signature(function).parameters:
        sort = sorts.get(name)
        if not (isinstance(sort, type) and issubclass(sort, Expr)):
            complain(f"parameter {name!r} is not annotated with a sort", place_of(function))
        var = fresh(name, sort.ref)
        variables.append(var)
        exprs.append(sort(var))
    return tuple(variables), tuple(exprs)
