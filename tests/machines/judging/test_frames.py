"""A machine that was read becomes a machine of the engine, frame by frame."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from memhp.engine.codes import EBUSY, EINVAL
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.pageflags import KPF_BUDDY, KPF_LRU, KPF_NOPAGE, KPF_RESERVED
from memhp.machines.reading.sysfs import BlockReading, MachineReading, NodeReading

from .frames import load_engine

PAGE, FRAMES = 4096, 4
FREE, USER, BOOT, HOLE = (1 << bit for bit in (KPF_BUDDY, KPF_LRU, KPF_RESERVED, KPF_NOPAGE))


def block(number: int, node: int, zone: str = "Normal", state: str = "online") -> BlockReading:
    return BlockReading(number, state=state, valid_zones=(zone,), nodes=(node,))


def reading(*blocks: BlockReading) -> MachineReading:
    return MachineReading(
        source="a test",
        live=True,
        page_size=PAGE,
        block_size=PAGE * FRAMES,
        block_size_derived=False,
        blocks=blocks,
        nodes=(NodeReading(0, (10, 20, 15)), NodeReading(1, (20, 10, 9)), NodeReading(3)),
        iomem=None,
        zones=None,
        frames=None,
        notes=(),
    )


def words(path: Path, *blocks: tuple[int, ...]) -> Path:
    path.write_bytes(array("Q", [word for codes in blocks for word in codes]).tobytes())
    return path


def test_every_frame_of_an_online_block_is_what_its_word_shows(tmp_path: Path) -> None:
    machine = load_engine(
        reading(block(0, 0), block(1, 0), block(2, 1, "Movable"), block(4, 1)),
        path=words(
            tmp_path / "words",
            (BOOT, FREE, USER, 0),
            (HOLE, FREE, FREE, FREE),
            (USER, USER, USER, USER),
            (FREE,) * 4,
            (FREE, FREE),
        ),
    )
    counts = [(machine.memory.free[b], machine.memory.user[b]) for b in range(5)]
    assert counts == [(1, 1), (3, 0), (0, 4), (0, 0), (2, 0)]
    assert machine.memory.kernel[0] == 2, "what a word does not tell counts as the kernel's"
    assert machine.can_go().tolist() == [False, False, True, False, False]
    answers = [machine.write_state(b, "offline") for b in (0, 1, 2, 4)]
    assert answers == [EBUSY, EINVAL, 0, EINVAL], "block 4 ends in a hole: its words end early"


def test_an_offline_block_can_go_online(tmp_path: Path) -> None:
    offline = block(1, 0, state="offline")
    machine = load_engine(
        reading(block(0, 0), offline), path=words(tmp_path / "words", (FREE,) * 4)
    )
    assert (machine.has_device[1], machine.state[1]) == (1, 0)
    assert machine.write_state(1, "online_movable") == 0


def test_a_reading_without_blocks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="no blocks"):
        load_engine(reading(), path=tmp_path / "words")
    with pytest.raises(MachineError, match="cannot be read"):
        load_engine(reading(block(0, 0)), path=tmp_path / "none")
