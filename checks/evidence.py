"""The evidence for each column of a row, and where it comes from.

Evidence comes from providers: each is a function that yields `Evidence`, and a line in
`PROVIDERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from memhp.spec.language import Profile, Property, System, Variant, apply
from memhp.spec.language.edits import edited
from memhp.spec.language.system import Action
from memhp.spec.profiles import PROFILES
from memhp.spec.rows import ROWS
from memhp.spec.variants.normal_path import SLOW_DESIGNS

from .ground.cuts import reads
from .numbers.configuration_claims import (
    every_capability_is_possible,
    no_smaller_set_exists,
    prove_configuration_claims,
)
from .numbers.cost import normal_path
from .numbers.sizes import prove_claims
from .proof.strength import Strength, strengths_of_invariants, strengths_of_steps
from .run import check
from .search.usual import first_violation
from .support.verdicts import Verdict

__all__ = ["COMPARED", "PROVIDERS", "STRENGTH", "Evidence", "Provider", "Question"]


@dataclass(frozen=True)
class Evidence:
    """A piece of evidence that a row has a column.

    ``name`` is the property, variant, claim or command; ``verdict`` passes when
    it is as it should be (for *defect*: the wrong design is refuted); ``detail``
    is how, in a few words that do not change from run to run.  ``strength`` is what a proof
    rests on, a value of `proof.strength.Strength`.
    """

    row: str
    column: str
    name: str
    verdict: Verdict
    detail: str
    strength: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is evidence of its own, not what guards or other proofs say already."""
        return not self.strength or Strength(self.strength).counts


@dataclass(frozen=True)
class Question:
    """The subjects of the providers, and how they look at them.

    Args:
        system: the specification.
        variants: the wrong designs.
        commands: the sub-commands that there are.
        jobs: processes; as many as there are cores by default.
        folder: where answers and evidence are kept; nothing is kept without it.
        progress: called with a sentence for a person who waits.
        kernels: the evidence from real kernels.
        profile: what the system gives up.
    """

    system: System
    variants: tuple[Variant, ...]
    commands: Collection[str]
    jobs: int | None = None
    folder: Path | None = None
    progress: Callable[[str], None] | None = None
    kernels: tuple[Evidence, ...] = ()
    profile: Profile = PROFILES[0]

    def say(self, text: str) -> None:
        """Pass the sentence on to ``progress``."""
        if self.progress:
            self.progress(text)


Provider = Callable[[Question], Iterable[Evidence]]


def declared(question: Question) -> Iterator[Evidence]:
    """The evidence for *spec*: the properties of a row that read what some action writes."""
    for row in question.system.rows:
        claims = [claim for claim in question.system.properties if row in claim.covers]
        for claim in claims:
            actions = _actions_of(question.system, claim)
            if actions:
                detail = " ".join(action.name for action in actions)
                yield Evidence(row, "spec", claim.name, Verdict.holds, detail)


def _actions_of(system: System, claim: Property) -> list[Action]:
    read = reads(system, claim.formula)
    return [action for action in system.actions if action.written & read]


def proved(question: Question) -> Iterator[Evidence]:
    """The evidence for *proof*: the verdict on every property that covers a row."""
    question.say("proving every property")
    system, profile = question.system, question.profile
    decisions = check(system, profile, jobs=question.jobs, folder=question.folder)
    for decision in decisions:
        for row in decision.claim.covers:
            yield Evidence(row, "proof", decision.claim.name, decision.counts_as, decision.scope)


def of_steps(question: Question) -> Iterator[Evidence]:
    """The strength of each proof of a *step* or *ends* property, for *proof*."""
    question.say("looking at what proofs of steps rest on")
    return _strengths(strengths_of_steps(question.system))


def of_invariants(question: Question) -> Iterator[Evidence]:
    """The strength of each proof of an *always* property, for *proof*."""
    question.say("looking at which invariants follow from others")
    return _strengths(strengths_of_invariants(question.system))


def _strengths(strengths: Mapping[str, Strength]) -> Iterator[Evidence]:
    for name, strength in strengths.items():
        yield Evidence("", STRENGTH, name, Verdict.holds, "", strength.value)


STRENGTH = "strength"
"""A column that no row has: what its evidence says is said of that for *proof*."""


def refuted(question: Question) -> Iterator[Evidence]:
    """The evidence for *defect*: the variants, each refuted by a shortest trace from boot."""
    for variant in question.variants:
        question.say(f"refuting {variant.name}")
        changed = apply(question.system, variant)
        trace = first_violation(
            changed, variant.breaks, folder=question.folder, variant=variant.name
        )
        verdict = Verdict.holds if trace else Verdict.undetermined
        detail = f"{len(trace.steps)} steps" if trace else "no trace found"
        for row in variant.covers:
            yield Evidence(row, "defect", variant.name, verdict, detail)


