"""A large folio counts its pins apart, at a place that changed with releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from memhp.machines.reading.evidence import evidence_of
from memhp.machines.reading.kernel_core import Core
from memhp.machines.reading.large_pins import PinCount, pin_count_of
from memhp.machines.reading.page_structs import PageStructs
from memhp.machines.reading.pageflags import (
    KPF_ANON,
    KPF_COMPOUND_HEAD,
    KPF_COMPOUND_TAIL,
    KPF_LRU,
    FrameKind,
)

from .. import cores

HEAD = 1 << KPF_ANON | 1 << KPF_LRU | 1 << KPF_COMPOUND_HEAD
TAIL = 1 << KPF_ANON | 1 << KPF_LRU | 1 << KPF_COMPOUND_TAIL
FOLIO = 512


@pytest.mark.parametrize(
    ("release", "place"),
    [
        ("5.4.0", None),
        ("5.10.0-46-amd64", (2, 16)),
        ("5.17.1", (2, 16)),
        ("5.18.0", (1, 24)),
        ("6.1.0-56-amd64", (1, 24)),
        ("6.5.3", (1, 28)),
        ("6.9.0", (1, 32)),
        ("6.12.118+deb13-amd64", (1, 28)),
        ("7.2.13", (1, 28)),
        ("7.3.0", None),
        ("x", None),
        (None, None),
    ],
)
def test_the_place_is_known_of_releases_that_were_read(
    release: str | None, place: tuple[int, int] | None
) -> None:
    assert pin_count_of(release) == (None if place is None else PinCount(*place))


@pytest.mark.parametrize(
    ("release", "references", "pins", "kind"),
    [
        ("6.12.1", 5, 4, FrameKind.pinned),
        ("6.12.1", 5, 3, FrameKind.pinned),  # and somebody else refers to it
        ("6.12.1", 5, 0, FrameKind.held),
        ("6.12.1", 5, 5, FrameKind.held),  # no count of pins: more than nobody explains
        ("6.12.1", 1, 0, FrameKind.movable),
        ("6.12.1", 1, 4, FrameKind.movable),
        ("5.10.2", 5, 4, FrameKind.pinned),
        ("9.9.9", 5, 4, FrameKind.held),
    ],
)
def test_a_large_folio_is_pinned_as_far_as_its_references_say_so(
    tmp_path: Path, release: str, references: int, pins: int, kind: FrameKind
) -> None:
    made = cores.pages()
    cores.large(made, FOLIO, 512, refcount=references)
    place = pin_count_of(release) or PinCount(1, 28)
    raw = made.view("u1").reshape(len(made), 64)
    raw[FOLIO + place.structure, place.offset] = pins
    core = cores.CoreFile(made)
    core.note["OSRELEASE"] = release
    path = tmp_path / "core"
    path.write_bytes(core.content())
    words = {FOLIO: HEAD, **dict.fromkeys(range(FOLIO + 1, FOLIO + 512), TAIL)}

    def told(first: int, count: int):  # type: ignore[no-untyped-def]
        return cores.words_of(words, count, first), cores.words_of(words, count, first) * 0 + 1

    with Core(path) as opened:
        kinds = evidence_of([0], PageStructs(opened), told, block_size=1 << 27)[0].kinds
    assert kinds[kind] == 512
