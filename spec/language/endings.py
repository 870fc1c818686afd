"""Declaring that work ends: which actions take it out, and what may add to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .declare import Declared, DeclaredAction
from .syntax import Bool, Enumeration, Expr, Sort, bind, complain, place_of

__all__ = ["Budget", "Progress", "ends"]


class Progress:
    """A way on in an *ends* property: while ``condition`` holds, an action takes some work out.

    Args:
        condition: where these actions help.
        by: the actions; with a member of an enumeration, as ``(action, member)``, where what
            the action takes out is an element that has this member.
        given: by name, what parameters of the actions are, as far as that is known.
    """

    def __init__(
        self,
        condition: Bool,
        /,
        *by: DeclaredAction | tuple[DeclaredAction, Enumeration],
        **given: Expr,
    ) -> None:
        self.condition = condition
        self.by = tuple(each if isinstance(each, tuple) else (each, None) for each in by)
        self.given = given


class Budget:
    """What steps that add to the work of an *ends* property spend.

    Args:
        sort: whose elements can be spent.
        unspent: says of each element that it is not.
    """

    def __init__(self, sort: type[Sort], unspent: Callable[..., Bool], /) -> None:
        (self.var,), self.unspent = bind((sort,), unspent)


_Work: TypeAlias = tuple[Bool, Bool] | tuple[Bool, Bool, tuple[Progress, ...] | Budget]
"""What the function of an *ends* property returns: ``during``, ``left``, and what there is more."""


def ends(
    *,
    by: DeclaredAction | None = None,
    unless: DeclaredAction | tuple[DeclaredAction, ...] = (),
    covers: str = "",
    using: str = "",
) -> Callable[[Callable[..., _Work]], Declared]:
    """Declare that work ends.  The function returns ``during`` and ``left``.

    While ``during`` holds, the set of elements with ``left`` never grows, and
    the action ``by``, with the parameters of the same names, is enabled on each
    of them and takes it out.  A machine is finite: if ``by`` is taken again and
    again, either nothing is left or ``during`` is over.

    Where several actions are needed, the function also returns the ways on, as `Progress`.
    As long as anything is left, one of the conditions holds, and one of its actions is
    enabled and takes out an element.  If such steps are taken again and again, nothing is
    left some time.

    Where steps may add to the work if they pay for it, the function returns a `Budget` as well:
    while ``during`` holds nothing that was spent comes back, and whoever adds an element spends
    something.  So that happens no more often than there are elements to spend.

    Args:
        by: the action that takes an element out, where one is enough.
        unless: the action that may add to the set, or several; what is claimed is the end of what
            comes between two such steps.
        covers: the rows of `spec.rows`, by name.
        using: the invariants and axioms, by name, that the proof needs and would not think of.
    """

    def wrap(function: Callable[..., _Work]) -> Declared:
        where, rows, hints = place_of(function), tuple(covers.split()), tuple(using.split())
        adders = unless if isinstance(unless, tuple) else (unless,)
        for each in (*(() if by is None else (by,)), *adders):
            if not isinstance(each, DeclaredAction):
                complain(f"{function.__name__}: {each!r} is no action", where)
        helping = (by.name,) if by else ()
        adding = tuple(each.name for each in adders)
        return Declared(function, "ends", where, rows, hints, helping, adding)

    return wrap
