"""Designs and rows: profiles, what Linux chose, wrong designs, and the concerns of the list."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from memhp.spec.language import Profile, Variant
from memhp.spec.linux import CHOICES
from memhp.spec.linux.choice import Choice
from memhp.spec.numbers.kconfig_claims import CLAIMS as OF_CONFIGURATIONS
from memhp.spec.numbers.kconfig_claims import ConfigurationClaim
from memhp.spec.numbers.normal_path import NORMAL_PATH
from memhp.spec.numbers.section_size import CLAIMS as OF_SIZES
from memhp.spec.numbers.section_size import Claim as SizeClaim
from memhp.spec.profiles import PROFILES, VERSIONS, linux
from memhp.spec.rows import ROWS, Row
from memhp.spec.variants.normal_path import SLOW_DESIGNS

from .entry import Entry, Subject, Told, first_sentence, wrapped

__all__ = ["claims_on_numbers", "designs", "rows", "variants"]

NumberClaim = SizeClaim | ConfigurationClaim

CLAIMS: tuple[NumberClaim, ...] = (*OF_SIZES, *OF_CONFIGURATIONS)
_OF_CONFIGURATIONS, _OF_COST = "U6", "U2"
"""The rows that claims on Kconfig's rules, and on what the normal path reads, are about."""


def variants(subject: Subject) -> Iterator[Entry]:
    """The wrong designs."""
    for variant in subject.variants:
        yield Entry("variant", variant.name, variant.doc, partial(_variant, variant))


def designs() -> Iterator[Entry]:
    """The profiles, and the choices of Linux."""
    for profile in PROFILES:
        tell = partial(_profile, profile)
        yield Entry("profile", profile.name, profile.doc, tell)
    for choice in CHOICES:
        yield Entry("choice", choice.name, choice.doc, partial(_choice, choice))


def _profile(profile: Profile) -> Told:
    edits = (f"edit: {edit}" for edit in profile.edits)
    version = next((each for each in VERSIONS if linux(each).name == profile.name), None)
    return Told(
        f"profile {profile.name}",
        "",
        (*edits, *_gives_up(profile.gives_up)),
        {"choices": tuple(each.name for each in CHOICES if version and each.is_of(version))},
    )


def _gives_up(properties: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, why in properties:
        yield from wrapped(f"gives up {name}: {why}", "")


def _choice(choice: Choice) -> Told:
    since = ".".join(map(str, choice.since)) if any(choice.since) else "the first read"
    before = f", before {'.'.join(map(str, choice.before))}" if choice.before else ""
    edits = (f"edit: {edit}" for edit in choice.edits)
    return Told(
        f"choice {choice.name}",
        "",
        (f"Linux has it since {since}{before}", *edits, *_gives_up(choice.gives_up)),
        {"profiles": tuple(linux(each).name for each in VERSIONS if choice.is_of(each))},
    )


def _variant(variant: Variant) -> Told:
    logic = [f"source: {variant.source}"]
    logic += [f"edit:   {edit}" for edit in variant.edits]
    logic += [f"breaks: {variant.breaks}", f"rows:   {' '.join(variant.covers)}"]
    return Told(
        f"variant {variant.name}",
        "",
        (*logic, f"see it refuted: memhp check --variant {variant.name}"),
    )


# --- rows ---------------------------------------------------------------------------------------


def rows(subject: Subject) -> Iterator[Entry]:
    """The rows: those of the list, with their concerns, or what a system of one's own covers."""
    if subject.of_hotplug:
        for row in ROWS:
            yield Entry("row", row.id, f"{row.concern}.", partial(_row, row, subject))
    else:
        for name in subject.system.rows:
            yield Entry("row", name, "", partial(_own_row, name, subject))


def claims_on_numbers() -> Iterator[Entry]:
    """The claims on sizes and on configurations, on which some rows rest."""
    for claim in CLAIMS:
        yield Entry("claim", claim.name, claim.doc, partial(_claim, claim))


def _own_row(name: str, subject: Subject) -> Told:
    lines = ["", "what must be true", *_of_row(name, subject)]
    if wrong := [*_variants_of(name, subject)]:
        lines += ["", "wrong designs", *wrong]
    return Told(f"row {name}", "", tuple(lines))


def _of_row(row: str, subject: Subject) -> Iterator[str]:
    for each in subject.system.properties:
        if row in each.covers:
            yield from _listed(f"{each.kind} {each.name}", each.doc)


def _variants_of(row: str, subject: Subject) -> Iterator[str]:
    for variant in subject.variants:
        if row in variant.covers:
            yield from _listed(f"variant {variant.name}", variant.doc)


def _claim(claim: NumberClaim) -> Told:
    verdict = "proved" if claim.true else "refuted: a wrong design"
    logic = [] if isinstance(claim, SizeClaim) else [f"{claim.given} implies {claim.then}"]
    rows = _rows_of(claim)
    return Told(f"claim {claim.name}", "", (*logic, verdict), {"rows": rows})


def _rows_of(claim: NumberClaim) -> tuple[str, ...]:
    return claim.covers if isinstance(claim, SizeClaim) else (_OF_CONFIGURATIONS,)


def _row(row: Row, subject: Subject) -> Told:
    """What carries a row, and the designs that are wrong in its eyes."""
    lines = ["", "what must be true", *_of_row(row.id, subject)]
    of_numbers = [claim for claim in CLAIMS if row.id in _rows_of(claim)]
    for claim in of_numbers:
        if claim.true:
            lines += _listed(f"claim {claim.name}", claim.doc)
    if row.id == _OF_COST:
        for name, more in NORMAL_PATH.items():
            lines += _listed(f"cost {name}", f"For hotplug it reads {more} entries more at most.")
    wrong = [*_variants_of(row.id, subject)]
    for claim in of_numbers:
        if not claim.true:
            wrong += _listed(f"claim {claim.name}", claim.doc)
    for design in SLOW_DESIGNS if row.id == _OF_COST else ():
        wrong += _listed(f"slow design {design.name}", design.doc)
    if wrong:
        lines += ["", "wrong designs (see a variant refuted: memhp check --variant NAME)", *wrong]
    lines += ["", f"for a user: memhp {row.command}; what stands for each: memhp coverage --json"]
    return Told(f"row {row.id}", "", tuple(lines))


def _listed(name: str, doc: str) -> list[str]:
    """A name, and below it the first sentence of what is said of it."""
    return [name, *wrapped(first_sentence(doc), "  ")]
