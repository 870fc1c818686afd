"""`memhp replay` of files that anybody may have written: one line and exit 2, and nothing built."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.fuzz.record import Record
from memhp.cli.main import main
from memhp.reference import Shape, Step, Trace
from memhp.spec.system import SYSTEM

PLAIN = Shape(blocks=2).build(SYSTEM)
TRACE = Trace("memhp", PLAIN, (Step("drain", {"b": 0}),)).to_itf(SYSTEM)
RECORD = Record("memhp", 0, PLAIN, (("drain", (0,)),), "a report").to_json()


def put(*path: str | int, value: Any) -> Callable[[Any], Any]:
    """A change to a document: that value in that place."""

    def change(document: Any) -> Any:
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
        return document

    return change


HUGE = 10**4000
META = ("#meta", "memhp")
NO_TRACES = [
    (put(*META, "sizes", "Vma", value=10**9), "the sizes are too large"),
    (put(*META, "sizes", "Cpu", value=HUGE), "the sizes are too large"),
    (put(*META, "sizes", "Node", value=10**5), "the sizes are too large"),
    (put(*META, "sizes", "Vma", value=-HUGE), "is not a number of at least 1"),
    (put(*META, "sizes", "x" * 10**6, value=1), "unknown sort"),
    (put(*META, "tables", "node_of", value=[0] * 10**5), "table node_of"),
    (put(*META, "system", value="memhp+" + "+".join(["linux-6.12"] * 2)), "there is no system"),
    (put(*META, "system", value="memhp+pgdat-goes-early+pgdat-goes-early"), "there is no system"),
    (put(*META, "system", value="memhp+" + "x" * 10**6), "there is no variant or profile"),
    (put(*META, "system", value="y" * 10**6), "the trace is of system"),
    (put("states", 1, "mbt::actionTaken", value="z" * 10**6), "unknown action"),
    (put("states", 1, "mbt::nondetPicks", value={"b": "b" * 10**6}), "is no Block"),
    (put("states", 1, "mbt::nondetPicks", value={"b": HUGE}), "Block"),
    (put("states", 0, "zone", "#map", 0, 0, value=["k"] * 10**5), "is no Block"),
    (put("states", 0, "zone", "#map", 0, 1, value="v" * 10**6), "is no Zone"),
    (put("states", 0, "mapcount", "#map", 0, 1, value=10**12), "too large"),
    (put("loop", value="l" * 10**6), "loop: the state at the end"),
    (put("loop", value=HUGE), "loop: the state at the end"),
    (put("states", value=[{}] * 100_001), "are more than 100,000"),
]
NO_RECORDS = [
    (put("topology", "sizes", "Cpu", value=10**8), "the sizes are too large"),
    (put("topology", "sizes", "Vma", value=HUGE), "the sizes are too large"),
    (put("topology", "tables", "node_of", value=[1] * 10**5), "table node_of"),
    (put("topology", "tables", "node_of", value="n" * 10**6), "a list is needed"),
    (put("system", value="memhp+pgdat-goes-early+pgdat-goes-early"), "there is no system"),
    (put("system", value=["memhp"]), "is no name"),
    (put("seed", value="s" * 10**6), "is no whole number"),
    (put("operations", value=[["drain", 0]] * 100_001), "are more than 100000"),
    (put("operations", value=[["dran", 0]]), "no operation 'dran' (did you mean drain?)"),
    (put("operations", value=[["o" * 10**6, 0]]), "there is no operation"),
    (put("operations", value=[["steps"]]), "there is no operation 'steps'"),
    (put("operations", value=[["drain"]]), "drain takes 1 parameters, not 0"),
    (put("operations", value=[["drain", 2]]), "2 is no Block: a number from 0 to 1"),
    (put("operations", value=[["drain", -1]]), "-1 is no Block"),
    (put("operations", value=[["drain", HUGE]]), "is no Block"),
    (put("operations", value=[["drain", "block0"]]), "'block0' is no Block"),
    (put("operations", value=[["drain", True]]), "True is no Block"),
    (put("operations", value=[["write_state", 0, 5]]), "5 is none of"),
    (put("operations", value=[["write_state", 0, "w" * 5000]]), "is none of"),
    (put("topology", "tables", "section_of", value=[0, 0]), "it cannot be that machine"),
    (put("report", value=[1]), "report: a list of lines is needed"),
]


@pytest.mark.parametrize(
    ("good", "change", "message"),
    [
        *((TRACE, *row) for row in NO_TRACES),
        *((RECORD, *row) for row in NO_RECORDS),
    ],
    ids=range(len(NO_TRACES) + len(NO_RECORDS)),
)
def test_what_cannot_be_replayed_is_one_short_line(
    good: Any,
    change: Callable[[Any], Any],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(change(deepcopy(good))))
    assert main(["replay", str(path)]) == 2
    out, said = capsys.readouterr()
    assert (out, said.count("\n")) == ("", 1)
    assert len(said) < 1000
    assert message in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a trace of memhp"),
        (b" " * (33 << 20), "it is larger than 33554432 bytes"),
    ],
    ids=range(6),
)
def test_what_is_no_document_is_one_line(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    assert main(["replay", str(path)]) == 2
    out, said = capsys.readouterr()
    assert (out, said.count("\n")) == ("", 1)
    assert message in said


def test_a_device_without_an_end_is_read_up_to_the_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["replay", "/dev/zero"]) == 2
    assert "it is larger than" in capsys.readouterr().err


def test_what_is_unchanged_replays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for document, last in ((TRACE, "no property is violated"), (RECORD, "what the reference does")):
        path = tmp_path / "file.json"
        path.write_text(json.dumps(document))
        assert main(["replay", str(path)]) == 0
        assert last in capsys.readouterr().out.splitlines()[-1]


def test_a_divergence_and_a_run_are_written_as_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for document, said in ((RECORD, "A divergence after 1 operation"), (TRACE, "trace.json")):
        file, page = tmp_path / "trace.json", tmp_path / "page.html"
        file.write_text(json.dumps(document))
        assert main(["replay", str(file), "--html", str(page)]) == 0
        assert said in page.read_text()
        assert "drain(b=block0)" in page.read_text()
    capsys.readouterr()


def test_a_run_that_is_too_long_for_a_page_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operations = (("drain", (0,)), ("undrain", (0,))) * 251
    file = tmp_path / "long.json"
    file.write_text(json.dumps(Record("memhp", 0, PLAIN, operations, "a report").to_json()))
    assert main(["replay", str(file), "--html", str(tmp_path / "page.html")]) == 2
    assert "500 steps at most" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
