"""Refutation of changed declarations: is there a small machine on which a proof fails?

A system that is proved, and then changed in one declaration, is proved but for what the
change touches.  All that is asked at once of a machine of two elements a sort, whose
state satisfies every invariant: a solver that only has to find one does so quickly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from memhp.spec.language.rewrite import after, expand
from memhp.spec.language.system import Action, Definition, System
from memhp.spec.language.terms import BOOL, TRUE, App, Term, Var, conj, eq, forall, implies, negate

from .attempts import Case, Limits, uniform
from .cache import Cache
from .decide import decide
from .obligations import Assumption, Obligation, Obligations
from .pool import Pool
from .smt import constant_name
from .solvers import answer

__all__ = ["Refuter"]


class Refuter:
    """Asks about changes of ``system``, whose properties are proved."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._known = Obligations(system)

    def broken_by(self, action: Action, claims: Iterable[str], size: int) -> str:
        """A property that the action, as it is given, breaks from a state of a small machine.

        Parameters: ``claims``, names of *always* and *step* properties; ``size``, how many
        elements of each sort there are at most.
        """
        found = [each for each in self._known.of_steps(claims, action) if not each.unchanged]
        return _broken(self.system, found, size) if found else ""

    def broken_in(
        self, changed: System, actions: Collection[str], claims: Collection[str], size: int
    ) -> str:
        """The same of a system whose definition changed, which those actions and claims use."""
        known = Obligations(changed)
        names = [claim.name for claim in changed.of_kind("always", "step")]
        for claim in changed.of_kind("always"):
            boot = [next(known.of_property(claim.name))] if claim.name in claims else []
            if boot and (name := _broken(changed, boot, size)):
                return name
        for action in changed.actions:
            if action.name in actions:
                found = [e for e in known.of_steps(names, action) if not e.unchanged]
                if found and (name := _broken(changed, found, size)):
                    return name
        return ""

    def ending_fails(self, changed: System, claims: Iterable[str]) -> str:
        """An *ends* property of which what takes the work out is not always possible."""
        known = Obligations(changed)
        for name in claims:
            found = [e for e in known.of_property(name) if e.kind in ("enabled", "progress")]
            if _broken(changed, found, 2):
                return name
        return ""

    def same_action(self, action: Action, changed: System | None = None) -> bool:
        """In every state that the invariants allow the action refuses and does what it did.

        Parameters: ``changed``, the system whose definitions the action uses, if other ones.
        """
        old = self._known.ready(self.system.action_by_name[action.name])
        new = (Obligations(changed) if changed else self._known).ready(action)
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
        """In every state that the invariants allow the definition says what it said."""
        old = self.system.definitions[new.name]
        goal = expand(eq(old.body, new.body), self.system)
        return self._follows(goal, old.params, ())

    def same_use(self, changed: System, actions: Collection[str]) -> bool:
        """The actions do what they did, although a definition that they use says otherwise."""
        return bool(actions) and all(
            self.same_action(changed.action_by_name[name], changed) for name in actions
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


def _broken(system: System, obligations: Sequence[Obligation], size: int) -> str:
    """The property of the first of the obligations that fails on a machine of so many of each."""
    first = obligations[0]
    fails = [Var(f"fails{at}", BOOL, "obligation") for at, _ in enumerate(obligations)]
    meaning = [
        eq(var, negate(_closed(found))) for var, found in zip(fails, obligations, strict=True)
    ]
    goal = implies(conj(*meaning), conj(*map(negate, fails)))
    constants = (*(first.action.params if first.action else ()), *fails)
    together = replace(first, goal=goal, counted=None, constants=constants)
    found = answer(Case(system, together, Limits()).ground(uniform(system, size)))
    for var, each in zip(fails, obligations, strict=True):
        if found.status == "sat" and found.model.get(constant_name(var)) == ("true",):
            return each.claim.name if each.claim else "updates_stay_apart"
    return ""


def _closed(obligation: Obligation) -> Term:
    """The goal for all elements that the property speaks of; the action's stay free."""
    term = obligation.small_goal
    for var in reversed(obligation.claim.params if obligation.claim else ()):
        term = forall(var, term)
    return term
