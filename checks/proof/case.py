"""How one obligation is decided: which assumptions to try, in which order.

With all invariants at once a solver drowns in their consequences, so it gets
few: first those that the claim and the action name (`using=`), then those that speak of
the same symbols, then those that a machine of a few elements of each sort turned out to
need.  Leaving assumptions out is sound.
A small machine on which the obligation fails is the counterexample.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from memhp.spec.language.system import System
from memhp.spec.language.terms import SortRef

from .obligations import Assumption, Obligation
from .smt import GOAL, script, text, there
from .solvers import Answer, Query

__all__ = ["Case", "Limits", "near", "own", "uniform"]


@dataclass(frozen=True)
class Limits:
    """The work that one query may cost, in each solver's own unit (its resource limit).

    ``ground`` is z3's on a machine of a few elements.
    """

    z3: int = 2_000_000
    ground: int = 20_000_000
    cvc5: int = 2_000_000


@dataclass
class Case:
    """One obligation on its way to an answer.

    ``proof`` is the answer that proves it; ``small`` the one that refutes it,
    on a machine of at most ``sizes``; ``lost`` names the unproved properties
    without which there is no proof; ``broken`` says that a run breaks the property.
    """

    system: System
    obligation: Obligation
    limits: Limits
    proof: Answer | None = None
    small: Answer | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    confirmed: bool = False
    error: str = ""
    broken: bool = False
    seconds: float = 0.0
    cached: bool = True
    _hint: tuple[Assumption, ...] = ()
    _looked: bool = False

    def is_open(self) -> bool:
        """Whether there is no answer yet."""
        return not (self.proof or self.small or self.error or self.broken)

    def is_unconfirmed(self) -> bool:
        """Whether cvc5 has neither confirmed the proof nor contradicted it yet."""
        return not (self.confirmed or self.error)

    @property
    def action(self) -> str:
        """The name of the action that must not break the claim; empty where there is none."""
        return self.obligation.action.name if self.obligation.action else ""

    def attempts(self, lemmas: Collection[Assumption] = ()) -> Iterator[Query]:
        """The queries to ask, with ever more assumptions; `take` each answer before the next one.

        Args:
            lemmas: the assumptions of the proof of another obligation of the action.
        """
        first = (own(self.obligation), near(self.obligation))
        if not self._looked:
            yield from map(self._unbounded, first)
        if lemmas:
            labels = {part.label for part in chain(*first, lemmas)}
            yield self._unbounded(p for p in self.obligation.assumptions if p.label in labels)
        for size in (2, 3):
            sizes = uniform(self.system, size)
            yield self.ground(sizes)
            yield self._unbounded(self._hint)
        yield self._unbounded(near(self.obligation, loops=True))
        yield self._unbounded(self.obligation.assumptions)
        yield replace(self._unbounded(self._hint), solver="z3-models")

    def take(self, query: Query, answer: Answer) -> None:
        """Take over a proof, a refutation, a confirmation or a hint from the answer to a query."""
        self.seconds += answer.seconds
        self.cached &= answer.cached
        if query.solver == "first" and answer.status != "unsat":
            self._looked = answer.status == "unknown"
        elif answer.status == "error":
            self.error = answer.reason
        elif query.solver in ("first", "z3", "z3-models") and answer.status == "unsat":
            self.proof = answer
        elif query.solver == "z3-ground" and answer.status == "sat":
            self.small = answer
        elif query.solver == "z3-ground" and answer.status == "unsat":
            self._hint = self._of_core(answer)
        elif query.solver == "cvc5":
            self.confirmed = answer.status == "unsat"
            if answer.status == "sat":
                self.error = "cvc5 finds a counterexample to what z3 has proven"

    def without(self, names: frozenset[str]) -> Case:
        """A new case of the obligation, which does not assume those *always* properties."""
        rest = tuple(
            part
            for part in self.obligation.assumptions
            if part.role != "always" or part.name not in names
        )
        return Case(self.system, replace(self.obligation, assumptions=rest), self.limits)

    def begin_again(self, assumptions: Sequence[Assumption]) -> None:
        """Forget every answer; from now on the obligation has these assumptions."""
        self.obligation = replace(self.obligation, assumptions=tuple(assumptions))
        self.proof, self.small, self.error = None, None, ""
        self._hint, self._looked = (), False

    def replace_proof(self, other: Case) -> None:
        """Take over the proof of a case that assumes less, or lose the own one."""
        if not other.proof:
            self.lost = self.rests_on() - other.assumed()
        self.obligation, self.proof, self.error = other.obligation, other.proof, other.error
        self.broken = other.broken
        self.seconds += other.seconds
        self.cached &= other.cached

    def assumed(self) -> frozenset[str]:
        """The names of the *always* properties that the obligation may assume."""
        return frozenset(p.name for p in self.obligation.assumptions if p.role == "always")

    def elements(self, sort: SortRef) -> int:
        """The number of elements of the sort on the refuting machine."""
        assert self.small
        flags = [there(sort, number) for number in range(1, self.sizes[sort.name])]
        rows = (self.small.model.get(text(flag), ("false",)) for flag in flags)
        return 1 + sum(row == ("true",) for row in rows)

    def document(self) -> str:
        """The obligation as a complete SMT-LIB 2 file, with the assumptions of its proof."""
        obligation = self.obligation
        status = "unsat" if self.proof else "sat" if self.small else "unknown"
        claim = (
            f"property {obligation.claim.name}" if obligation.claim else "updates that stay apart"
        )
        action = f"action {obligation.action.name}" if obligation.action else "boot"
        content = script(self.system, obligation, self.used())
        return (
            f"; {self.system.name}: {claim}, {action} ({obligation.kind})\n"
            f"(set-info :status {status})\n{content}\n(check-sat)\n"
        )

    def ground(self, sizes: Mapping[str, int]) -> Query:
        """The query on a machine of at most those sizes, with all assumptions; sets ``sizes``."""
        self.sizes = sizes
        obligation = self.obligation
        content = script(self.system, obligation, obligation.assumptions, sizes)
        return Query("z3-ground", content, self.limits.ground)

    def used(self) -> tuple[Assumption, ...]:
        """The assumptions of the proof; all of them while there is none."""
        return self._of_core(self.proof) if self.proof else self.obligation.assumptions

    def rests_on(self) -> frozenset[str]:
        """The names of the other *always* properties that the proof uses."""
        own = self.obligation.claim and self.obligation.claim.name
        core = (label.partition(".") for label in (self.proof.core if self.proof else ()))
        return frozenset(name for role, _, name in core if role == "always" and name != own)

    def _of_core(self, answer: Answer) -> tuple[Assumption, ...]:
        labels = set(answer.core) - {GOAL}
        return tuple(part for part in self.obligation.assumptions if part.label in labels)

    def _unbounded(self, assumptions: Iterable[Assumption]) -> Query:
        return Query("z3", script(self.system, self.obligation, assumptions), self.limits.z3)


def near(obligation: Obligation, *, loops: bool = False) -> tuple[Assumption, ...]:
    """The assumptions near the obligation: its guards, and those that read its symbols alone.

    Args:
        loops: also invariants whose instances bring new terms without end (matching loops).
    """
    return tuple(
        part
        for part in obligation.assumptions
        if part.role == "guard"
        or (
            part.symbols <= obligation.symbols
            and (loops or part.role == "axiom" or not part.may_loop)
        )
    )


def own(obligation: Obligation) -> tuple[Assumption, ...]:
    """The obligation's own assumptions: guards, its property, and what ``using=`` names."""
    claim, action = obligation.claim, obligation.action
    names = {claim.name, *claim.using} if claim else set()
    names |= {*action.using} if action else set()
    return tuple(
        part for part in obligation.assumptions if part.role == "guard" or part.name in names
    )


def uniform(system: System, size: int) -> dict[str, int]:
    """The sizes of a machine with that many elements of every unbounded sort, by sort."""
    return {sort.name: size for sort in system.unbounded_sorts}
