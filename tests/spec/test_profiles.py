"""What a profile of Linux changes of the list's design, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.run import check
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language import DropAction, Profile, System, apply
from memhp.spec.language.terms import Term
from memhp.spec.profiles import (
    DEFAULT,
    LINUX,
    NODES_FROM_BOOT,
    PROFILES,
    system_of,
)
from memhp.spec.system import SYSTEM

GONE = "a_whole_node_is_gone"


def rules(system: System) -> list[Term]:
    """All that decides what a machine does: no properties."""
    actions = [guard.condition for action in system.actions for guard in action.guards]
    updates = [term for a in system.actions for update in a.updates for term in update.terms]
    axioms = [axiom.formula for axiom in system.axioms]
    return [*actions, *updates, *axioms, *(variable.initial for variable in system.variables)]


def reading(symbol: str, system: System) -> int:
    return sum(symbol in system.symbols_in(term) for term in rules(system))


def test_where_the_list_has_a_pgdat_decides_nothing_under_linux() -> None:
    assert reading("pgdat_section", SYSTEM) > 0
    assert reading("pgdat_section", system_of(LINUX)) == 0


def test_where_a_mem_map_lies_decides_as_much_under_linux() -> None:
    assert reading("memmap_host", system_of(LINUX)) == reading("memmap_host", SYSTEM) > 0
    for action in ("allocate_memmap", "add_section", "remove_section", "free_memmap"):
        guards = [guard.name for guard in SYSTEM.action_by_name[action].guards]
        assert [g.name for g in system_of(LINUX).action_by_name[action].guards] == guards


def test_the_default_profile_is_the_specification() -> None:
    assert system_of() is system_of(DEFAULT) is SYSTEM
    assert system_of(LINUX) is system_of(LINUX)
    with pytest.raises(ValueError, match="no profile 'linux'; there are list-2004, linux-"):
        system_of("linux")


def test_a_sometimes_that_is_given_up_is_proved_never_to_be() -> None:
    [linux] = [profile for profile in PROFILES if profile.name == LINUX]
    [decision] = check(system_of(LINUX), linux, only={GONE}, jobs=1)
    assert (decision.verdict, decision.method) == (Verdict.refuted, "induction")
    assert decision.claim.kind == "sometimes"
    assert decision.counts_as is Verdict.holds


@pytest.mark.parametrize("edits", [(), (DropAction("drain"),)], ids=["none", "another"])
def test_a_sometimes_that_is_given_up_and_still_comes_is_an_error(
    edits: tuple[DropAction, ...],
) -> None:
    profile = Profile("vain", "Gives up what it has.", edits, ((GONE, "no reason"),))
    [decision] = check(apply(SYSTEM, profile), profile, only={GONE}, jobs=1)
    assert decision.verdict is Verdict.holds
    assert decision.counts_as is Verdict.error


def test_without_what_keeps_a_pgdat_nothing_is_proved() -> None:
    """The property that Linux's pgdats stay is proved, not assumed."""
    kept = tuple(edit for edit in NODES_FROM_BOOT if edit != DropAction("free_pgdat"))
    profile = Profile("freed", "Frees pgdats.", kept, ())
    system = apply(SYSTEM, profile)
    claim = system.property_by_name["pgdats_are_there_for_ever"]
    only = replace(system, properties=(claim,))
    [decision] = check(only, profile, only={claim.name}, jobs=1)
    assert not decision.verdict.passes
