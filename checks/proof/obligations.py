"""Obligations, as terms: one for each property and each way to break it.

An *always* property holds at boot (`initiation`) and is kept by every action
(`consecution`), a *step* property is true of every action (`step`).  For an
*ends* property no action makes what is left grow (`step`), and the action that
it names is `enabled` on all of it and takes it out (`progress`); if it names several
ways, one of them is open (`enabled`), and on each an action takes something out.  The updates
of one action never meet (`disjoint`).  A counter is exact because it starts at
nothing, and each action lets at most one element in and one out, and changes the
counter by as much: no solver has to count.  Each obligation speaks of one
state only: the state after a step is rewritten into the state before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations
from typing import Literal

from memhp.spec.language.rewrite import after, closed, enabled, expand, rebuild, substitute
from memhp.spec.language.system import Action, Ending, Guard, Property, System, Update, Way, Where
from memhp.spec.language.terms import (
    TRUE,
    App,
    Const,
    Quantified,
    Term,
    Var,
    conj,
    disj,
    eq,
    exists,
    implies,
    negate,
    quantified,
    subterms,
)

from .counting import without_count
from .goals import Goal, at_boot, is_about, kept, stepped, symbols

__all__ = ["Assumption", "Obligation", "Obligations"]

ObligationKind = Literal["initiation", "consecution", "step", "enabled", "progress", "disjoint"]
_NOWHERE = Where("", 0)


@dataclass(frozen=True, eq=False)
class Assumption:
    """A closed term that a proof may rest on (a guard's parameters are constants)."""

    role: Literal["axiom", "always", "guard"]
    name: str
    term: Term

    @cached_property
    def label(self) -> str:
        """The name that a solver's core gives back."""
        return f"{self.role}.{self.name}"

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names of the symbols that the term reads."""
        return symbols(self.term)

    @cached_property
    def may_loop(self) -> bool:
        """Whether an instance of the term may bring new terms of its own sorts, without end."""
        return any(
            (isinstance(part, Quantified) and part.kind == "exists") or _returns_to_its_sort(part)
            for part in subterms(self.term)
        )

    @cached_property
    def general(self) -> Term:
        """The term for a machine of any size: an exact counter is 0 when nothing counts."""
        return without_count(self.term)


@dataclass(frozen=True, eq=False)
class Obligation:
    """An obligation to prove that ``goal`` follows from ``assumptions``, for any ``constants``.

    ``claim`` is None for a `disjoint` obligation, ``action`` for `initiation`.
    An obligation is *unchanged* when nothing that the claim reads is written.
    ``number`` tells several of one kind apart.
    """

    kind: ObligationKind
    claim: Property | None
    action: Action | None
    assumptions: tuple[Assumption, ...]
    stated: Term | Callable[[], Goal]
    """The goal, or what works it out when somebody asks: an answer from before needs none."""
    constants: tuple[Var, ...]
    unchanged: bool = False
    number: int = 0

    @cached_property
    def _goal(self) -> Goal:
        return self.stated() if callable(self.stated) else Goal(self.stated, self.stated)

    @property
    def goal(self) -> Term:
        """The goal on a machine of any size."""
        return self._goal.general

    @property
    def small_goal(self) -> Term:
        """The goal on a ground machine, whose elements can be counted."""
        return self._goal.counted

    @property
    def name(self) -> str:
        """The name, of its file too: ``PROPERTY__ACTION``, or ``disjoint__ACTION`` without one."""
        action = self.action.name if self.action else "boot"
        if self.kind in ("enabled", "progress"):
            action = self.kind
        end = f"__{self.number}" if self.number else ""
        return f"{self.claim.name if self.claim else 'disjoint'}__{action}{end}"

    @property
    def guards(self) -> tuple[Assumption, ...]:
        """The guards of the action among the assumptions."""
        return tuple(part for part in self.assumptions if part.role == "guard")

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names of the symbols that goal, claim and guards read, and that the action writes."""
        names = symbols(self.goal)
        if self.claim:
            names |= symbols(self.claim.formula)
        for part in self.guards:
            names |= part.symbols
        return names | self.action.written if self.action else names


class Obligations:
    """All obligations of a system; they rest on its ``invariants`` and ``axioms``.

    ``actions`` has its actions by name, without definitions.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.axioms = tuple(
            Assumption("axiom", axiom.name, expand(closed(axiom), system))
            for axiom in system.axioms
        )
        self.invariants = tuple(
            Assumption("always", claim.name, expand(closed(claim), system))
            for claim in system.of_kind("always")
        )
        self.actions = {action.name: _expanded(action, system) for action in system.actions}
        self._guards = {name: _guards(action) for name, action in self.actions.items()}
        self._boot = _boot(system)
        self._claims: dict[str, Property] = {}
        self._of_action: dict[str, tuple[Assumption, ...]] = {}

    def __reduce__(self) -> tuple[type[Obligations], tuple[System]]:
        """Another process makes them anew: that is faster than to send them."""
        return type(self), (self.system,)

    def suppose(self, claims: Iterable[Property]) -> tuple[Assumption, ...]:
        """Other *always* properties, of other names, as assumptions; `of_property` knows them."""
        ready = [replace(each, formula=expand(each.formula, self.system)) for each in claims]
        self._claims.update((claim.name, claim) for claim in ready)
        return tuple(Assumption("always", claim.name, closed(claim)) for claim in ready)

    def of_property(self, name: str) -> Iterator[Obligation]:
        """The obligations of a property: at boot, of each action, and of an *ends* property's work.

        Raises:
            KeyError: there is no such property.
        """
        claim = self._claim(name)
        if claim.kind == "always":
            goal = partial(at_boot, claim.formula, self._boot)
            yield Obligation("initiation", claim, None, self.axioms, goal, claim.params)
        unless = claim.ending.unless if claim.ending else ()
        for action in self.actions.values():
            if action.name not in unless:
                yield self._of_step(claim, action)
        if claim.ending:
            yield from self._of_ending(claim, claim.ending)

    def of_steps(self, names: Iterable[str], action: Action) -> Iterator[Obligation]:
        """The obligation of each property for an action, which need not be the system's own."""
        ready = self.ready(action)
        return (self._of_step(self._claim(name), ready) for name in names)

    def ready(self, action: Action) -> Action:
        """The action without definitions, its bound variables apart from those of properties."""
        return _expanded(action, self.system)

    def _claim(self, name: str) -> Property:
        """The property without definitions."""
        if name not in self._claims:
            claim = self.system.property_by_name[name]
            self._claims[name] = replace(claim, formula=expand(claim.formula, self.system))
        return self._claims[name]

    def _of_step(self, claim: Property, action: Action) -> Obligation:
        assumed, constants = self._assumed(action), (*action.params, *claim.params)
        if claim.kind in ("step", "ends"):
            goal = partial(stepped, claim.formula, action)
            unchanged = not is_about(claim.formula, action) and goal().general == TRUE
            return Obligation("step", claim, action, assumed, goal, constants, unchanged)
        unchanged = not symbols(claim.formula) & action.written
        holds = partial(kept, claim.formula, action)
        return Obligation("consecution", claim, action, assumed, holds, constants, unchanged)

    def _of_ending(self, claim: Property, ending: Ending) -> Iterator[Obligation]:
        """The obligations of the work that is left: its action is enabled, and takes it out."""
        during, left = (expand(part, self.system) for part in (ending.during, ending.left))
        todo = conj(during, left)
        rest = (*self.invariants, *self.axioms)
        if ending.ways:
            yield from self._of_ways(claim, ending.ways, during, left, rest)
            return
        action = self.actions[ending.by[0]]
        mine = {var.name: var for var in claim.params}
        here: dict[Var, Term] = {var: mine[var.name] for var in action.params}
        allowed = substitute(enabled(action), here)
        yield Obligation("enabled", claim, None, rest, implies(todo, allowed), claim.params)
        out = substitute(negate(after(left, action)), here)
        goal = implies(conj(todo, allowed), out)
        yield Obligation("progress", claim, None, rest, goal, claim.params)

    def _of_ways(
        self,
        claim: Property,
        ways: Sequence[Way],
        during: Term,
        left: Term,
        rest: tuple[Assumption, ...],
    ) -> Iterator[Obligation]:
        """The obligations of the ways: one is open, and on each an action takes out an element."""
        todo = conj(during, left)
        outer = {var.name: var for var in claim.of_work}
        inner = [var for var in claim.params if var.name not in outer]
        conditions = [expand(way.condition, self.system) for way in ways]
        goal = implies(todo, disj(*conditions))
        yield Obligation("enabled", claim, None, rest, goal, claim.params)
        for at, (way, condition) in enumerate(zip(ways, conditions, strict=True), 1):
            arguments = outer | {name: expand(term, self.system) for name, term in way.given}
            moves = (
                _move(self.actions[name], left, inner, member, arguments)
                for name, member in way.actions
            )
            goal = implies(conj(todo, condition), disj(*moves))
            yield Obligation("progress", claim, None, rest, goal, claim.params, number=at)

    def of_action(self, name: str) -> Iterator[Obligation]:
        """The obligations that no two updates of the action meet: their order does not matter.

        Raises:
            KeyError: there is no such action.
        """
        action = self.actions[name]
        pairs = (
            pair for pair in combinations(action.updates, 2) if pair[0].symbol == pair[1].symbol
        )
        for at, (first, second) in enumerate(pairs, 1):
            goal, constants = _apart(first, second)
            if goal != TRUE:
                yield Obligation(
                    "disjoint",
                    None,
                    action,
                    self._assumed(action),
                    goal,
                    (*action.params, *constants),
                    number=at,
                )

    def _assumed(self, action: Action) -> tuple[Assumption, ...]:
        if action is not self.actions[action.name]:
            return (*_guards(action), *self.invariants, *self.axioms)
        if action.name not in self._of_action:
            guards = self._guards[action.name]
            self._of_action[action.name] = (*guards, *self.invariants, *self.axioms)
        return self._of_action[action.name]


def _guards(action: Action) -> tuple[Assumption, ...]:
    return tuple(Assumption("guard", guard.name, guard.condition) for guard in action.guards)


def _boot(system: System) -> Action:
    """Booting as an action: it writes every variable everywhere."""
    updates = tuple(
        Update(variable.symbol, None, variable.params, TRUE, variable.initial, _NOWHERE)
        for variable in system.variables
    )
    return _expanded(Action("boot", "", "", (), (), updates, _NOWHERE), system)


def _expanded(action: Action, system: System) -> Action:
    """The action without definitions, its bound variables apart from those of any property.

    A property and an action may use the same definition; `after` puts terms of
    the one below quantifiers of the other, which must not capture anything.
    """

    def ready(term: Term) -> Term:
        return _apart_from_others(expand(term, system), f"!{action.name}")

    def ready_guard(guard: Guard) -> Guard:
        return replace(guard, condition=ready(guard.condition))

    def ready_update(update: Update) -> Update:
        point = update.point and tuple(map(ready, update.point))
        condition, value = ready(update.condition), ready(update.value)
        return replace(update, point=point, condition=condition, value=value)

    return replace(
        action,
        guards=tuple(map(ready_guard, action.guards)),
        updates=tuple(map(ready_update, action.updates)),
    )


def _apart_from_others(term: Term, suffix: str) -> Term:
    """``term`` with the scope of every bound variable marked."""
    if isinstance(term, Quantified):
        marked = replace(term.var, scope=term.var.scope + suffix)
        body = substitute(_apart_from_others(term.body, suffix), {term.var: marked})
        return quantified(term.kind, marked, body)
    return rebuild(term, lambda part: _apart_from_others(part, suffix))


def _move(
    action: Action, left: Term, inner: Sequence[Var], member: str, arguments: Mapping[str, Term]
) -> Term:
    """A step of the action with those ``arguments`` is possible that takes an element out.

    The element is the one that is left, but that it has the ``member``, if there is
    one, and that where the action has a parameter of the same name it has that.
    """
    fixed = {var: arguments[var.name] for var in action.params if var.name in arguments}
    chosen = {var.name: var for var in action.params if var not in fixed}
    element: dict[Var, Term] = {var: chosen.get(var.name, var) for var in inner}
    for var in inner:
        if member in (var.sort.members or ()):
            element[var] = Const(member, var.sort)
    there = substitute(left, element)
    move = substitute(conj(enabled(action), there, negate(after(there, action))), fixed)
    for var in chosen.values():
        move = exists(var, move)
    return move


def _apart(first: Update, second: Update) -> tuple[Term, tuple[Var, ...]]:
    """The two updates of one symbol never write the same point, and new constants."""
    if first.point is not None and second.point is not None:
        return negate(conj(*map(eq, first.point, second.point))), ()
    if first.point is None and second.point is not None:
        first, second = second, first
    here: tuple[Term, ...] = first.point if first.point is not None else first.variables
    condition = substitute(second.condition, dict(zip(second.variables, here, strict=True)))
    return negate(conj(first.condition, condition)), first.variables


def _returns_to_its_sort(term: Term) -> bool:
    return isinstance(term, App) and any(
        isinstance(inner, Var) and inner.sort == term.sort for inner in subterms(term)
    )
