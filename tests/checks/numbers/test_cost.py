"""What steps read: counted by hand, bounded on the normal path, unbounded with a quantifier."""

from __future__ import annotations

import pytest

from memhp.checks.numbers.cost import cost, normal_path
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language.edits import edited
from memhp.spec.numbers.normal_path import NORMAL_PATH, WITHOUT_HOTPLUG, SlowDesign
from memhp.spec.system import SYSTEM
from memhp.spec.variants.normal_path import SLOW_DESIGNS


def test_reads_and_writes_are_those_counted_by_hand() -> None:
    step = cost(SYSTEM.action_by_name["alloc_kernel"], SYSTEM)
    assert step.symbols == ("draining", "frame_state", "leaving", "zone")
    assert (step.amount, step.writes) == ("4 entries", ("frame_state",))
    assert not step.unbounded


def test_a_quantifier_is_unbounded_and_named() -> None:
    step = cost(SYSTEM.action_by_name["begin_offline"], SYSTEM)
    assert step.amount == "unbounded"
    assert "no_unmovable" in step.unbounded


def test_the_normal_path_reads_a_bounded_number_of_entries_for_hotplug() -> None:
    results = normal_path(SYSTEM)
    assert {result.verdict for result in results} == {Verdict.proved}
    assert set(NORMAL_PATH) < {result.name for result in results}


def test_without_hotplug_no_hotplug_state_is_read() -> None:
    bare = edited(SYSTEM, WITHOUT_HOTPLUG)
    for name in NORMAL_PATH:
        step = cost(bare.action_by_name[name], bare)
        assert not {"draining", "leaving", "block_state"} & set(step.symbols)


@pytest.mark.parametrize("design", SLOW_DESIGNS, ids=lambda design: design.name)
def test_a_slow_design_is_refuted(design: SlowDesign) -> None:
    results = normal_path(edited(SYSTEM, design.edits))
    assert [r.name for r in results if r.verdict is Verdict.refuted] == [design.slows]


def test_one_entry_more_than_allowed_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NORMAL_PATH, "free_folio", 0)
    verdicts = {result.name: result.verdict for result in normal_path(SYSTEM)}
    assert verdicts["free_folio"] is Verdict.refuted
