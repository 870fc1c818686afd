"""The engine on machines that are larger than the reference can be."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random

import numpy as np
import pytest

import memhp.engine
from memhp.engine.codes import (
    EAGAIN,
    EINTR,
    EINVAL,
    FREE,
    USER,
)
from memhp.engine.layout import Layout
from memhp.engine.machine import Machine
from memhp.engine.memory import Memory

from ..bench.synthetic import synthetic

MIB, TIB = 1 << 20, 1 << 40


def small(seed: int = 0, used: float = 0.4) -> Machine:
    return synthetic(
        256 * MIB, nodes=4, block_size=MIB, page_size=4096, used=used, mixed=0.3, seed=seed
    )


def owners(machine: Machine) -> dict[int, int]:
    """Each folio that exists, and where it lives: as frames say and as folios say."""
    memory = machine.memory
    codes = [memory.code(frame) for frame in range(memory.home.size)]
    by_frame = {memory.folio_of.get(f): f for f, code in enumerate(codes) if code == USER}
    by_folio = {o: memory.home.get(o) for o in range(memory.folios) if memory.kind(o)}
    assert by_frame == by_folio
    return by_folio


def counted(machine: Machine) -> None:
    """Every count is what counting finds."""
    memory, size = machine.memory, machine.memory.per_block
    for block in range(machine.layout.blocks):
        codes = [memory.code(frame) for frame in range(block * size, (block + 1) * size)]
        assert memory.user[block] == codes.count(USER)
        assert (block in memory.room[memory.node_of[block]]) == (FREE in codes)


def test_the_engine_imports_numpy_and_the_standard_library_only() -> None:
    for path in Path(str(memhp.engine.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert not (node.module or "").startswith("memhp"), path
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("memhp") for name in node.names), path


@pytest.mark.parametrize("seed", range(3))
def test_no_folio_is_lost_when_blocks_leave(seed: int) -> None:
    machine, random = small(seed), Random(seed)
    folios = owners(machine).keys()
    for block in random.sample(range(machine.layout.blocks), 60):
        machine.write_state(block, "offline")
    assert owners(machine).keys() == folios
    counted(machine)


@pytest.mark.parametrize(("seed", "used"), [(0, 0.4), (1, 0.65), (2, 0.7)])
def test_what_can_go_goes_and_nothing_else(seed: int, used: float) -> None:
    seen = set()
    for block in range(0, 256, 5):
        machine = small(seed, used)
        for other in range(3, 256, 17):
            machine.drain(other)
        machine.begin_node_removal(seed)
        says = bool(machine.can_go()[block])
        assert (machine.write_state(block, "offline") == 0) == says
        seen.add(says)
    assert seen == {False, True}


def test_an_offline_that_gives_up_leaves_all_memory_usable() -> None:
    layout = Layout([0, 0], [[0]], 1, 4, b"\1\1", b"\1\1", [0], block_codes=bytes((USER, USER)))
    machine = Machine(layout)
    machine.memory.free_folio(0)
    assert machine.write_state(1, "offline") == EINTR
    assert owners(machine) == {1: 1, 2: 2, 3: 3, 4: 0, 5: 5, 6: 6, 7: 7}
    assert machine.memory.lowest_free(0) == 4
    counted(machine)


def test_contents_go_to_the_lowest_frames_of_the_nearest_node() -> None:
    fallback = [[0, 2, 1], [1, 0, 2], [2, 0, 1]]
    codes = bytes((USER, USER, FREE, FREE))
    layout = Layout(
        [0, 0, 1, 2], fallback, 1, 4, b"\1" * 4, b"\1" * 4, [0, 2, 3], block_codes=codes
    )
    machine = Machine(layout)
    machine.memory.alloc_kernel(13)
    assert machine.write_state(1, "offline") == 0
    assert [owners(machine)[folio] for folio in range(4, 8)] == [12, 14, 15, 8]


def test_a_block_that_is_full_and_one_that_is_free_change_places_as_runs() -> None:
    machine = synthetic(64 << 30, nodes=2, mixed=0.0)
    full = np.flatnonzero(np.frombuffer(machine.memory.user, dtype=np.int64)).tolist()
    for block in full[:40]:
        assert machine.write_state(block, "offline") == 0
    assert machine.memory.home.mixed_chunks == machine.memory.folio_of.mixed_chunks == 0
    assert not machine.memory.mixed
    folio = full[7] * machine.memory.per_block + 99
    assert machine.memory.folio_of.get(machine.memory.home.get(folio)) == folio


def test_a_large_machine_keeps_uniform_blocks_as_one_entry() -> None:
    machine = synthetic(4 * TIB, nodes=4)
    assert machine.layout.blocks == 32_768
    assert 200 < len(machine.memory.mixed) < 460
    assert machine.memory.home.mixed_chunks == 0


@pytest.mark.parametrize("twice", [False, True], ids=["once", "one folio twice"])
def test_page_table_entries_follow_when_a_block_leaves(twice: bool) -> None:
    machine = small()
    memory, size = machine.memory, machine.memory.per_block
    block = next(b for b in range(machine.layout.blocks) if memory.user[b] == size)
    folios = range(block * size, (block + 1) * size)
    for folio in folios:
        assert memory.fault(folio) == 0
    if twice:
        assert memory.unmap(folios[7]) == 0
        assert memory.free_folio(folios[7]) == 0
        assert memory.alloc_folio(folios[7], folios[7], 2) == 0
        assert memory.remap_file_pages(folios[-1] + 1, folios[7]) == 0
        assert memory.fault(folios[7]) == 0
    assert memory.fault(folios[3]) == EAGAIN
    assert memory.remap_file_pages(folios[-1] + 2, folios[3]) == EINVAL
    assert machine.write_state(block, "offline") == 0
    for folio in folios:
        assert memory.pte_frame.get(folio) - 1 == memory.home.get(folio)
        assert memory.mappers(folio)[0] == folio
    assert len(memory.mappers(folios[7])) == 1 + twice
    for pte in memory.mappers(folios[7]):
        assert memory.pte_frame.get(pte) - 1 == memory.home.get(folios[7])


def _use(memory: Memory, folio: int, random: Random) -> None:
    """Something happens to the folio that may keep it where it is."""
    for work in random.sample(("write", "send", "attach", "use", "pin"), random.randrange(6)):
        if work == "write":
            memory.store(folio, 1)
        elif work == "send":
            memory.stores.begin_writeback(folio)
        elif work == "attach":
            memory.stores.attach_private(folio)
        elif work == "use" and random.random() < 0.2:
            memory.stores.use_private(folio)
        elif work == "pin" and random.random() < 0.1:
            memory.pins.pin_longterm(0, folio)


@pytest.mark.parametrize("seed", range(4))
def test_what_refuses_for_a_while_is_foreseen(seed: int) -> None:
    """`can_go` is right about stores, filesystems and pins, and counts the time they need."""
    seen, random = set(), Random(seed)
    for _ in range(60):
        filesystem = bytes(random.choice((0, 1, 1, 2)) for _ in range(8))
        layout = Layout(
            [0, 0],
            [[0]],
            1,
            4,
            b"\1\1",
            b"\1\1",
            [0],
            filesystem=filesystem,
            ticks=random.randrange(1, 9),
            does_dma=b"\1",
            driver_moves=b"\0",
        )
        machine = Machine(layout)
        memory = machine.memory
        memory.stores.answers[0] = random.random() < 0.8
        for folio in range(random.randrange(1, 5)):
            memory.alloc_folio(folio, 4 + folio, 2)
            memory.fault(folio)
            _use(memory, folio, random)
        if random.random() < 0.3:
            machine.drain(1)
        says = bool(machine.can_go()[1])
        assert (machine.write_state(1, "offline") == 0) == says
        seen.add(says)
    assert seen == {False, True}


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        synthetic(3 * MIB, nodes=2, block_size=MIB)
    with pytest.raises(ValueError, match="early_zone has 1 entries; it needs 2"):
        Layout([0, 0], [[0]], 1, 4, b"\1\1", b"\1", [0])
