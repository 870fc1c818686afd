"""The states in which the specification is asked about a block: each is one that it allows.

They are built variable by variable (`memhp.machines.judging.court`), not by steps.  Were one of
them impossible for the way it is built, its world would be dropped, and a judgement be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import pytest

from memhp.lab.records.recordings import RECORDINGS
from memhp.machines.judging.completions import ZONES, Facts, World, facts_of
from memhp.machines.judging.court import Court, court_of
from memhp.machines.judging.offline import design_of
from memhp.machines.reading.architecture import architecture_of
from memhp.machines.reading.sysfs import MachineReading, read_machine
from memhp.spec.language.system import System
from memhp.spec.profiles import LINUX, system_of
from memhp.spec.system import SYSTEM

from ..conftest import block_files, small_machine, write_tree

DATA = Path(__file__).resolve().parents[2] / "data"
FRAMES = ("free", "user", "kernel", "boot", "aside")
SOME = [frozenset(each) for size in (0, 1, 2, 5) for each in combinations(FRAMES, size)]
BOTH = (False, True)
OF_THE_BLOCK_BESIDE = "the_block_of_the_pgdat_leaves_last"
"""The block beside the judged one holds the pgdat, and stands for all that do not, too."""


def violated(court: Court, world: World) -> tuple[str, ...]:
    """The axioms and *always* properties that a world's state breaks; a pin comes by a step."""
    unpinned = replace(world, pinned=False)
    names = court.answer(Facts(*((value,) for value in vars(unpinned).values()))).violated
    return tuple(name for name in names if name != OF_THE_BLOCK_BESIDE)


def may_be(world: World) -> bool:
    """Whether the design lets a block be so, written down by hand."""
    kernels = bool(world.frames & {"kernel", "boot"})
    aside = world.cma or "aside" in world.frames
    if world.state == "offline":
        return not (world.hole or world.vetoed)
    if not (world.frames or world.cma or world.hole):
        return False  # it has no memory at all
    if world.state == "online":
        return aside or not (kernels and world.zone == "movable")
    return not (kernels or aside or world.hole or world.busy or world.zone == "none")


def worlds() -> Iterator[World]:
    """Blocks of every state, in every zone, with every two kinds of frames, and with all."""
    for state, zone, frames in product(("online", "going_offline"), ZONES, SOME):
        for hole, busy, cramped in product(BOTH, BOTH, BOTH if "user" in frames else (False,)):
            yield World(state, zone, frames, hole, busy, False, False, cramped, False)
    for frames, vetoed in product(SOME, BOTH):  # a notifier and an area, once for each content
        yield World("online", "kernel", frames, False, False, vetoed, False, False, True)
        yield World("online", "kernel", frames, False, False, vetoed, False, False, False)
    for hole, busy, vetoed in product(BOTH, BOTH, BOTH):
        yield World("offline", "none", frozenset(), hole, busy, vetoed, False, False, False)


@pytest.mark.parametrize("system", [system_of(LINUX), SYSTEM], ids=["linux", "list"])
def test_a_state_breaks_properties_only_where_the_design_lets_no_block_be_so(
    system: System,
) -> None:
    court = court_of(system)
    broken = {world: violated(court, world) for world in worlds()}
    assert {w: names for w, names in broken.items() if bool(names) is may_be(w)} == {}


def asked(reading: MachineReading) -> set[World]:
    """All worlds in which the specification is asked about the machine's blocks."""
    stays = architecture_of(reading).boot_memory_stays
    return {
        world
        for block in reading.blocks
        for busy in ((False,), (True,))
        for world in facts_of(reading, block, busy, stays).worlds()
    }


def the_fixture(tmp_path: Path) -> Path:
    files, links = small_machine()
    files |= block_files(2, zones="Movable") | block_files(3, state="going-offline")
    return write_tree(tmp_path / "machine", files, links)


@pytest.mark.parametrize("page_flags", BOTH)
@pytest.mark.parametrize("name", [*RECORDINGS, "fixture"])
@pytest.mark.slow
def test_every_state_for_a_record_is_allowed_but_where_the_kernel_has_movable_memory(
    name: str, page_flags: bool, tmp_path: Path
) -> None:
    """Such worlds are dropped, or the reading itself has it (movablecore=): that is told."""
    path = DATA / f"{name}.tar.gz" if name in RECORDINGS else the_fixture(tmp_path)
    reading = read_machine(path, page_flags=page_flags)
    court = court_of(design_of(reading))
    for world in asked(reading):
        assert bool(violated(court, world)) is not may_be(world), world
