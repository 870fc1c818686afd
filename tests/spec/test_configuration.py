"""Kconfig's language and rules: terms, the values that they give, and that the data is whole."""

from __future__ import annotations

import pytest

from memhp.spec.numbers.kconfig import (
    ARCHITECTURE_SYMBOLS,
    CAPABILITIES,
    OPTIONS,
    RELEASES,
    rules,
)
from memhp.spec.numbers.kconfig_claims import CLAIMS
from memhp.spec.numbers.kconfig_language import evaluate, names, parse
from memhp.spec.numbers.kernel_releases import READ, judges


def value(text: str, **values: int) -> int:
    return int(evaluate(parse(text), values, lambda c, a, b: a if c else b))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A && B", 1),
        ("A || B", 2),
        ("!B", 1),
        ("!A || B && !C", 1),
        ("!(A && B)", 1),
        ("C || m", 1),
        ("ABSENT", 0),
        ("y", 2),
    ],
)
def test_terms_have_kconfigs_three_values(text: str, expected: int) -> None:
    assert value(text, A=2, B=1, C=0) == expected


@pytest.mark.parametrize("text", ["", "A &&", "(A", "A B", "A & B", "A = y"])
def test_what_is_no_dependency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|closed"):
        parse(text)


def test_no_option_has_two_rules_at_once() -> None:
    for architecture in ARCHITECTURE_SYMBOLS:
        for version in RELEASES:
            rules_there = [o.name for o in OPTIONS if o.applies(architecture, version)]
            assert len(rules_there) == len(set(rules_there))


def test_every_option_names_a_kconfig_file_and_serves_a_capability() -> None:
    """An option that no capability depends on is dead data."""
    needed = {name for c in CAPABILITIES for name in names(c.needs)}
    for _ in OPTIONS:
        for option in OPTIONS:
            if option.name in needed:
                for term in (option.depends, option.default, option.prompt):
                    needed.update(names(term))
            if any(selection.option in needed for selection in option.selects):
                needed.add(option.name)
    choices = {option.choice for option in OPTIONS if option.name in needed and option.choice}
    for option in OPTIONS:
        assert "Kconfig" in option.source
        assert option.name in needed | {"DEBUG_FS"} or option.choice in choices, option.name


def test_claims_speak_of_known_options() -> None:
    known = {option.name for option in OPTIONS}
    for claim in CLAIMS:
        assert set(names(parse(claim.given))) | set(names(parse(claim.then))) <= known


def test_an_unknown_architecture_and_an_old_kernel_are_refused() -> None:
    with pytest.raises(ValueError, match="not one of x86"):
        rules("vax", (6, 1))
    with pytest.raises(ValueError, match=r"older than 5\.10"):
        rules("x86", (4, 19))


def test_read_releases_are_in_order_and_every_range_begins_where_something_was_read() -> None:
    """A rule that begins in a series that nobody read would be a guess."""
    assert list(READ) == sorted(READ)
    series = {release[:2] for release in READ}
    for option in OPTIONS:
        for first, last in option.releases:
            for edge in (first, last):
                assert edge is None or edge == (0, 0, 0) or edge[:2] in series, option.name


@pytest.mark.parametrize(
    ("architecture", "name", "first"),
    [
        ("x86", "CXL_BUS", (5, 12)),
        ("riscv", "NUMA", (5, 12)),
        ("x86", "MHP_MEMMAP_ON_MEMORY", (5, 14)),
        ("x86", "DEV_DAX_CXL", (6, 3)),
        ("riscv", "ACPI_HOTPLUG_MEMORY", (6, 5)),
        ("s390", "ZONE_DEVICE", (6, 17)),
        ("s390", "ARCH_ENABLE_THP_MIGRATION", (6, 17)),
        ("x86", "HYPERV_VMBUS", (6, 18)),
    ],
)
def test_an_option_begins_with_the_series_in_which_it_was_first_read(
    architecture: str, name: str, first: tuple[int, int]
) -> None:
    before = max(release for release in READ if release < first)
    assert name in rules(architecture, first)
    assert name not in rules(architecture, before)


def test_between_6_14_and_6_18_two_options_change_by_halves() -> None:
    """6.17 makes the virtual memmap of x86 compulsory, and asks no ACPI for Hyper-V on arm64."""
    vmemmap = [rules("x86", (6, minor))["SPARSEMEM_VMEMMAP"].asked for minor in (14, 17, 18)]
    assert vmemmap == [True, False, False]
    hyperv = [rules("arm64", (6, minor))["HYPERV"] for minor in (14, 17, 18)]
    assert ["ACPI" in names(each.depends) for each in hyperv] == [True, False, False]
    assert [each.tristate for each in hyperv] == [True, True, False]


@pytest.mark.parametrize(
    ("release", "by"),
    [
        ((6, 12, 50), [(6, 12, 50)]),
        ((6, 13), [(6, 13, 0)]),
        ((6, 7), [(6, 6, 63), (6, 8, 1)]),
        ((6, 16, 9), [(6, 14, 0), (6, 17, 0)]),
        ((7, 4), [READ[-1]]),
        ((5, 9, 16), []),
    ],
)
def test_a_release_is_judged_by_its_series_or_by_its_neighbours(
    release: tuple[int, ...], by: list[tuple[int, ...]]
) -> None:
    assert list(judges(release)) == by
