"""What a user of sysfs sees of memory with errors, and of the blocks that it lies in."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EIO, ENXIO

import pytest

from memhp.reference import Machine, Operations, Shape
from memhp.spec.language.errnos import EHWPOISON
from memhp.spec.profiles import system_of

from .replaying import replayed

FAILING = Shape(
    blocks=2,
    frames=2,
    more=(("HugeFolio", 1),),
    tables=(("may_fail", (1, 1, 1, 1)),),
)
"""Two blocks of two frames, which may all fail."""


GIGANTIC = replace(
    FAILING,
    frames=1,
    tables=(
        ("may_fail", (1, 1)),
        ("range_of", (0, 0)),
        ("head_frame", (0, 0)),
        ("gigantic", (1, 1)),
    ),
)
"""A huge folio takes both blocks, of one frame each."""
TWO_HUGE = replace(FAILING, more=(("HugeFolio", 2),))


def machine_of(
    *steps: tuple[str | int, ...], profile: str = "list-2004", shape: Shape = FAILING
) -> Operations:
    """A machine on which these steps were taken."""
    system = system_of(profile)
    user = Operations(Machine(system, shape.build(system)))
    for action, *params in steps:
        assert user.machine.step(str(action), *params), action
        user.steps.append((str(action), tuple(params)))
    return user


@pytest.mark.parametrize(
    ("profile", "errno"), [("linux-5.10", None), ("linux-6.1", None), ("linux-6.12", EHWPOISON)]
)
def test_a_block_with_an_error_goes_offline_and_comes_back_before_linux_6_2(
    profile: str, errno: int | None
) -> None:
    user = machine_of(profile=profile)
    assert user.hard_offline_page(2)
    assert user.write_state(1, "offline")
    result = user.write_state(1, "online_movable")
    assert result.errno == errno
    assert user.machine.get("hwpoison", 2) == (errno is not None)


def test_the_errno_has_its_name() -> None:
    user = machine_of()
    assert user.hard_offline_page(2)
    assert str(user.hard_offline_page(2)) == (
        "memory_failure: EHWPOISON: the error is known already (not_known)"
    )
    assert user.write_state(1, "offline")
    assert user.hard_offline_page(3).errno == ENXIO


def test_who_maps_what_is_lost_loses_it_and_nothing_takes_its_place() -> None:
    user = machine_of(("alloc_folio", 0, 2, "anonymous"), ("fault", 0))
    assert user.hard_offline_page(2)
    assert user.machine.get("lost", 0)
    assert user.machine.get("pte", 0) == "none"
    assert not user.machine.step("alloc_folio", 0, 3, "anonymous")
    assert user.machine.step("tell_of_loss", 0)
    assert user.machine.step("alloc_folio", 0, 3, "anonymous")


def test_contents_move_before_their_frame_fails() -> None:
    user = machine_of(("alloc_folio", 0, 2, "anonymous"), ("fault", 0))
    assert user.soft_offline_page(2)
    assert user.machine.get("home", 0) != 2
    assert user.machine.get("pte", 0) == "present"
    assert user.machine.get("frame_state", 2) == "off_buddy"
    assert user.soft_offline_page(2)
    replayed(user)


def test_what_does_not_move_is_busy_and_what_nobody_can_handle_is_an_error() -> None:
    held = machine_of(("alloc_folio", 0, 2, "anonymous"), ("get_reference", 0, 0))
    assert held.soft_offline_page(2).errno == EBUSY
    huge = machine_of(("grow_pool", 0, 1), ("reserve_huge", 0))
    assert huge.soft_offline_page(2).errno == EBUSY
    kernel = machine_of(("alloc_kernel", 2))
    assert kernel.soft_offline_page(2).errno == EIO
    assert kernel.write_state(1, "offline").errno == EBUSY
    assert kernel.machine.step("free_kernel", 2)
    assert kernel.write_state(1, "offline")
    assert kernel.soft_offline_page(2).errno == EIO


def test_memory_of_the_kernel_stays_with_its_error() -> None:
    user = machine_of(("alloc_kernel", 2))
    assert user.hard_offline_page(2).errno == EBUSY
    assert user.soft_offline_page(3)
    assert user.write_state(1, "offline").errno == EBUSY
    assert user.machine.step("free_kernel", 2)
    assert user.write_state(1, "offline")


def test_a_removal_sets_aside_what_is_still_mapped() -> None:
    user = machine_of(("alloc_folio", 0, 2, "page_cache"), ("fault", 0), ("memory_failure", 2, 0))
    assert user.write_state(1, "offline")
    assert not user.machine.get("lost", 0)
    assert user.machine.get("folio_kind", 0) == "none"
    replayed(user)


def test_a_huge_folio_with_an_error_is_no_more() -> None:
    user = machine_of(("grow_pool", 0, 1), ("take_huge", 0), ("map_huge", 0, 0))
    assert user.hard_offline_page(2)
    assert [user.machine.get("frame_state", frame) for frame in (2, 3)] == ["off_buddy", "free"]
    assert user.write_state(1, "offline")
    replayed(user)


def test_an_error_in_the_tail_of_a_gigantic_folio_is_set_aside() -> None:
    user = machine_of(("grow_pool", 0, 0), ("take_huge", 0), ("map_huge", 0, 0), shape=GIGANTIC)
    assert user.hard_offline_page(1)
    assert [user.machine.get("frame_state", frame) for frame in (0, 1)] == ["free", "off_buddy"]
    replayed(user)


def test_a_free_huge_folio_with_an_error_is_dissolved_if_it_is_not_promised() -> None:
    user = machine_of(("grow_pool", 0, 1))
    assert user.hard_offline_page(3)
    assert [user.machine.get("frame_state", frame) for frame in (2, 3)] == ["free", "off_buddy"]
    replayed(user)
    promised = machine_of(("grow_pool", 0, 1), ("reserve_huge", 0))
    assert promised.hard_offline_page(3).errno == EBUSY


def test_a_huge_folio_moves_before_its_frame_fails() -> None:
    user = machine_of(
        ("grow_pool", 0, 1),
        ("grow_pool", 1, 0),
        ("take_huge", 0),
        ("map_huge", 0, 0),
        shape=TWO_HUGE,
    )
    assert user.soft_offline_page(2)
    assert user.machine.get("huge_home", 0) == 0
    assert user.machine.get("huge_pte", 0) == "present"
    assert [user.machine.get("frame_state", frame) for frame in (2, 3)] == ["off_buddy", "free"]
    replayed(user)
