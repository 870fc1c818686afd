"""Refutation of changed declarations: is there a small machine on which a proof fails?

A system that is proved, and then changed in one declaration, is proved but for what the
change touches.  All that is asked at once of a machine of two elements a sort, whose
state satisfies every invariant: a solver that only has to find one does so quickly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from memhp.spec.language.rewrite import after, expand
from memhp.spec.language.system import Action, Definition, System
from memhp.spec.language.terms import (
    BOOL,
    TRUE,
    App,
    Term,
    Var,
    conj,
    eq,
    forall,
    implies,
    negate,
)

from ..proof.cache import Cache
from ..proof.case import Case, Limits, uniform
from ..proof.obligations import Assumption, Obligation, Obligations
from ..proof.pool import Pool
from ..proof.rounds import decide
from ..proof.smt import constant_name
from ..proof.solvers import answer

__all__ = ["Refuter"]

_HALVINGS = 4
"""How many times a question that the solver gives up is halved."""


class Refuter:
    """Asks a solver whether a change of ``system``, which is proved, leaves it provable."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._known = Obligations(system)
        self._goals: dict[str, dict[str, Term]] = {}
        self._latest: tuple[System, Obligations] = (system, self._known)

    def broken_by(self, action: Action, claims: Iterable[str], sizes: Mapping[str, int]) -> str:
        """The name of a property that a changed action breaks on a small machine; empty if none.

        Args:
            action: as it is now; the rest of the system is as it was.
            claims: names of *always* and *step* properties.
            sizes: how many elements of each sort there are at most.
        """
        obligations = [each for each in self._known.of_steps(claims, action) if not each.unchanged]
        if action.guards == self.system.action_by_name[action.name].guards:
            proved = self._proved(action.name)
            obligations = [each for each in obligations if proved.get(_name(each)) != each.goal]
        return self._broken(self.system, obligations, sizes)

    def _proved(self, action: str) -> dict[str, Term]:
        """What is proved of the action as it was, by property."""
        if action not in self._goals:
            names = [claim.name for claim in self.system.of_kind("always", "step")]
            obligations = self._known.of_steps(names, self.system.action_by_name[action])
            self._goals[action] = {_name(each): each.goal for each in obligations}
        return self._goals[action]

    def _of(self, changed: System) -> Obligations:
        """The obligations of a changed system, made once while it is asked about."""
        if self._latest[0] is not changed:
            self._latest = (changed, Obligations(changed))
        return self._latest[1]

    def _as_known(self, part: Assumption) -> Assumption:
        """The assumption itself, or one that says the same and whose text is made already."""
        same = self._rest.get((part.role, part.name))
        return same if same and same.term == part.term else part

    @cached_property
    def _rest(self) -> dict[tuple[str, str], Assumption]:
        """The axioms and invariants, by role and name."""
        parts = (*self._known.axioms, *self._known.invariants)
        return {(part.role, part.name): part for part in parts}

    def broken_in(
        self,
        changed: System,
        actions: Collection[str],
        claims: Collection[str],
        sizes: Mapping[str, int],
    ) -> str:
        """The name of a property that a changed system breaks on a small machine; empty if none.

        Args:
            changed: the system with another definition.
            actions: names of the actions that use the definition; no other step is looked at.
            claims: names of the properties that use it: they alone can fail at boot.
            sizes: how many elements of each sort there are at most.
        """
        names = [claim.name for claim in changed.of_kind("always", "step")]
        if name := self.broken_at_boot(changed, claims, sizes):
            return name
        chosen = [action for action in changed.actions if action.name in actions]
        return self._broken_by_any(changed, chosen, names, sizes)

    def broken_at_boot(
        self, changed: System, claims: Collection[str], sizes: Mapping[str, int]
    ) -> str:
        """The name of one of those *always* properties that fails at boot; empty if none does.

        Args:
            changed: the system, of which they say otherwise now.
            claims: names of properties.
            sizes: how many elements of each sort there are at most.
        """
        obligations = self._of(changed)
        for claim in changed.of_kind("always"):
            boot = [next(obligations.of_property(claim.name))] if claim.name in claims else []
            if boot and (name := self._broken(changed, boot, sizes)):
                return name
        return ""

    def broken_beside(
        self,
        changed: System,
        actions: Collection[str],
        claims: Collection[str],
        sizes: Mapping[str, int],
    ) -> str:
        """The name of a property that one of the *other* actions breaks; empty if none does.

        Args:
            changed: the system with another definition.
            actions: names of the actions that use the definition.
            claims: names of the properties that use it, and so say otherwise now.
            sizes: how many elements of each sort there are at most.
        """
        others = [action for action in changed.actions if action.name not in actions]
        return self._broken_by_any(changed, others, claims, sizes)

    def _broken_by_any(
        self,
        changed: System,
        actions: Iterable[Action],
        claims: Collection[str],
        sizes: Mapping[str, int],
    ) -> str:
        """The first of those claims that a step of one of the actions breaks."""
        obligations = self._of(changed)
        for action in actions:
            steps = [e for e in obligations.of_steps(claims, action) if not e.unchanged]
            if name := self._broken(changed, steps, sizes):
                return name
        return ""

    def ending_fails(self, changed: System, claims: Iterable[str]) -> str:
        """The name of an *ends* property whose helping steps may be impossible; empty if none."""
        obligations = self._of(changed)
        for name in claims:
            parts = [e for e in obligations.of_property(name) if e.kind in ("enabled", "progress")]
            if self._broken(changed, parts, uniform(changed, 2)):
                return name
        return ""

    def same_action(self, action: Action, changed: System | None = None) -> bool:
        """Whether the action refuses and does what it did in every state that the invariants allow.

        Args:
            action: as it is now.
            changed: the system whose definitions the action uses, if other ones.
        """
        old = self._known.ready(self.system.action_by_name[action.name])
        new = self._of(changed or self.system).ready(action)
        if [(g.name, g.errno) for g in old.guards] != [(g.name, g.errno) for g in new.guards]:
            return False
        guards = tuple(Assumption("guard", g.name, g.condition) for g in old.guards)
        for at, (was, now) in enumerate(zip(old.guards, new.guards, strict=True)):
            goal = eq(was.condition, now.condition)
            if not self._follows(goal, old.params, guards[:at]):
                return False
        for symbol in dict.fromkeys(u.symbol for u in (*old.updates, *new.updates)):
            at_any = tuple(Var(f"x{i}", sort, "point") for i, sort in enumerate(symbol.domain))
            value = App(symbol, at_any)
            goal = eq(after(value, old), after(value, new))
            if not self._follows(goal, (*old.params, *at_any), guards):
                return False
        return True

    def same_definition(self, new: Definition) -> bool:
        """Whether the definition says what it said in every state that the invariants allow."""
        old = self.system.definitions[new.name]
        goal = expand(eq(old.body, new.body), self.system)
        return self._follows(goal, old.params, ())

    def same_use(self, changed: System, actions: Collection[str]) -> bool:
        """Whether the actions do what they did, although a definition that they use changed.

        Not where there are none.
        """
        return bool(actions) and all(
            self.same_action(changed.action_by_name[name], changed) for name in actions
        )

    def same_claims(self, changed: System, names: Iterable[str]) -> bool:
        """Whether the properties say what they said, wherever the invariants hold.

        Args:
            changed: the system with another definition.
            names: of *always*, *step* and *sometimes* properties.
        """
        return all(self._same_claim(changed, name) for name in names)

    def _same_claim(self, changed: System, name: str) -> bool:
        was, now = self.system.property_by_name[name], changed.property_by_name[name]
        if was.kind != "step" and not was.of_step:
            goal = eq(expand(was.formula, self.system), expand(now.formula, changed))
            return self._follows(goal, was.params, ())
        old, new = (Obligations(_of_steps(each, name)) for each in (self.system, changed))
        return all(
            self._follows(eq(a.goal, b.goal), a.constants, a.guards)
            for action in changed.actions
            for a, b in zip(old.of_steps([name], action), new.of_steps([name], action), strict=True)
            if a.goal != b.goal
        )

    def _follows(
        self, goal: Term, constants: tuple[Var, ...], guards: tuple[Assumption, ...]
    ) -> bool:
        """The goal is proved from the guards and all that is known of every state."""
        if goal == TRUE:
            return True
        assumed = (*guards, *self._known.invariants, *self._known.axioms)
        case = Case(self.system, Obligation("step", None, None, assumed, goal, constants), Limits())
        with Pool(Cache(), 1) as pool:
            decide([case], pool)
        return case.proof is not None

    def _broken(
        self,
        system: System,
        obligations: Sequence[Obligation],
        sizes: Mapping[str, int],
        halvings: int = _HALVINGS,
    ) -> str:
        """The property of the first that fails on a machine of those sizes; empty if none.

        What is too much to ask at once is asked by halves, so many times.
        """
        if not obligations:
            return ""
        first = obligations[0]
        fails = [Var(f"fails{at}", BOOL, "obligation") for at, _ in enumerate(obligations)]
        pairs = list(zip(fails, obligations, strict=True))
        meaning = [eq(var, negate(_closed(each))) for var, each in pairs]
        goal = implies(conj(*meaning), conj(*map(negate, fails)))
        constants = (*(first.action.params if first.action else ()), *fails)
        assumed = tuple(map(self._as_known, first.assumptions))
        together = replace(first, assumptions=assumed, stated=goal, constants=constants)
        result = answer(Case(system, together, Limits()).ground(sizes))
        for var, each in pairs:
            if result.status == "sat" and result.model.get(constant_name(var)) == ("true",):
                return _name(each)
        if result.status == "unknown" and halvings and (half := len(obligations) // 2):
            parts = (obligations[:half], obligations[half:])
            names = (self._broken(system, part, sizes, halvings - 1) for part in parts)
            return next(filter(None, names), "")
        return ""


def _name(obligation: Obligation) -> str:
    return obligation.claim.name if obligation.claim else "updates_stay_apart"


def _closed(obligation: Obligation) -> Term:
    """The goal for all elements that the property speaks of; the action's stay free."""
    term = obligation.small_goal
    for var in reversed(obligation.claim.params if obligation.claim else ()):
        term = forall(var, term)
    return term


def _of_steps(system: System, name: str) -> System:
    """The system with that property alone, as one of which each step must be shown."""
    return replace(system, properties=(replace(system.property_by_name[name], kind="step"),))
