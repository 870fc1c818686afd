"""A journal that was torn, or that somebody else wrote, is read as far as it can be trusted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from memhp.machines.applying.journal import Journal, history_of
from memhp.machines.applying.planned import PlanError, planned

from .fake import BOOT, document, plan

BLOCKS = {7: "Normal", 5: "Movable"}


def test_what_was_taken_down_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, plan(BLOCKS))
    journal.booted(BOOT)
    journal.begin(7, "offline")
    assert history_of(path).doubt is not None
    journal.end(7, "offline", "done")
    journal.begin(5, "offline")
    journal.end(5, "offline", "EBUSY", "why")
    journal.skip(5)
    history = history_of(path)
    assert [*history.offline] == [7]
    assert (history.doubt, history.skipped, history.boots) == (None, {5}, [BOOT])
    assert history.plan == journal.history.plan


def test_a_line_that_was_not_written_whole_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, plan(BLOCKS))
    journal.begin(7, "offline")
    journal.end(7, "offline", "done")
    journal.close()
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rpartition(b"\n")[0] + b"\n"
    for cut in range(len(last), len(whole)):
        path.write_bytes(whole[:cut])
        again = Journal(path)
        assert again.history.doubt is not None
        again.end(7, "offline", "done", "found")
        again.close()
        assert [*history_of(path).offline] == [7]


def test_two_do_not_write_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    first = Journal(path, plan(BLOCKS))
    with pytest.raises(PlanError, match="still at work"):
        Journal(path, patience=0.02)
    first.close()
    with pytest.raises(PlanError, match="there already"):
        Journal(path, plan(BLOCKS))
    with pytest.raises(PlanError, match="No such file"):
        Journal(tmp_path / "other")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"at": 1, "block": "7"}',
        b'{"at": 1, "block": 7, "word": "rm -rf"}',
        b'{"at": 1, "block": 7, "word": "offline", "result": 3}',
        b'{"at": 1, "plan": {}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_no_journal_is_refused_with_its_line(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal(path, plan(BLOCKS)).close()
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(PlanError, match="line 2: not of a journal"):
        history_of(path)
    path.write_bytes(line + b"\n")
    with pytest.raises(PlanError, match="line 1: not of a journal"):
        Journal(path)


STEP = document({7: "Normal"})["steps"][0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "x"}, "its schema is not memhp-plan/1"),
        ({"machine": None}, "machine is missing"),
        ({"live": 1}, "live is missing"),
        ({"steps": [7]}, "it is no object, in step 1"),
        ({"steps": [STEP, STEP]}, "a block goes twice"),
        ({"steps": [STEP | {"block": -1}]}, "block is no number, in step 1"),
        ({"steps": [STEP | {"block": True}]}, "block is no number, in step 1"),
        ({"steps": [STEP | {"block": 1 << 70}]}, "block is no number, in step 1"),
        ({"steps": [STEP | {"limit": 1e9}]}, "limit is no time up to 86400 seconds"),
        ({"steps": [STEP | {"limit": float("nan")}]}, "limit is no time"),
        ({"steps": [STEP | {"back": "online"}]}, "back is none of"),
        ({"steps": [STEP | {"zone": "../x"}]}, "zone no zone"),
        ({"steps": [STEP | {"moves": 3}]}, "moves is no object"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_line(change: dict[str, Any], says: str) -> None:
    made = document({7: "Normal"}) | change
    with pytest.raises(PlanError, match=re.escape(says)):
        planned(json.loads(json.dumps(made)))


def test_anything_else_is_no_plan() -> None:
    for document_ in (None, [], "x", 3, {}):
        with pytest.raises(PlanError):
            planned(document_)
