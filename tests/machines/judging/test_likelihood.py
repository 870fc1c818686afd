"""What is likely where words do not tell: right on the records, and only from counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.lab.records.recordings import RECORDINGS
from memhp.machines.judging.likelihood import likelihoods, untold_frames
from memhp.machines.judging.offline import BlockJudgement, design_of, judge
from memhp.machines.reading.architecture import architecture_of
from memhp.machines.reading.findings import DONE
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.procfs import ZoneReading
from memhp.machines.reading.sysfs import BlockReading, MachineReading, read_machine

DATA = Path(__file__).resolve().parents[2] / "data"
FRAMES = 32768
BLANK, UNKNOWN, OFFLINE = FrameKind.blank, FrameKind.unknown, FrameKind.offline


@pytest.mark.slow
def test_of_the_blocks_called_likely_yes_nearly_all_went_and_of_the_others_none() -> None:
    """The least share is 95 %; with so few blocks one that did not go is too many."""
    ended: Counter[tuple[str, bool]] = Counter()
    for name in RECORDINGS:
        reading = read_machine(DATA / f"{name}.tar.gz")
        stays = architecture_of(reading).boot_memory_stays
        for judged in judge(reading, design_of(reading), boot_memory_stays=stays):
            if judged.likelihood is not None:
                outcome = (reading.outcomes or {})[judged.number]
                ended[judged.likelihood, outcome == DONE] += 1
    yes, not_so = ended["likely yes", True], ended["likely yes", False]
    assert yes >= 7
    assert yes >= 0.95 * (yes + not_so)
    assert ended["likely no", True] == 0
    assert ended["likely no", False] >= 2


def machine(*kinds: Counter[FrameKind], listed: int = 100, device: str = "") -> MachineReading:
    """Blocks of zone Normal with frames of these kinds, the others free."""
    frames = {
        number: its + Counter({FrameKind.free: FRAMES - its.total()})
        for number, its in enumerate(kinds)
    }
    return MachineReading(
        source="made up",
        live=False,
        page_size=4096,
        block_size=FRAMES * 4096,
        block_size_derived=False,
        blocks=tuple(
            BlockReading(number, state="online", valid_zones=("Normal",), nodes=(0,))
            for number in frames
        ),
        nodes=(),
        iomem=None,
        zones=(ZoneReading(0, "Normal", 0, 9, 9, 9, 0, listed=listed, cma=0),),
        frames=frames,
        notes=(),
        kernel=(6, 12),
        devices=dict.fromkeys(frames, device) if device else {},
    )


def likely(reading: MachineReading) -> list[str | None]:
    answers = likelihoods(reading, reading.blocks)
    return [answers.get(block.number) for block in reading.blocks]


@pytest.mark.parametrize(
    ("kinds", "answers"),
    [
        ([{BLANK: 37}], ["likely yes"]),
        ([{BLANK: 100}], ["likely yes"]),
        ([{BLANK: 101}], ["likely no"]),
        ([{BLANK: 60}, {BLANK: 60}], [None, None]),
        ([{BLANK: 60}, {BLANK: 400}], [None, "likely no"]),
        ([{BLANK: 10}, {BLANK: FRAMES}], ["likely yes", "likely no"]),
        ([{BLANK: 10}, {BLANK: 10}, {}], ["likely yes", "likely yes", "likely yes"]),
        ([{UNKNOWN: 512}], ["likely yes"]),
        ([{UNKNOWN: 511}], [None]),
        ([{UNKNOWN: 512, BLANK: 101}], ["likely no"]),
        ([{OFFLINE: 64}], [None]),
    ],
)
def test_blank_frames_are_held_against_the_lists_of_the_cpus(
    kinds: list[dict[FrameKind, int]], answers: list[str | None]
) -> None:
    assert likely(machine(*(Counter(its) for its in kinds))) == answers


def test_what_virtio_mem_took_away_it_gives_back() -> None:
    assert likely(machine(Counter({OFFLINE: 64}), device="virtio0")) == ["likely yes"]
    assert likely(machine(Counter({OFFLINE: 64}), device="dax0.0")) == [None]


def test_frames_that_were_never_given_to_the_allocator_may_be_blank_too() -> None:
    reading = machine(Counter({BLANK: 400}))
    (zone,) = reading.zones or ()
    never = replace(zone, present=300 + (zone.managed or 0))
    assert likely(replace(reading, zones=(never,))) == [None]
    whole = replace(zone, present=FRAMES + (zone.managed or 0))
    blank = machine(Counter({BLANK: 3}), Counter({BLANK: FRAMES}))
    assert likely(replace(blank, zones=(whole,))) == ["likely yes", None]
    assert likely(replace(reading, zones=(replace(zone, managed=None),))) == [None]


def test_without_words_or_lists_nothing_is_likely() -> None:
    reading = machine(Counter({BLANK: 3}))
    assert likely(replace(reading, frames=None)) == [None]
    assert likely(replace(reading, zones=None)) == [None]
    elsewhere = replace(reading.blocks[0], nodes=(1,))
    assert likelihoods(reading, (elsewhere,)) == {}


def test_frames_that_do_not_tell_are_counted() -> None:
    reading = machine(Counter({BLANK: 30, UNKNOWN: 7}), Counter({FrameKind.kernel: 5}))
    assert [untold_frames(reading, block) for block in reading.blocks] == [37, 0]
    assert untold_frames(replace(reading, frames=None), reading.blocks[0]) is None


def judged_of(reading: MachineReading) -> tuple[BlockJudgement, ...]:
    return judge(replace(reading, iomem=None), design_of(reading))


def test_only_what_cannot_be_told_for_its_frames_alone_is_likely() -> None:
    """Holes are not told here, so nothing is called likely; the count is there all the same."""
    (judged,) = judged_of(machine(Counter({BLANK: 37})))
    assert set(judged.missing) >= {"frames", "hole"}
    assert (judged.likelihood, judged.untold) == (None, 37)
