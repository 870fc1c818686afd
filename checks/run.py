"""The main job: every property of a system decided, by proof or by search."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from memhp.reference.shapes import AnyShape
from memhp.spec.language import Profile, Property, System
from memhp.spec.language.system import Kind
from memhp.spec.language.terms import negate

from .ahead import Ahead, traces_ahead
from .decision import Decision, claim_of, overall
from .earlier import Earlier
from .proof.results import ProofListener, PropertyResult, Report
from .search.scopes import unfit, usual
from .search.search import Search, Witness, search
from .search.usual import reach
from .support.verdicts import Verdict

if TYPE_CHECKING:
    from .proof.certificates import Taker

__all__ = ["Decision", "Listener", "check", "overall", "provable_part", "search_scope"]


class Listener(ProofListener, Protocol):
    """The receiver of decisions, and of the progress of the proofs among them."""

    def decided(self, decision: Decision) -> None:
        """Receive a decision, as soon as it is made."""


def check(
    system: System,
    profile: Profile,
    *,
    only: Collection[str] | None = None,
    jobs: int | None = None,
    folder: Path | None = None,
    certify: bool = False,
    take: Taker | None = None,
    listener: Listener | None = None,
) -> list[Decision]:
    """The decisions on the system's properties in their order, then those on actions' updates.

    Args:
        system: the specification.
        profile: its given-up properties must be refuted, a *sometimes* by a proof.
        only: names of the properties to decide; all by default.
        jobs: processes; as many as there are cores by default.
        folder: where answers are kept.
        certify: cvc5 confirms each proof; nothing is taken from an earlier run.
        take: receives the certificates then (`certificates.certify`).
        listener: receives each decision as soon as it is made.

    Raises:
        CounterexampleError: the reference does not confirm a counterexample or a trace.
    """
    given_up = dict(profile.gives_up)
    wanted = [claim for claim in system.properties if only is None or claim.name in only]
    record = Earlier(folder, system, given_up)
    names = [claim.name for claim in wanted]
    if not certify and (earlier := record.decisions(names, updates=only is None)) is not None:
        _say(listener, earlier)
        return earlier
    from .proof.prove import prove  # not where nothing has changed

    part = provable_part(system, profile)
    provable = {claim.name for claim in part.of_kind("always", "step", "ends")}
    chosen = None if only is None else provable & {*names}
    proving = partial(prove, part, only=chosen, jobs=jobs, cache=folder)
    proving = partial(proving, certify=certify, take=take, listener=listener)
    decisions, premises = _decided(system, wanted, given_up, folder, jobs, listener, proving)
    record.keep([*decisions.values(), *premises])
    others = [name for name in decisions if name not in system.property_by_name]
    return [decisions[name] for name in (*names, *others)]


def _decided(
    system: System,
    wanted: Sequence[Property],
    given_up: dict[str, str],
    folder: Path | None,
    jobs: int | None,
    listener: Listener | None,
    proving: Callable[[], Report],
) -> tuple[dict[str, Decision], list[Decision]]:
    """The decisions by their names, by proof or else by search; those on what proofs rest on."""
    processes = jobs or os.cpu_count() or 1
    targets = [each for each in wanted if each.kind == "sometimes" and each.name not in given_up]
    with traces_ahead(system, targets, folder, processes) as ahead:
        report = proving()
        decisions = _of_report(system, report, given_up)
        _say(listener, decisions.values())
        claims = [claim for claim in wanted if claim.name not in decisions]
        traces = _searched(system, claims, given_up, folder, processes, listener, ahead)
    decisions |= {decision.claim.name: decision for decision in traces}
    return decisions, [_proved(system, result, given_up) for result in report.premises]


def _of_report(system: System, report: Report, given_up: Mapping[str, str]) -> dict[str, Decision]:
    """What is proved or refuted; what is given up and not shown to be never may be reached."""
    return {
        result.name: _proved(system, result, given_up)
        for result in report.results
        if result.name not in given_up or result.verdict is Verdict.proved
    }


def _say(listener: Listener | None, decisions: Iterable[Decision]) -> None:
    if listener:
        for decision in decisions:
            listener.decided(decision)


def provable_part(system: System, profile: Profile) -> System:
    """The system with the properties that a profile keeps, which are to be proved or reached.

    Of what it gives up there is only that a *sometimes* never is, as an *always* or a *step*.
    """
    properties = tuple(_provable(system.properties, dict(profile.gives_up)))
    return replace(system, properties=properties, given_up=frozenset())


def _provable(properties: Iterable[Property], given_up: Mapping[str, str]) -> Iterator[Property]:
    """What there is to prove: what is kept, and that a *sometimes* that is given up never is."""
    for claim in properties:
        if claim.name not in given_up:
            yield claim
        elif claim.kind == "sometimes":
            kind: Kind = "step" if claim.of_step else "always"
            yield replace(claim, kind=kind, formula=negate(claim.formula))


def _proved(system: System, result: PropertyResult, given_up: Mapping[str, str]) -> Decision:
    """By its proof; the proof of what a profile gives up says that it never is."""
    reason = given_up.get(result.name, "")
    never = reason and result.verdict is Verdict.proved
    return Decision(
        claim_of(system, result.name),
        Verdict.refuted if never else result.verdict,
        result.method,
        result.scope,
        result.seconds,
        result.certified,
        result.cached,
        reason,
        proof=result,
    )


def _searched(
    system: System,
    claims: Sequence[Property],
    given_up: dict[str, str],
    folder: Path | None,
    jobs: int,
    listener: Listener | None,
    ahead: Ahead | None = None,
) -> list[Decision]:
    if not claims:
        return []

    def announce(claim: Property, trace: Witness | None) -> None:
        decision = _by_trace(claim, trace, without=(Verdict.undetermined, ""), seconds=0.0)
        _say(listener, [replace(decision, given_up=given_up.get(claim.name, ""))])

    started = perf_counter()
    witnesses: dict[str, Witness | None] = {}
    for claim, trace in ahead.found() if ahead else ():
        witnesses[claim.name] = trace
        announce(claim, trace)
    kept = ahead is None or ahead.all_kept
    left = [claim for claim in claims if claim.name not in witnesses]
    more, cached = reach(system, left, folder=folder, jobs=jobs, decided=announce)
    witnesses |= more
    seconds = (perf_counter() - started) / len(claims)
    nowhere = "" if all(witnesses.get(claim.name) for claim in claims) else _usual(system)
    decisions = []
    for claim in claims:
        decision = _by_trace(
            claim,
            witnesses.get(claim.name),
            without=(Verdict.undetermined, nowhere),
            seconds=seconds,
        )
        reason = given_up.get(claim.name, "")
        decisions.append(replace(decision, cached=cached and kept, given_up=reason))
    return decisions


def _usual(system: System) -> str:
    """Where was looked for a trace, and on which machines of those nothing can be shown."""
    unfitting = unfit(system, usual(system).roomy)
    left_out = (f"{count} violate {name}" for name, count in unfitting.items())
    return "; ".join(("the usual small machines", *left_out))


def _by_trace(
    claim: Property, trace: Witness | None, *, without: tuple[Verdict, str], seconds: float
) -> Decision:
    """A trace reaches a *sometimes* and refutes anything else; ``without`` one, as given."""
    verdict, scope = without
    if trace:
        verdict = Verdict.holds if claim.kind == "sometimes" else Verdict.refuted
        scope = f"trace of {len(trace.steps)}"
    return Decision(claim, verdict, "search", scope, seconds, trace=trace)


def search_scope(
    system: System,
    shapes: Sequence[AnyShape],
    *,
    only: Collection[str] | None = None,
    depth: int | None = None,
    max_states: int = 1_000_000,
    progress: Callable[[Search], None] | None = None,
) -> tuple[list[Decision], Search]:
    """The decisions on the properties by a search from boot on these machines alone.

    *holds* means: to the depth that the search covered.

    Args:
        system: the specification.
        shapes: machines that satisfy its axioms, as `scopes.machines` gives them.
        only: the names of the properties to decide.
        depth: steps from boot, at most.
        max_states: in all, after which the search gives up.
        progress: called with the search so far, after each layer.

    Returns:
        the decisions, in declaration order, and the search.
    """
    started = perf_counter()
    claims = [
        claim
        for claim in system.of_kind("always", "step", "sometimes")
        if only is None or claim.name in only
    ]
    result = search(
        system,
        [shape.build(system) for shape in shapes],
        claims,
        depth=depth,
        max_states=max_states,
        progress=progress,
    )
    seconds = (perf_counter() - started) / max(1, len(claims))
    covered = "all reachable states" if result.complete else f"depth {result.depth}"
    decisions = []
    for claim in claims:
        absent = Verdict.undetermined if claim.kind == "sometimes" else Verdict.holds
        trace = result.witnesses.get(claim.name)
        decisions.append(_by_trace(claim, trace, without=(absent, covered), seconds=seconds))
    return decisions, result
