"""Each part of an *ends* proof can fail: what is left grows, cannot be taken out, or stays."""

from __future__ import annotations

import pytest

from memhp.checks.proof.cache import default_folder
from memhp.checks.proof.prove import prove
from memhp.checks.proof.results import PropertyResult
from memhp.checks.support.verdicts import Verdict
from memhp.spec.blocks.block_states import Tick
from memhp.spec.folios.frames import Folio
from memhp.spec.folios.page_tables import Pte
from memhp.spec.language import (
    Bool,
    DropGuard,
    DropUpdate,
    ReplaceGuard,
    System,
    false,
)
from memhp.spec.machine.topology import Block, Frame
from memhp.spec.special.huge_pools import HugeFolio
from memhp.spec.system import SYSTEM


def proved(system: System, name: str) -> PropertyResult:
    """What comes of the proof; what is as in the specification is proved once for all tests."""
    return prove(system, only={name}, jobs=1, cache=default_folder()).of(name)


def _never(p: Pte) -> Bool:
    return false


@pytest.mark.parametrize(
    ("broken", "name", "says"),
    [
        (
            DropGuard("fault", "folio_unlocked").apply(SYSTEM),
            "unmapping_ends",
            "fault(p=pte0) breaks unmapping_ends",
        ),
        (
            ReplaceGuard("wake", "arrived", _never).apply(SYSTEM),
            "waiting_ends",
            "waiting_ends(p=pte0) fails in a state that may be",
        ),
        (
            DropUpdate("wake", "waiting").apply(SYSTEM),
            "waiting_ends",
            "waiting_ends(p=pte0) fails in a state that may be",
        ),
    ],
)
def test_work_that_does_not_end_is_refuted(broken: System, name: str, says: str) -> None:
    result = proved(broken, name)
    assert result.verdict is Verdict.refuted
    assert any(says in failure.reason for failure in result.failures)


def _never_folio(o: Folio) -> Bool:
    return false


def _never_frame(f: Frame, t: Tick) -> Bool:
    return false


def _never_block(b: Block) -> Bool:
    return false


def _never_huge_folio(h: HugeFolio) -> Bool:
    return false


@pytest.mark.parametrize("action", ["begin_unmap", "copy", "change_home", "finish_migration"])
@pytest.mark.slow
def test_a_drain_that_cannot_go_on_is_refuted(action: str) -> None:
    guard = next(each.name for each in SYSTEM.action_by_name[action].guards)
    broken = ReplaceGuard(action, guard, _never_folio).apply(SYSTEM)
    result = proved(broken, "draining_ends")
    assert result.verdict is Verdict.refuted


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (DropGuard("alloc_folio", "not_draining").apply(SYSTEM), "draining_ends"),
        (DropGuard("fault", "folio_unlocked").apply(SYSTEM), "leaving_blocks_get_no_more_work"),
        (
            DropUpdate("abort_migration", "refused_move").apply(SYSTEM),
            "leaving_blocks_get_no_more_work",
        ),
        (
            DropGuard("take_surplus", "not_draining").apply(SYSTEM),
            "draining_blocks_get_no_more_work_of_huge_folios",
        ),
        (
            ReplaceGuard("copy_huge", "reserved", _never_huge_folio).apply(SYSTEM),
            "huge_folios_leave_a_draining_block",
        ),
        (
            DropGuard("begin_huge_migration", "try_paid_for").apply(SYSTEM),
            "a_removal_finishes_or_gives_up_within_its_budget",
        ),
        (
            DropGuard("reserve_destination", "try_paid_for").apply(SYSTEM),
            "a_removal_finishes_or_gives_up_within_its_budget",
        ),
        (
            DropUpdate("try_again", "spent").apply(SYSTEM),
            "a_removal_finishes_or_gives_up_within_its_budget",
        ),
        (
            ReplaceGuard("cancel_offline", "going_offline", _never_block).apply(SYSTEM),
            "a_removal_finishes_or_gives_up_within_its_budget",
        ),
        (DropUpdate("replace_pte", "pte").apply(SYSTEM), "unmapping_ends"),
        (
            DropGuard("map_huge", "unlocked").apply(SYSTEM),
            "draining_blocks_get_no_more_work_of_huge_folios",
        ),
        (DropGuard("map_huge", "unlocked").apply(SYSTEM), "unmapping_a_huge_folio_ends"),
        (
            DropUpdate("restore_huge_pte", "huge_pte").apply(SYSTEM),
            "whoever_waits_for_a_huge_folio_goes_on",
        ),
        (
            DropGuard("wait_for_huge", "moving").apply(SYSTEM),
            "whoever_waits_for_a_huge_folio_goes_on",
        ),
        (ReplaceGuard("try_again", "refused", _never_frame).apply(SYSTEM), "trying_again_ends"),
    ],
)
def test_work_that_grows_or_is_not_used_up_is_refuted(broken: System, name: str) -> None:
    assert proved(broken, name).verdict is Verdict.refuted


@pytest.mark.parametrize("name", [claim.name for claim in SYSTEM.of_kind("ends")])
def test_work_ends_in_the_specification(name: str) -> None:
    assert proved(SYSTEM, name).verdict is Verdict.proved
