"""The documents name every bug and invariant once, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from memhp.spec.language import Variant
from memhp.spec.linux import CHOICES
from memhp.spec.linux.choice import Choice
from memhp.spec.profiles import PROFILES
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS, history

DOCS = Path(__file__).parents[2] / "docs"
VARIANT_NAMES = {variant.name for variant in VARIANTS}


def lines(document: str) -> dict[str, list[str]]:
    """The cells of each line of the document's table, by id."""
    table: dict[str, list[str]] = {}
    for line in (DOCS / document).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"[BIS]\d+", cells[0]):
            assert cells[0] not in table, f"{cells[0]} has two lines"
            table[cells[0]] = cells[1:]
    return table


def quoted(cells: list[str]) -> list[str]:
    """What stands in back quotes and is a name of ours."""
    return [name for name in re.findall(r"`([^`]+)`", " ".join(cells)) if "(" not in name]


def test_every_bug_has_a_line() -> None:
    assert list(lines("bugs.md")) == [f"B{number}" for number in range(1, 43)]


def test_every_invariant_has_a_line() -> None:
    assert list(lines("invariants.md")) == [f"I{number}" for number in range(1, 19)]


@pytest.mark.parametrize("bug", sorted(lines("bugs.md")))
def test_a_bug_has_a_variant_or_a_reason(bug: str) -> None:
    cells = lines("bugs.md")[bug]
    variant = cells[-1]
    assert set(quoted(cells)) <= VARIANT_NAMES | set(SYSTEM.property_by_name)
    assert set(quoted([variant])) <= VARIANT_NAMES
    assert quoted([variant]) or variant.startswith("none: ")


@pytest.mark.parametrize("invariant", sorted(lines("invariants.md")))
def test_an_invariant_has_properties_or_a_reason(invariant: str) -> None:
    stated = lines("invariants.md")[invariant][-1]
    assert set(quoted([stated])) <= set(SYSTEM.property_by_name)
    assert quoted([stated]) or stated.startswith("outside the model")


def test_the_profile_gives_up_what_a_finding_breaks() -> None:
    answers = [cells[1] for cells in lines("findings.md").values() if cells[1].startswith("yes: ")]
    broken = {
        name for cell in answers for name in quoted([cell]) if name in SYSTEM.property_by_name
    }
    given_up = {name for profile in PROFILES for name, _ in profile.gives_up}
    assert len(answers) == 4
    assert broken <= given_up


def test_the_findings_have_every_choice_of_linux_with_its_versions() -> None:
    text = (DOCS / "findings.md").read_text()
    _, table, *_ = re.split(r"^## What Linux chose, by version$|^## ", text, flags=re.MULTILINE)
    said = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| .", table, re.MULTILINE)
    assert said == [(choice.name, _versions(choice)) for choice in CHOICES]


def _versions(choice: Choice) -> str:
    since, before = choice.since, choice.before
    said = [f"from {since[0]}.{since[1]}"] if since > (0, 0) else []
    said += [f"before {before[0]}.{before[1]}"] if before else []
    return ", ".join(said) or "any"


@pytest.mark.parametrize("variant", history.VARIANTS, ids=lambda variant: variant.name)
def test_a_historic_variant_stands_on_the_line_of_its_bug(variant: Variant) -> None:
    bug = variant.doc.partition(":")[0]
    assert variant.name in quoted(lines("bugs.md")[bug])
    assert variant.source


def test_the_readme_makes_twenty_claims_that_are_there_to_be_proved() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    section = re.search(r"<!-- claims -->(.*)<!-- /claims -->", readme, re.DOTALL)
    assert section
    lines = section[1].strip().split("\n- ")
    names = [re.fullmatch(r".*: `(\w+)`\.", " ".join(line.split())) for line in lines]
    claims = [SYSTEM.property_by_name[name[1]] for name in names if name]
    assert len(lines) == len(claims) == len(set(claims)) == 20
    assert {claim.kind for claim in claims} <= {"always", "step", "ends"}
