"""`memhp why`: what holds a block and what helps, and what a kernel's log says of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli import why_blocks as module
from memhp.cli.main import main
from memhp.machines.reading.block_evidence import EVIDENCE, BlockEvidence, Stuck, evidence_text
from memhp.machines.reading.holders import Holder, Holding
from memhp.machines.reading.pageflags import FrameKind

from ..machines import cores
from .test_inspect import machine

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "why.json").read_text())
LOG = """[  100.000000] page:00000000abcdef01 refcount:1 mapcount:0 mapping:0 index:0x0 pfn:0x13ff00
[  100.000001] flags: 0x27ffff000000200(slab|node=0|zone=2)
[  100.000002] page dumped because: unmovable page
[  100.000003] memory offlining [mem 0x138000000-0x13fffffff] failed due to failure to isolate range
[  100.000004] usb 1-1: new device
"""


def document(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["why", *argv, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    return told


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A machine with two blocks; a page of the first is held."""
    root = machine(tmp_path / "machine", {1: ("online", "Normal"), 2: ("online", "Normal")})
    held = BlockEvidence(Counter({FrameKind.movable: 32767, FrameKind.held: 1}), early=False)
    free = BlockEvidence(Counter({FrameKind.free: 32768}), early=False)
    (root / EVIDENCE).parent.mkdir()
    (root / EVIDENCE).write_text(evidence_text({1: held, 2: free}))
    return root


def test_a_held_block_is_explained_with_its_cure(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(capsys, "1-2", "--machine", str(record))
    held, free = told["blocks"]
    assert (held["verdict"], free["verdict"]) == ("no", "yes")
    (reason,) = held["why"]
    assert (reason["guard"], reason["errno"]) == ("copy.no_running_pin", "EINTR")
    assert "stop the process that holds it" in reason["cures"][0]["text"]
    assert free["why"] == []
    assert main(["why", "1", "--machine", str(record)]) == 0
    out = capsys.readouterr().out
    assert "block 1 (Normal, online): no\n  has movable 32767 (" in out
    assert "), held 1 (" in out
    assert "EINTR: going offline begins and does not end" in out
    assert "cure: stop the process" in out


def test_who_holds_it_is_told(
    record: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from memhp.machines.reading import any_machine

    reading = any_machine.read_any(record)
    assert reading.evidence is not None
    stuck = (Stuck(0x8123, FrameKind.held, 1, 3, 2), Stuck(0x8200, FrameKind.held, 512, 2, 1))
    evidence = {**reading.evidence, 1: replace(reading.evidence[1], stuck=stuck)}
    seen = replace(reading, evidence=evidence, page_size=4096)
    holders = [Holder(number, "sh", 9, {"[anon]": 9}, ("pipe",)) for number in range(7)]
    holding = Holding({1: holders}, {0x8123: [3, 4]}, unread=2)
    monkeypatch.setattr(any_machine, "read_any", lambda path: seen)
    monkeypatch.setattr(module, "_holding", lambda *_: holding)
    told = document(capsys, "1")
    assert told["blocks"][0]["stuck"][0]["mapped_by"] == [3, 4]
    assert len(told["blocks"][0]["holders"]) == 7
    assert main(["why", "1"]) == 0
    out = capsys.readouterr().out
    assert (
        "frame 0x8123, held: 3 references, 2 of them nobody's that is known; mapped by 3, 4" in out
    )
    assert "frame 0x8200 and 511 behind it, held" in out
    assert "process 0 (sh) maps 9 (36 KiB): [anon] 9; has open pipe" in out
    assert "and 2 more processes" in out
    assert "2 processes were not looked at" in out


def test_a_log_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dmesg"
    path.write_text(LOG)
    log = document(capsys, "--log", str(path))["log"]
    assert [each["line"] for each in log["why"]] == [1, 4]
    assert {each["guard"] for each in log["why"]} == {"begin_offline.no_unmovable"}
    assert (log["lines"], log["not_understood"], log["first_not_understood"]) == (5, 1, 5)
    assert main(["why", "--log", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("line 1: EBUSY: frame 0x13ff00 was in the way (unmovable page)")
    assert "1 of 5 lines are not understood, line 5 first" in out


def test_a_log_of_other_things_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dmesg"
    path.write_text("")
    assert main(["why", "--log", str(path)]) == 0
    assert capsys.readouterr().out.startswith("nothing in it tells")


def test_a_crash_dump_is_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = cores.pages()
    cores.put(made, 7, refcount=5)
    path = tmp_path / "vmcore"
    path.write_bytes(cores.CoreFile(made).content())
    (block,) = document(capsys, "0", "--machine", str(path))["blocks"]
    assert block["kinds"] == {"free": cores.FRAMES - 1, "held": 1}
    assert block["stuck"][0]["unexplained"] == 4


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], "name blocks"),
        (["1", "--log", "x"], "name blocks"),
        (["--log", "/no/such/file"], "cannot be read"),
        (["--log", "x", "--machine", "y"], "--machine is about blocks"),
        (["x"], "a block is a number"),
        (["2-1"], "a block is a number"),
        (["1-999999999"], "at most 4096 blocks"),
        (["9", "--machine", "{}"], "no memory block 9"),
        (["9", "--machine", "/no/such/file"], "no such file"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    record: Path, argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", *(word.format(record) for word in argv)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert told in err


def test_names_that_others_chose_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dmesg"
    path.write_text("memory offlining [mem 0x1-0x2] failed due to \x1b[31mred\n")
    assert main(["why", "--log", str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
