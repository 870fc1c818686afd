"""What the specification answers about a machine's blocks, and why one block may be asked alone."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from errno import EBUSY, EINTR, EINVAL, EPERM
from pathlib import Path

import pytest

from memhp.machines.judging.offline import BlockJudgement, design_of, invariants, judge
from memhp.machines.reading.block_evidence import BlockEvidence
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.procfs import Range, ZoneReading
from memhp.machines.reading.sysfs import BlockReading, HugePool, MachineReading, read_machine
from memhp.reference import Machine, Shape
from memhp.spec.language.rewrite import expand
from memhp.spec.language.terms import App, subterms
from memhp.spec.profiles import LINUX, system_of
from memhp.spec.system import SYSTEM

DUMPS = Path(__file__).resolve().parents[4] / "shared" / "data"
AS_LINUX = system_of(LINUX)
SIZE = 128 << 20
WHOLE = (Range(0, 64 * SIZE),)


def zone(name: str, *, present: int = 9, managed: int = 9, cma: int | None = 0) -> ZoneReading:
    return ZoneReading(0, name, 0, 9, present, managed, 0, cma=cma)


ZONES = (zone("Normal"), zone("Movable"))
"""Nothing in them was set aside at boot."""


def block(
    number: int = 1, zone: str | None = "Normal", state: str | None = "online", *nodes: int
) -> BlockReading:
    zones = None if zone is None else tuple(zone.split())
    return BlockReading(number=number, state=state, valid_zones=zones, nodes=nodes or (0,))


READING = MachineReading(
    source="made up",
    live=True,
    page_size=4096,
    block_size=SIZE,
    block_size_derived=False,
    blocks=(block(),),
    nodes=(),
    iomem=WHOLE,
    zones=ZONES,
    frames=None,
    notes=(),
    pinned=4,
)
"""One block, and pins of which it is not told where they are."""


def judged(
    *blocks: BlockReading,
    kinds: tuple[FrameKind, ...] | None = None,
    iomem: tuple[Range, ...] | None = WHOLE,
) -> tuple[BlockJudgement, ...]:
    """The judgements; every block that is not offline has a frame of each of the kinds."""
    shown = [found.number for found in blocks if found.state != "offline"]
    reading = MachineReading(
        source="made up",
        live=kinds is not None,
        page_size=4096,
        block_size=SIZE,
        block_size_derived=False,
        blocks=blocks,
        nodes=(),
        iomem=iomem,
        zones=ZONES,
        cma=False,
        frames=None if kinds is None else {number: Counter(kinds) for number in shown},
        notes=(),
    )
    return judge(reading, design_of(reading))


def answer(found: BlockJudgement) -> tuple[str, str | None, int | None]:
    return found.verdict, found.guard, found.errno


FREE, USER, KERNEL = FrameKind.free, FrameKind.movable, FrameKind.kernel
RESERVED, HOLE, UNKNOWN = FrameKind.reserved, FrameKind.hole, FrameKind.unknown
YES = ("yes", None, None)
UNMOVABLE = ("no", "no_unmovable", EBUSY)
CANNOT_TELL = ("cannot tell", None, None)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((FREE,), YES),
        ((USER,), YES),
        ((FREE, USER, FrameKind.hwpoison), YES),
        ((FREE, USER, RESERVED), UNMOVABLE),
        ((FREE, KERNEL), UNMOVABLE),
        ((KERNEL, UNKNOWN), UNMOVABLE),
        ((FREE, UNKNOWN), CANNOT_TELL),
        ((FREE, FrameKind.offline), CANNOT_TELL),
        ((FREE, HOLE), ("no", "no_holes", EINVAL)),
    ],
)
def test_the_frames_of_a_kernel_block_decide(
    kinds: tuple[FrameKind, ...], expected: tuple[str, str | None, int | None]
) -> None:
    (found,) = judged(block(), kinds=kinds)
    assert answer(found) == expected
    assert found.violated == ()
    assert found.missing == (("frames",) if expected == CANNOT_TELL else ())


def test_unknown_frames_of_a_movable_block_are_not_the_kernels() -> None:
    assert answer(judged(block(zone="Movable"), kinds=(FREE, USER, UNKNOWN))[0]) == YES
    assert answer(judged(block(zone="Movable"))[0]) == YES


def test_a_kernel_frame_in_the_movable_zone_shows_as_a_violation() -> None:
    (found,) = judged(block(zone="Movable"), kinds=(FREE, KERNEL))
    assert answer(found) == UNMOVABLE
    assert "kernel_frames_stay_out_of_the_removable_area" in found.violated
    assert set(found.violated) <= set(invariants(AS_LINUX))


def test_holes_that_are_not_known_leave_a_verdict_under_a_condition() -> None:
    (found,) = judged(block(), kinds=(FREE,), iomem=None)
    assert (found.verdict, found.missing, found.if_no_holes) == ("cannot tell", ("hole",), "yes")
    (found,) = judged(block(), iomem=None)
    assert found.if_no_holes == "cannot tell"
    assert found.missing == ("frames", "hole")


def test_a_block_that_every_world_refuses_cannot_go_whatever_the_guard() -> None:
    (found,) = judged(block(), kinds=(KERNEL,), iomem=None)
    assert answer(found) == ("no", None, None)
    assert " or " in found.why


def test_holes_are_told_by_the_byte_across_adjacent_ranges() -> None:
    middle = SIZE + SIZE // 2
    split = (Range(0, middle), Range(middle, 2 * SIZE))
    assert answer(judged(block(), kinds=(FREE,), iomem=split)[0]) == YES
    for gap in ((Range(0, middle - 1), split[1]), (Range(0, 2 * SIZE - 1),), ()):
        assert judged(block(), kinds=(FREE,), iomem=gap)[0].guard == "no_holes"


def test_two_nodes_no_zone_and_no_known_zone() -> None:
    one_zone = ("no", "one_zone", EINVAL)
    shared = judged(block(1, "Normal", "online", 0, 1), kinds=(FREE,))[0]
    assert (answer(shared), shared.node) == (one_zone, None)
    assert answer(judged(block(zone="none"), iomem=None)[0]) == one_zone
    for zone in (None, "Novel"):
        (found,) = judged(block(zone=zone), kinds=(FREE,))
        assert (found.verdict, found.missing) == ("cannot tell", ("zone",))


def test_the_state_decides_before_all_else() -> None:
    leaving, offline, online = judged(
        block(1, state="going-offline"), block(2, "Normal Movable", "offline"), block(3), kinds=()
    )
    assert [found.guard for found in (leaving, offline, online)] == ["hotplug_lock"] * 3
    (alone,) = judged(block(2, "Normal Movable", "offline"), iomem=None)
    assert (answer(alone), alone.violated) == (("offline", "block_online", EINVAL), ())
    (unknown,) = judged(block(state=None), kinds=(FREE,))
    assert (unknown.verdict, unknown.missing) == ("cannot tell", ("state",))


def test_a_state_that_is_missing_leaves_the_lock_open_for_the_others() -> None:
    first, other = judged(block(1), block(2, state=None), kinds=(FREE,))
    assert first.missing == ("busy",)
    assert "state" in other.missing


# --- why one block may be asked alone -----------------------------------------------------------


def test_begin_offline_reads_nothing_that_is_left_out() -> None:
    guards = AS_LINUX.action_by_name["begin_offline"].guards
    parts = (part for guard in guards for part in subterms(expand(guard.condition, AS_LINUX)))
    read = {part.symbol.name for part in parts if isinstance(part, App)}
    assert read == {
        "block_device",
        "block_of_section",
        "block_state",
        "demands_offline",
        "frame_state",
        "hole",
        "lock_held",
        "section_of",
        "zone",
        # no machine shows that the firmware's request runs, or that somebody writes to another
        # block's state file at this moment; both are taken to be idle
        "in_range",
        "request",
        "state_file",
        # a mem_map that lies elsewhere is a kernel page there, and its word says so
        "memmap",
        "memmap_host",
        # and it goes with its block where that keeps it itself, as its structures tell
        "metadata_frame",
        # no page of the kernel moves in Linux
        "kept",
    }


def test_what_another_block_is_does_not_matter_unless_it_is_changing() -> None:
    draw = random.Random(0)
    zones, states = ("none", "kernel", "movable"), ("free", "user", "kernel")
    machine = Machine(AS_LINUX, Shape(nodes=2, blocks=3, frames=2).build(AS_LINUX))
    for _ in range(300):
        mine = (draw.choice(zones), draw.choice(states))
        wholes = [_drawn(machine, draw, mine) for _ in range(4)]
        assert len({whole.why_not("begin_offline", 0) for whole in wholes}) == 1


def _drawn(machine: Machine, draw: random.Random, mine: tuple[str, str]) -> Machine:
    """Block 0 as given, every other block drawn, but none of them changing."""
    values: list[int] = []
    for variable in AS_LINUX.variables:
        name, members = variable.symbol.name, variable.symbol.range.members or ()
        for point in machine.topology.points(variable.symbol.domain):
            value = machine.values[len(values)]
            if name == "zone":
                word = draw.choice(members) if point[0] else mine[0]
                value = members.index(word)
            elif name == "frame_state":
                word = draw.choice(members) if point[0] > 1 else mine[1]
                value = members.index(word)
            elif name == "block_state" and point[0]:
                value = members.index(draw.choice(("online", "offline")))
            values.append(value)
    return machine.at(values)


# --- real machines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("util-linux-x86_64-16g.tar.bz2", {"no": 2, "cannot tell": 126}),
        ("util-linux-s390-zvm-6g.tar.bz2", {"offline": 5, "cannot tell": 19}),
        ("pcp-sysfs-numa-001.tar.gz", {"no": 1, "cannot tell": 31}),
        ("pcp-meminfo-root-002.tar.gz", {}),
        ("hwloc-40intel64-2g2n4c.tar.bz2", {"cannot tell": 4096}),
    ],
)
def test_a_dump_without_page_flags_says_no_only_where_sysfs_does(
    name: str, expected: dict[str, int]
) -> None:
    if not (DUMPS / name).exists():
        pytest.skip("the dumps of real machines are not here")
    reading = read_machine(DUMPS / name)
    found = judge(reading, design_of(reading))
    assert Counter(judgement.verdict for judgement in found) == expected
    assert {judgement.guard for judgement in found} <= {None, "one_zone", "block_online"}
    assert not any(judgement.violated for judgement in found)


PLAIN = MachineReading(
    source="made up",
    live=True,
    page_size=4096,
    block_size=SIZE,
    block_size_derived=False,
    blocks=(block(),),
    nodes=(),
    iomem=WHOLE,
    zones=ZONES,
    cma=False,
    frames={1: Counter((FREE, USER))},
    notes=(),
    kernel=(6, 12),
)
"""A machine with one block, free and movable."""


def of(reading: MachineReading, *, boot_memory_stays: bool | None = False) -> BlockJudgement:
    (found,) = judge(reading, design_of(reading), boot_memory_stays=boot_memory_stays)
    return found


def test_a_pin_that_lasts_may_be_in_any_block_with_pages_to_move() -> None:
    found = of(replace(PLAIN, pinned=3))
    assert (found.verdict, found.missing) == ("cannot tell", ("pinned",))
    assert found.why == "3 pins of pages last on this machine, and where is not told"
    assert answer(of(replace(PLAIN, pinned=0))) == YES
    assert answer(of(replace(PLAIN, pinned=3, frames={1: Counter((FREE,))}))) == YES


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [((6, 12), YES), ((5, 13), YES), ((5, 12), CANNOT_TELL), (None, CANNOT_TELL)],
)
def test_since_5_13_no_pin_that_lasts_is_in_the_movable_zone(
    kernel: tuple[int, int] | None, expected: tuple[str, str | None, int | None]
) -> None:
    """Before, pages were pinned where they were; of an unknown version both may be."""
    movable = replace(PLAIN, pinned=3, blocks=(block(zone="Movable"),), kernel=kernel)
    assert answer(of(movable)) == expected
    assert answer(of(replace(movable, pinned=0))) == YES


def test_no_invariant_that_linux_gives_up_is_counted_or_named() -> None:
    assert AS_LINUX.given_up.isdisjoint(invariants(AS_LINUX))
    assert AS_LINUX.given_up & set(invariants(SYSTEM))
    old = design_of(replace(PLAIN, kernel=(5, 10)))
    assert "fixed_buffers_stay_out_of_the_removable_area" in old.given_up - AS_LINUX.given_up


GIGANTIC = HugePool(size=1 << 30, total=2, free=0)
ORDINARY = HugePool(size=2 << 20, total=9, free=0)


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ((GIGANTIC,), ("no", "frame_free", EINTR)),
        ((GIGANTIC, replace(ORDINARY, total=0)), ("no", "frame_free", EINTR)),
        ((GIGANTIC, ORDINARY), CANNOT_TELL),
        ((replace(GIGANTIC, free=1),), CANNOT_TELL),
        ((replace(GIGANTIC, free=2),), YES),
        ((ORDINARY,), YES),
        ((replace(ORDINARY, free=1),), CANNOT_TELL),
        ((replace(ORDINARY, free=9),), YES),
        ((), CANNOT_TELL),
    ],
)
def test_a_huge_page_in_use_needs_room_outside_the_block(
    pools: tuple[HugePool, ...], expected: tuple[str, str | None, int | None]
) -> None:
    huge = replace(PLAIN, frames={1: Counter((FREE, FrameKind.huge))}, huge_pools=pools)
    assert answer(of(huge)) == expected
    assert answer(of(replace(PLAIN, huge_pools=pools))) == YES


def test_the_newest_kernel_moves_huge_pages_out_of_the_block() -> None:
    frames = {1: Counter((FREE, FrameKind.huge))}
    pools = (replace(ORDINARY, free=1),)
    newest = replace(PLAIN, frames=frames, huge_pools=pools, kernel=(7, 2))
    assert answer(of(newest)) == YES


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [((6, 12), YES), ((6, 1), YES), ((5, 10), CANNOT_TELL), (None, CANNOT_TELL)],
)
def test_frames_that_wait_for_the_lru_stop_an_old_kernel_perhaps(
    kernel: tuple[int, int] | None, expected: tuple[str, str | None, int | None]
) -> None:
    frames = {1: Counter((FREE, FrameKind.waiting))}
    assert answer(of(replace(PLAIN, frames=frames, kernel=kernel))) == expected


def test_only_memory_of_the_boot_stays_on_arm64() -> None:
    there, elsewhere = Range(SIZE, 2 * SIZE), Range(2 * SIZE, 3 * SIZE)
    found = of(replace(PLAIN, boot_memory=(there,)), boot_memory_stays=True)
    assert answer(found) == ("no", "notifiers_agree", EPERM)
    assert answer(of(replace(PLAIN, boot_memory=(elsewhere,)), boot_memory_stays=True)) == YES
    assert of(PLAIN, boot_memory_stays=True).missing == ("vetoed",)


def test_a_no_may_have_one_errno_or_another() -> None:
    frames = {1: Counter((FREE, UNKNOWN))}
    reading = replace(PLAIN, boot_memory=WHOLE, frames=frames)
    found = of(reading, boot_memory_stays=True)
    assert (found.verdict, found.errno, found.errnos) == ("no", None, (EPERM, EBUSY))
    assert [found.agrees(how) for how in ("EPERM", "EBUSY", "EINVAL", "done")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_judgement_is_held_against_an_outcome() -> None:
    yes, open_ = of(PLAIN), of(replace(PLAIN, frames=None))
    assert (yes.agrees("done"), yes.agrees("EBUSY")) == (True, False)
    assert (open_.agrees("done"), open_.agrees("EBUSY")) == (None, None)


# --- what no word of a frame shows ----------------------------------------------------------------

AREAS = (range(SIZE // 4096 + 100, SIZE // 4096 + 612),)
"""An area of 512 pages in block 1."""

BESIDE = (range(2 * SIZE // 4096, 2 * SIZE // 4096 + 512),)
WITH_CMA = replace(PLAIN, zones=(zone("Normal", cma=512), zone("Movable")), cma=True)


def test_a_zone_with_cma_leaves_every_block_open_until_it_is_told_where() -> None:
    found = of(WITH_CMA)
    assert (found.verdict, found.missing) == ("cannot tell", ("cma",))
    assert "its zone has memory of CMA" in found.why
    assert "sys/kernel/debug/cma" in found.why
    assert answer(of(replace(WITH_CMA, cma_areas=BESIDE))) == YES
    assert answer(of(replace(WITH_CMA, cma_areas=BESIDE, page_size=None))) == CANNOT_TELL


@pytest.mark.parametrize("name", ["Normal", "Movable"])
def test_an_area_of_cma_in_a_block_refuses_in_every_zone(name: str) -> None:
    there = replace(
        WITH_CMA,
        blocks=(block(zone=name),),
        zones=(zone("Normal", cma=512), zone("Movable", cma=512)),
        cma_areas=AREAS,
    )
    found = of(there)
    assert answer(found) == UNMOVABLE
    assert found.why.endswith(": an area of CMA")
    assert found.violated == ()
    assert answer(of(replace(there, kernel=(5, 0)))) == CANNOT_TELL


def test_cma_of_another_zone_or_node_or_of_none_changes_nothing() -> None:
    assert answer(of(replace(WITH_CMA, blocks=(block(zone="Movable"),)))) == YES
    other = replace(zone("Normal", cma=512), node=1)
    assert answer(of(replace(WITH_CMA, zones=(zone("Normal"), other)))) == YES
    assert answer(of(replace(WITH_CMA, zones=None))) == CANNOT_TELL
    assert answer(of(replace(PLAIN, zones=None, cma=None))) == CANNOT_TELL
    assert answer(of(replace(PLAIN, zones=None, cma=False))) == YES


def test_memory_that_came_later_is_in_no_area() -> None:
    assert answer(of(replace(WITH_CMA, driver_memory=(Range(SIZE, 2 * SIZE),)))) == YES
    assert answer(of(replace(WITH_CMA, boot_memory=(Range(0, SIZE),)))) == YES


def test_a_movable_zone_may_hold_memory_that_was_reserved_at_boot() -> None:
    movable = replace(PLAIN, blocks=(block(zone="Movable"),), frames=None)
    assert answer(of(movable)) == YES
    reserved = replace(movable, zones=(zone("Movable", managed=8),))
    assert (of(reserved).verdict, of(reserved).missing) == ("cannot tell", ("frames",))
    assert answer(of(replace(movable, zones=None))) == CANNOT_TELL
    assert answer(of(replace(reserved, driver_memory=(Range(SIZE, 2 * SIZE),)))) == YES
    balloon = replace(movable, frames={1: Counter((FREE, FrameKind.offline))})
    assert answer(of(balloon)) == CANNOT_TELL


def test_what_a_driver_brought_was_not_there_at_boot() -> None:
    of_driver = replace(PLAIN, driver_memory=(Range(SIZE, 2 * SIZE),))
    assert answer(of(of_driver, boot_memory_stays=True)) == YES
    part = replace(PLAIN, driver_memory=(Range(SIZE, 2 * SIZE - 1),))
    assert answer(of(part, boot_memory_stays=True)) == CANNOT_TELL


def test_where_the_architecture_is_not_known_boot_memory_may_stay() -> None:
    assert of(PLAIN, boot_memory_stays=None).missing == ("vetoed",)
    early = replace(PLAIN, boot_memory=(Range(0, 2 * SIZE),))
    assert of(early, boot_memory_stays=None).missing == ("vetoed",)


def test_an_old_kernel_names_the_zone_of_an_online_block_first() -> None:
    both = replace(PLAIN, blocks=(block(zone="Movable Normal"),), frames=None, kernel=(4, 12))
    assert answer(of(both)) == YES
    assert of(replace(both, blocks=(block(zone="Normal Movable"),))).missing == ("frames",)
    assert answer(of(replace(both, kernel=(4, 13)))) == CANNOT_TELL


def test_removable_was_the_old_kernels_own_test() -> None:
    fixed = replace(block(), removable=0)
    old = replace(PLAIN, blocks=(fixed,), frames=None, kernel=(3, 10))
    assert answer(of(old)) == UNMOVABLE
    assert answer(of(replace(old, blocks=(replace(fixed, removable=1),)))) == CANNOT_TELL
    assert answer(of(replace(old, blocks=(replace(fixed, valid_zones=("Movable",)),)))) == UNMOVABLE


def test_a_kernel_that_was_built_without_removal_removes_nothing() -> None:
    bare = replace(PLAIN, blocks=(replace(block(), removable=0),))
    assert answer(of(bare)) == ("no", None, EINVAL)
    assert "CONFIG_MEMORY_HOTREMOVE" in of(bare).why
    assert of(replace(bare, kernel=None)).missing == ("removable",)


@pytest.mark.parametrize(
    ("kinds", "untold", "verdict", "errno"),
    [
        ({FrameKind.free: 9, FrameKind.listed: 9}, 0, "yes", None),
        ({FrameKind.movable: 9}, 0, "yes", None),
        ({FrameKind.movable: 9}, 1, "cannot tell", None),
        ({FrameKind.movable: 9, FrameKind.held: 1}, 0, "no", EINTR),
        ({FrameKind.movable: 9, FrameKind.pinned: 1}, 0, "no", EINTR),
        ({FrameKind.held: 1, FrameKind.kernel: 1}, 0, "no", EBUSY),
    ],
)
@pytest.mark.parametrize("zone", ["Normal", "Movable"])
def test_page_structures_tell_whether_a_page_is_held(
    kinds: dict[FrameKind, int], untold: int, verdict: str, errno: int | None, zone: str
) -> None:
    if zone == "Movable" and FrameKind.kernel in kinds:
        pytest.skip("the kernel has no memory of its own there")
    evidence = {1: BlockEvidence(Counter(kinds), untold, early=False)}
    reading = replace(READING, frames={1: evidence[1].kinds}, evidence=evidence)
    reading = replace(reading, blocks=(block(zone=zone),))
    (found,) = judge(reading, design_of(reading))
    assert (found.verdict, found.errno) == (verdict, errno)


@pytest.mark.parametrize(("state", "verdict"), [("offline", "offline"), ("going-offline", "no")])
def test_a_held_page_of_a_block_that_is_not_online_is_no_matter(state: str, verdict: str) -> None:
    evidence = {1: BlockEvidence(Counter({FrameKind.held: 1}), early=False)}
    reading = replace(READING, frames={1: evidence[1].kinds}, evidence=evidence)
    reading = replace(reading, blocks=(block(state=state),))
    (found,) = judge(reading, design_of(reading))
    assert found.verdict == verdict
