"""How one obligation is decided: which assumptions to try, in which order.

With all invariants at once a solver drowns in their consequences, so it gets
few: first those that speak of the same symbols, then those that a machine of a
few elements of each sort turned out to need.  Leaving assumptions out is sound.
A small machine on which the obligation fails is the counterexample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from memhp.spec.language.system import System
from memhp.spec.language.terms import App, Quantified, Term, Var, subterms

from .obligations import Assumption, Obligation
from .smt import GOAL, script
from .solvers import Answer, Query

__all__ = ["Case", "Limits", "uniform"]


@dataclass(frozen=True)
class Limits:
    """How much work one query may cost, in each solver's own unit."""

    z3: int = 2_000_000
    ground: int = 20_000_000
    cvc5: int = 2_000_000


@dataclass
class Case:
    """One obligation on its way to an answer."""

    system: System
    obligation: Obligation
    limits: Limits
    proof: Answer | None = None
    """The answer that proves it."""
    small: Answer | None = None
    """The answer that refutes it, on a machine of at most ``sizes``."""
    sizes: Mapping[str, int] | None = None
    confirmed: bool = False
    error: str = ""
    seconds: float = 0.0
    cached: bool = True

    @property
    def is_open(self) -> bool:
        return not (self.proof or self.small or self.error)

    def attempts(self) -> Iterator[Query]:
        """What to ask next; `take` the answer before the next one."""
        yield self._unbounded(self._near())
        yield self._unbounded(self._own())
        for size in (2, 3):
            sizes = uniform(self.system, size)
            yield self.ground(sizes)
            yield self._unbounded(self._hint)
        yield self._unbounded(self._near(loops=True))
        yield self._unbounded(self.obligation.assumptions)

    _hint: tuple[Assumption, ...] = ()

    def take(self, query: Query, answer: Answer) -> None:
        """Learn from an answer to an attempt."""
        self.seconds += answer.seconds
        self.cached &= answer.cached
        if answer.status == "error":
            self.error = answer.reason
        elif query.solver == "z3" and answer.status == "unsat":
            self.proof = answer
        elif query.solver == "z3-ground" and answer.status == "sat":
            self.small = answer
        elif query.solver == "z3-ground" and answer.status == "unsat":
            self._hint = self._of_core(answer)

    def ground(self, sizes: Mapping[str, int]) -> Query:
        """The obligation on a machine of at most that size, with all assumptions."""
        self.sizes = sizes
        text = script(self.system, self.obligation, self.obligation.assumptions, sizes)
        return Query("z3-ground", text, self.limits.ground)

    def confirmations(self) -> Iterator[Query]:
        """What the second solver is asked: with what the proof used, then with everything."""
        assert self.proof
        for used in (self._of_core(self.proof), self.obligation.assumptions):
            text = script(self.system, self.obligation, used)
            yield Query("cvc5", text, self.limits.cvc5)

    def rests_on(self) -> frozenset[str]:
        """The *always* properties that the proof uses."""
        used = self._of_core(self.proof) if self.proof else ()
        return frozenset(part.name for part in used if part.role == "always")

    def _of_core(self, answer: Answer) -> tuple[Assumption, ...]:
        kept = set(answer.core) - {GOAL}
        return tuple(part for part in self.obligation.assumptions if part.label in kept)

    def _unbounded(self, assumptions: Iterable[Assumption]) -> Query:
        return Query("z3", script(self.system, self.obligation, assumptions), self.limits.z3)

    def _near(self, *, loops: bool = False) -> tuple[Assumption, ...]:
        """Guards, and what speaks only of the symbols that the obligation mentions."""
        return tuple(
            part
            for part in self.obligation.assumptions
            if part.role == "guard"
            or (
                part.symbols <= self.obligation.symbols
                and (loops or part.role == "axiom" or not _breeds(part))
            )
        )

    def _own(self) -> tuple[Assumption, ...]:
        """Guards, and the property itself."""
        claim = self.obligation.claim
        return tuple(
            part
            for part in self.obligation.assumptions
            if part.role == "guard" or (claim and part.role == "always" and part.name == claim.name)
        )


def uniform(system: System, size: int) -> dict[str, int]:
    """The same number of elements of every unbounded sort."""
    return {sort.name: size for sort in system.unbounded_sorts}


def _breeds(part: Assumption) -> bool:
    """An instance of the term brings new terms of its own sorts, and so on without end."""
    return any(
        (isinstance(inner, Quantified) and inner.kind == "exists") or _returns_to_its_sort(inner)
        for inner in subterms(part.term)
    )


def _returns_to_its_sort(term: Term) -> bool:
    return isinstance(term, App) and any(
        isinstance(inner, Var) and inner.sort == term.sort for inner in subterms(term)
    )
