"""Cures are about guards that there are, and every refusal of a removal has one."""

from __future__ import annotations

import pytest

from memhp.machines.reading.pageflags import FrameKind
from memhp.spec.cures import CURES, cures_of
from memhp.spec.system import SYSTEM

GUARDS = {f"{action.name}.{guard.name}" for action in SYSTEM.actions for guard in action.guards}
KINDS = {kind.value for kind in FrameKind} | {"cma"}


def test_each_cure_is_about_a_guard_and_kinds_that_there_are() -> None:
    for cure in CURES:
        assert cure.guard in GUARDS
        assert set(cure.kinds) <= KINDS
        assert cure.source
        assert cure.text.strip(" .") == cure.text
    assert len({(cure.guard, cure.kinds) for cure in CURES}) == len(CURES)


@pytest.mark.parametrize("guard", ["block_online", "one_zone", "no_holes", "no_unmovable"])
def test_what_refuses_a_removal_with_an_errno_has_a_cure(guard: str) -> None:
    assert cures_of(f"begin_offline.{guard}")


def test_a_cure_of_another_kind_is_not_told() -> None:
    (only,) = cures_of("begin_offline.no_unmovable", frozenset({"reserved"}))
    assert "never goes" in only.text
    assert not cures_of("copy.no_running_pin", frozenset({"free"}))
