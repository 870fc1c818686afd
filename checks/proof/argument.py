"""The last look at a run: is the whole argument there, and does it rest on nothing else?

What finds proofs (`obligations`, `batch`, `case`, `rounds`) is long and clever.  This pass is
neither: it counts what must have been shown of each property, and looks at the names in
each proof's core.  It decides nothing and repairs nothing; it only takes *proved* away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import TRUE

from .case import Case
from .obligations import Obligation
from .rounds import Work
from .smt import GOAL

__all__ = ["gaps"]

Part = tuple[str, str, int]
"""What an obligation is of: its kind, its action, and its number among those of one kind."""


def gaps(work: Work) -> dict[str, str]:
    """The gaps in the argument, a sentence by the name of each property that has one.

    Properties are looked at whose obligations all have a proof.  One that rests on a property
    with a gap has a gap itself.  Empty unless memhp is at fault.

    >>> from memhp.checks.proof.case import Limits
    >>> from memhp.spec.system import SYSTEM
    >>> gaps(Work(SYSTEM, Limits()))  # nothing was shown, and nothing is claimed
    {}
    """
    proved = {name: cases for name, cases in work.cases.items() if all(c.proof for c in cases)}
    wrong: dict[str, str] = {}
    while more := {
        name: gap
        for name, cases in proved.items()
        if name not in wrong
        and (gap := next(_gaps(work, name, cases, proved.keys() - wrong.keys()), ""))
    }:
        wrong |= more
    return wrong


def _gaps(work: Work, name: str, cases: list[Case], proved: set[str]) -> Iterator[str]:
    claim = work.system.property_by_name[name]
    unchanged = work.unchanged[name]
    shown = Counter(_part(each) for each in (*(case.obligation for case in cases), *unchanged))
    expected = Counter(_expected(work.system, claim))
    for kind, action, number in (expected - shown) + (shown - expected):
        yield f"its obligations are not what they must be: {kind} {action or 'at boot'} {number}"
    for obligation in unchanged:
        if not _is_unchanged(work.system, claim, obligation):
            yield f"{_part(obligation)[1]} may change what it reads, and nobody looked"
    axioms = {axiom.name for axiom in work.system.axioms}
    invariants = proved & {each.name for each in work.system.of_kind("always")}
    for case in cases:
        yield from _foreign(work.system, case, axioms, invariants)


def _part(obligation: Obligation) -> Part:
    action = obligation.action.name if obligation.action else ""
    return obligation.kind, action, obligation.number


def _expected(system: System, claim: Property) -> Iterator[Part]:
    """The obligations of a property: at boot, of every action, and that its work can be done."""
    kind = "consecution" if claim.kind == "always" else "step"
    if claim.kind == "always":
        yield "initiation", "", 0
    unless = claim.ending.unless if claim.ending else ()
    yield from ((kind, action.name, 0) for action in system.actions if action.name not in unless)
    if claim.ending:
        yield "enabled", "", 0
        ways = len(claim.ending.ways)
        yield from (("progress", "", at) for at in (range(1, ways + 1) if ways else (0,)))


def _is_unchanged(system: System, claim: Property, obligation: Obligation) -> bool:
    if obligation.kind == "step":
        return obligation.goal == TRUE
    action = obligation.action
    written = system.action_by_name[action.name].written if action else frozenset[str]()
    left = expand(claim.formula, system)  # which may read less than its definitions do
    return obligation.kind == "consecution" and not written & system.symbols_in(left)


def _foreign(system: System, case: Case, axioms: set[str], invariants: set[str]) -> Iterator[str]:
    """The gaps in one proof: what it rests on, and may not; ``invariants`` are those proved."""
    obligation, proof = case.obligation, case.proof
    if proof is None or proof.status != "unsat":
        yield f"{obligation.name} has no proof"
        return
    allowed: Mapping[str, set[str]] = {
        "axiom": axioms,
        "guard": _guards(system, obligation),
        "always": set() if obligation.kind == "initiation" else invariants,
    }
    for label in proof.core:
        role, _, name = label.partition(".")
        if label != GOAL and name not in allowed.get(role, ()):
            yield f"{obligation.name} rests on {label}, which is not proved"


def _guards(system: System, obligation: Obligation) -> set[str]:
    if obligation.action is None:
        return set()
    return {guard.name for guard in system.action_by_name[obligation.action.name].guards}
