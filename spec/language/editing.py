"""What all edits of a system have in common: a place, and how a part of a system is made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from . import terms
from .declare import parameters, tracing
from .rewrite import substitute
from .syntax import caller, coerce, complain, place_of
from .system import Action, Property, System, Where
from .terms import Term, Var

__all__ = [
    "Change",
    "action_named",
    "check_parameters",
    "has_guard",
    "retrace",
    "unhinted",
    "with_action",
]

_Hinted = TypeVar("_Hinted", Action, Property)


@dataclass(frozen=True)
class Change:
    """What every edit is: it knows the line on which it was written, for messages."""

    where: Where = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", caller())


def action_named(system: System, name: str, where: Where) -> Action:
    """The action of that name.

    Args:
        where: the place of the edit that names it.

    Raises:
        SpecificationError: if there is none.
    """
    if name not in system.action_by_name:
        complain(f"there is no action {name!r}", where)
    return system.action_by_name[name]


def has_guard(action: Action, name: str, where: Where) -> None:
    """Return if the action has a guard of that name.

    Args:
        where: the place of the edit that names it.

    Raises:
        SpecificationError: if it has none; the message has the guards that there are.
    """
    if all(guard.name != name for guard in action.guards):
        there_are = ", ".join(guard.name for guard in action.guards) or "none"
        complain(f"{action.name} has no guard {name!r}; its guards are: {there_are}", where)


def with_action(system: System, changed: Action) -> System:
    """The system with that action in the place of the one of its name."""
    actions = tuple(changed if a.name == changed.name else a for a in system.actions)
    return replace(system, actions=actions)


def unhinted(system: System, name: str) -> System:
    """The system in which proofs are told to use that property or axiom no more."""

    def without(part: _Hinted) -> _Hinted:
        if name not in part.using:
            return part
        return replace(part, using=tuple(each for each in part.using if each != name))

    return replace(
        system,
        actions=tuple(map(without, system.actions)),
        properties=tuple(map(without, system.properties)),
    )


def retrace(
    name: str, function: Callable[..., Any], params: tuple[Var, ...], sort: terms.SortRef
) -> Term:
    """The term that the function returns for the declaration's own parameters.

    Args:
        name: what the parameters of the function are said to belong to.
        function: takes as many parameters as there are ``params``, of the same sorts.
        params: those of the declaration.
        sort: of the term.

    Raises:
        SpecificationError: for a mistake in the function.
    """
    with tracing(name):
        own, args = parameters(function)
        check_parameters(name, function, own, params)
        term = coerce(function(*args), sort, place_of(function))
    return substitute(term, dict(zip(own, params, strict=True)))


def check_parameters(
    name: str, function: Callable[..., Any], own: tuple[Var, ...], params: tuple[Var, ...]
) -> None:
    """Return if the function's ``own`` parameters are of the sorts of ``params``.

    Raises:
        SpecificationError: if they are not.
    """
    if [var.sort for var in own] != [var.sort for var in params]:
        wanted = [str(var.sort) for var in params]
        complain(f"{name}: parameters must be {wanted}", place_of(function))