def sizes(question: Question) -> Iterator[Evidence]:
    """The evidence on section and block sizes: claims proved, wrong designs refuted (R1 to R5)."""
    question.say("proving the claims on sizes")
    for result in prove_claims():
        claim = result.claim
        for row in claim.covers:
            if claim.true:
                cases = f"{len(claim.cases)} cases"
                yield Evidence(row, "spec", claim.name, Verdict.holds, cases)
                yield Evidence(row, "proof", claim.name, result.verdict, "every integer")
            else:
                yield Evidence(row, "defect", claim.name, _must_fail(result.verdict), _at(result.x))


def _must_fail(verdict: Verdict) -> Verdict:
    """The verdict on a wrong design: it is as it should be when the claim is refuted."""
    if verdict is Verdict.refuted:
        return Verdict.holds
    return Verdict.refuted if verdict.passes else verdict


def _at(x: int | None) -> str:
    return "no counterexample" if x is None else "1 case"


def cost(question: Question) -> Iterator[Evidence]:
    """The evidence on the normal path: entries read for hotplug (U2), designs that are too slow."""
    question.say("counting what the normal path reads")
    for result in normal_path(question.system):
        yield Evidence("U2", "spec", result.name, Verdict.holds, "a bound is stated")
        yield Evidence("U2", "proof", result.name, result.verdict, result.detail)
    for design in SLOW_DESIGNS:
        results = normal_path(edited(question.system, design.edits))
        (slow,) = (result for result in results if result.name == design.slows)
        yield Evidence("U2", "defect", design.name, _must_fail(slow.verdict), slow.detail)


def configurations(question: Question) -> Iterator[Evidence]:
    """The evidence on Kconfig's rules, and that no set of changes is smaller than ours (U6)."""
    question.say("proving the claims on configurations")
    for result in prove_configuration_claims():
        claim, cases = result.claim, f"{len(result.claim.cases)} cases"
        if claim.true:
            yield Evidence("U6", "spec", claim.name, Verdict.holds, cases)
            yield Evidence("U6", "proof", claim.name, result.verdict, "every configuration")
        else:
            detail = "1 case" if result.case else "no counterexample"
            yield Evidence("U6", "defect", claim.name, _must_fail(result.verdict), detail)
    for name, verdict, detail in (every_capability_is_possible(), no_smaller_set_exists()):
        yield Evidence("U6", "spec", name, Verdict.holds, detail)
        yield Evidence("U6", "proof", name, verdict, detail)


def agreed(question: Question) -> Iterator[Evidence]:
    """The evidence for *engine*: properties whose actions it takes in lock step with the reference.

    The engine took every action that a property needs, and of each variable that the property
    reads some value was compared; the detail says how many entries never were.
    """
    from .fuzz.agreement import agreement

    question.say("comparing the engine with the reference")
    result = agreement(question.system, COMPARED, folder=question.folder)
    if result.divergence:
        operation = f"{result.divergence.operations[-1][0]} diverges"
        for row in question.system.rows:
            yield Evidence(row, "engine", "lock step", Verdict.refuted, operation)
        return
    never = set(result.never_told)
    for claim in question.system.properties:
        read = reads(question.system, claim.formula)
        if read and not read & never and not result.lacking(claim):
            untold = result.left_untold(claim)
            entries = f", {untold} entries never told" if untold else ""
            detail = f"{result.steps} operations{entries}"
            for row in claim.covers:
                yield Evidence(row, "engine", claim.name, Verdict.holds, detail)


COMPARED = 20_000
"""Operations that the engine does in lock step for the coverage table."""


def seen(question: Question) -> Iterator[Evidence]:
    """The evidence for *kernel*: scenarios that real kernels go through as predicted."""
    yield from question.kernels


def commands(question: Question) -> Iterator[Evidence]:
    """The evidence for *use*: the sub-command that a row names, if there is one."""
    for row in ROWS:
        if row.command in question.commands:
            yield Evidence(row.id, "use", row.command, Verdict.holds, f"memhp {row.command}")


PROVIDERS: tuple[Provider, ...] = (
    declared,
    proved,
    of_steps,
    of_invariants,
    refuted,
    sizes,
    cost,
    configurations,
    agreed,
    seen,
    commands,
)
"""Where evidence comes from, cheapest to read first."""
