"""Judgements on guests whose every block was then told to go offline: none may be wrong.

The records are in tests/data; `memhp lab record` makes them anew.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from memhp.lab.records.recordings import RECORDINGS
from memhp.machines.judging.offline import BlockJudgement, design_of, judge
from memhp.machines.reading.architecture import architecture_of
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import MachineReading, read_machine
from memhp.spec.system import SYSTEM

DATA = Path(__file__).resolve().parents[2] / "data"
NAMES = tuple(RECORDINGS)


@cache
def reading_of(name: str) -> MachineReading:
    return read_machine(DATA / f"{name}.tar.gz")


@cache
def judged(name: str) -> tuple[BlockJudgement, ...]:
    reading = reading_of(name)
    stays = architecture_of(reading).boot_memory_stays
    return judge(reading, design_of(reading), boot_memory_stays=stays)


def outcome_of(name: str, judgement: BlockJudgement) -> str:
    outcomes = reading_of(name).outcomes
    assert outcomes is not None
    return outcomes[judgement.number]


@pytest.mark.parametrize("name", NAMES)
def test_no_judgement_is_wrong(name: str) -> None:
    told = [(each, outcome_of(name, each)) for each in judged(name)]
    wrong = [
        (each.number, each.verdict, each.why, outcome)
        for each, outcome in told
        if each.agrees(outcome) is False
    ]
    assert wrong == []
    assert told


@pytest.mark.slow
def test_properties_are_violated_only_where_linux_violates_them() -> None:
    """ZONE_MOVABLE of movablecore= begins behind an amount of memory, whatever was reserved."""
    violated = {
        (name, each.number): set(each.violated)
        for name in NAMES
        for each in judged(name)
        if each.violated
    }
    assert {name for name, _ in violated} == {"movablecore"}
    assert set().union(*violated.values()) == {
        "boot_memory_of_the_kernel_is_early",
        "kernel_frames_stay_out_of_the_removable_area",
        "only_private_data_that_stays_breaks_the_removable_area",
        "removable_blocks_hold_no_unmovable_frame",
    }


def test_the_list_and_linux_judge_alike_what_its_profile_does_not_change() -> None:
    reading = reading_of("pinned")
    assert judge(reading, design_of(reading)) == judge(reading, SYSTEM)


def test_every_recording_has_its_small_file_and_no_other_is_there() -> None:
    files = {path.name: path.stat().st_size for path in DATA.iterdir()}
    assert sorted(files) == sorted(f"{name}.tar.gz" for name in NAMES)
    assert max(files.values()) < 20_000


def test_there_are_enough_blocks_and_guests_and_few_of_which_nothing_can_be_told() -> None:
    verdicts = Counter(each.verdict for name in NAMES for each in judged(name))
    assert len(NAMES) >= 13
    assert verdicts.total() >= 330
    assert min(verdicts["yes"], verdicts["no"]) >= 100
    assert verdicts["cannot tell"] < 0.1 * verdicts.total()


def test_every_way_to_end_is_there() -> None:
    ends = Counter(outcome_of(name, each) for name in NAMES for each in judged(name))
    assert ends.keys() == {"done", "EINVAL", "EBUSY", "EPERM", "EINTR"}
    assert min(ends.values()) >= 10


def test_frames_of_every_kind_were_seen_but_holes() -> None:
    kinds: Counter[FrameKind] = Counter()
    for name in NAMES:
        for found in (reading_of(name).frames or {}).values():
            kinds.update(found)
    by_structures = {
        FrameKind.memmap,
        FrameKind.spare,
        FrameKind.listed,
        FrameKind.held,
        FrameKind.pinned,
    }
    words = set(FrameKind) - by_structures
    assert {kind for kind in FrameKind if kinds[kind]} == words - {FrameKind.hole}


def test_the_guests_are_of_four_kernels_and_two_architectures() -> None:
    kernels = {recording.kernel for recording in RECORDINGS.values()}
    assert {name.rpartition("-")[2] for name in kernels} == {"5.10", "6.1", "6.12", "newest"}
    assert {name.rpartition("-")[0] for name in kernels} == {"x86_64", "aarch64"}
    versions = {reading_of(name).kernel for name in NAMES}
    assert {(5, 10), (6, 1), (6, 12)} < versions


def test_without_page_words_nothing_is_told_of_a_kernel_zone() -> None:
    reading = read_machine(DATA / "busy.tar.gz", page_flags=False)
    verdicts = {
        each.verdict for each in judge(reading, design_of(reading)) if each.zone == "Normal"
    }
    assert verdicts == {"cannot tell"}
