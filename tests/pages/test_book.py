"""The book: every name has one address, and every link leads to one."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from memhp.cli.index.entries import KINDS, entries
from memhp.cli.index.entry import Subject
from memhp.cli.main import main
from memhp.pages.book import Book, anchor_of
from memhp.pages.diagram import Diagram, explored, transitions
from memhp.reference import Shape
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS


@pytest.fixture(scope="module")
def book() -> Book:
    """The book of memhp, with a run and a diagram."""
    every = entries(Subject(SYSTEM, tuple(VARIANTS)))
    diagram = Diagram("block_state", ("online", "offline"), {("online", "offline"): ["go"]})
    return Book(
        "book",
        [entry.document() for entry in every],
        KINDS,
        {"block_state": diagram},
        {VARIANTS[0].name: "a run"},
    )


@pytest.fixture(scope="module")
def pages(book: Book) -> dict[str, str]:
    """Each page by its path."""
    written = list(book.pages())
    pages = dict(written)
    assert len(pages) == len(written)
    return pages


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    places = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    links = 0
    for path, text in pages.items():
        for link in map(unescape, re.findall(r'href="([^"]+)"', text)):
            if link.startswith("data:"):
                continue
            target, _, place = link.partition("#")
            links += 1
            assert (target or path) in pages, (path, link)
            assert not place or place in places[target or path], (path, link)
    assert links > 5_000


def test_every_guard_property_and_wrong_design_has_one_address(
    book: Book, pages: dict[str, str]
) -> None:
    kinds = ("action", "guard", "property", "axiom", "variant", "function", "errno")
    for entry in book.entries:
        if entry["kind"] in kinds:
            place = f'<article id="{anchor_of(entry)}">'
            same = sum(each["name"] == entry["name"] for each in book.entries)
            assert 1 <= sum(text.count(place) for text in pages.values()) <= same, entry["name"]


def test_a_function_of_linux_leads_to_the_rules_that_cite_it(pages: dict[str, str]) -> None:
    (article,) = re.findall(
        r'<article id="offline_pages">.*?</article>', pages["functions.html"], re.S
    )
    assert 'href="blocks.html#begin_offline"' in article


def test_a_word_of_plain_english_is_no_link(pages: dict[str, str]) -> None:
    assert ">nothing</a>" not in pages["blocks.html"]
    assert 'href="block_states.html#block_state"' in pages["blocks.html"]


def test_a_diagram_stands_with_its_variable(pages: dict[str, str]) -> None:
    assert [path for path, text in pages.items() if 'class="diagram"' in text] == [
        "block_states.html"
    ]
    assert "online to offline: go" in pages["block_states.html"]


def test_a_wrong_design_leads_to_its_run(pages: dict[str, str]) -> None:
    assert pages["variants.html"].count('href="runs/') == 1
    assert f"runs/{VARIANTS[0].name}.html" in pages


def test_transitions_are_those_that_steps_make() -> None:
    machine = Shape(blocks=1).build(SYSTEM)
    found = transitions(SYSTEM, explored(SYSTEM, [machine], 30))["block_state"]
    assert found["online", "going_offline"] == ["begin_offline"]
    assert ("offline", "online") not in found


def test_values_of_a_diagram_do_not_overlap() -> None:
    for count in range(1, 12):
        values = [f"value{n}" for n in range(count)]
        diagram = Diagram("v", values, {})
        width, height = diagram.size
        boxes = [(x, y) for _, x, y in diagram.boxes()]
        for at, (x, y) in enumerate(boxes):
            assert 66 <= x <= width - 66
            assert 15 <= y <= height - 15
            assert all(abs(x - a) >= 132 or abs(y - b) >= 30 for a, b in boxes[at + 1 :])


def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("memhp.cli.book._diagrams", lambda system: {})
    (tmp_path / "file").write_text("")
    assert main(["book", str(tmp_path / "file"), "--no-runs"]) == 2
    assert "cannot write" in capsys.readouterr().err
