"""This machine's evidence: what cannot be read, or not be sure of, is said to be so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.machines.reading import live_evidence
from memhp.machines.reading.block_evidence import BlockEvidence, Stuck
from memhp.machines.reading.live_evidence import with_evidence
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import MachineReading

from .. import cores

READING = MachineReading(
    source="/",
    live=True,
    page_size=4096,
    block_size=1 << 27,
    block_size_derived=False,
    blocks=(),
    nodes=(),
    iomem=None,
    zones=None,
    frames={1: Counter({FrameKind.blank: 4})},
    notes=("a note",),
)
FOUND = BlockEvidence(
    Counter({FrameKind.movable: 1, FrameKind.held: 2, FrameKind.pinned: 1}),
    untold=3,
    stuck=(Stuck(7, FrameKind.held, 1, 2, 1), Stuck(8, FrameKind.pinned, 1, 1025, 1024)),
)


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A core; what is found in it is given."""
    path = tmp_path / "core"
    path.write_bytes(cores.CoreFile(cores.pages()).content())
    monkeypatch.setattr(live_evidence, "evidence_in", lambda *_, **__: {1: FOUND})
    return str(path)


def test_evidence_refines_what_words_say(core: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_evidence, "drain_lists", lambda: True)
    told = with_evidence(READING, core)
    assert (told.evidence, told.frames) == ({1: FOUND}, {1: FOUND.kinds})
    assert told.notes == READING.notes


def test_nothing_is_held_for_sure_while_the_lists_of_cpus_are_full(
    core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_evidence, "drain_lists", lambda: False)
    told = with_evidence(READING, core)
    assert told.evidence is not None
    assert told.evidence[1].kinds == {FrameKind.movable: 3, FrameKind.pinned: 1}
    assert told.evidence[1].untold == 5
    assert [page.kind for page in told.evidence[1].stuck] == [FrameKind.pinned]
    assert "cannot be emptied" in told.notes[-1]


def test_a_core_that_cannot_be_read_leaves_the_reading_with_a_note(tmp_path: Path) -> None:
    told = with_evidence(READING, str(tmp_path / "none"))
    assert told.evidence is None
    assert told.frames == READING.frames
    assert "page structures cannot be read: " in told.notes[-1]


def test_a_record_has_the_evidence_that_it_has(core: str) -> None:
    record = replace(READING, live=False)
    assert with_evidence(record, core) is record
