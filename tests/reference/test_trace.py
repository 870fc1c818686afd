"""Traces survive ITF JSON; a document that is wrong is refused with one clear line."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memhp.reference import (
    Machine,
    Step,
    Topology,
    Trace,
    TraceError,
)
from memhp.spec.language import System

STEPS = (
    Step("online", {"b": 0}),
    Step("alloc", {"f": 1, "o": "user"}),
    Step("follow", {}),
    Step("begin_offline", {"b": 0}),
    Step("finish_offline", {"b": 0}),
)


@pytest.fixture
def trace(topology: Topology) -> Trace:
    return Trace("toy", topology, STEPS)


@pytest.fixture
def document(trace: Trace, system: System) -> dict[str, Any]:
    return json.loads(json.dumps(trace.to_itf(system)))  # type: ignore[no-any-return]


def test_a_trace_survives_itf(trace: Trace, document: dict[str, Any], system: System) -> None:
    assert Trace.from_itf(document, system) == trace


def test_a_trace_that_starts_elsewhere_survives_itf(
    trace: Trace, system: System, states: list[Machine]
) -> None:
    start = next(machine for machine in states if machine.get("mode", 0) == "offline")
    elsewhere = replace(trace, steps=STEPS[:1], start=start.values)
    document = json.loads(json.dumps(elsewhere.to_itf(system)))
    assert Trace.from_itf(document, system) == elsewhere


def test_the_document_reads_as_itf(document: dict[str, Any]) -> None:
    assert document["#meta"]["format"] == "ITF"
    assert document["vars"] == [
        "mbt::actionTaken", "mbt::nondetPicks", "mode", "owner", "partner", "linked"
    ]  # fmt: skip
    first, second, third = document["states"][:3]
    assert (first["mbt::actionTaken"], first["mbt::nondetPicks"]) == ("init", {})
    assert second["mode"]["#map"][0] == ["block0", "online"]
    assert third["mbt::nondetPicks"] == {"f": "frame1", "o": "user"}
    assert third["linked"]["#map"][0] == [{"#tup": ["block0", "frame0"]}, True]
    assert [state["#meta"]["index"] for state in document["states"]] == list(range(6))


def test_replay_gives_the_start_and_a_machine_after_each_step(trace: Trace, system: System) -> None:
    modes = [machine.get("mode", 0) for machine in trace.replay(system)]
    assert modes == ["offline", "online", "online", "online", "leaving", "offline"]


def test_replay_stops_at_a_step_that_is_refused(trace: Trace, system: System) -> None:
    wrong = replace(trace, steps=(*STEPS[:1], *STEPS[:1]))
    with pytest.raises(TraceError) as caught:
        list(wrong.replay(system))
    assert str(caught.value) == (
        "step 2: online(b=block0) is refused: the block is not offline (offline)"
    )


def test_a_trace_of_another_system_is_refused(trace: Trace, system: System) -> None:
    with pytest.raises(TraceError, match="the trace is of system 'other', not 'toy'"):
        list(replace(trace, system_name="other").replay(system))


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        holder: Any = document
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        holder: Any = document
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]

    return change


MALFORMED = [
    (drop("#meta"), "the document: field '#meta' is missing"),
    (put("#meta", value=[]), "the document: field '#meta' is a list, not a dict"),
    (drop("#meta", "memhp"), "#meta: field 'memhp' is missing"),
    (put("#meta", "memhp", "system", value="x"), "the trace is of system 'x', not 'toy'"),
    (drop("#meta", "memhp", "sizes", "Frame"), "#meta.memhp: size of Frame is missing"),
    (put("#meta", "memhp", "sizes", "Frame", value="7"), "size of Frame: '7' is not a number"),
    (put("#meta", "memhp", "tables", "hole", value=7), "tables.hole is a int, not a list"),
    (put("#meta", "memhp", "tables", "hole", value=[[]]), "table hole: every value is an int"),
    (drop("#meta", "memhp", "tables", "hole"), "table hole (Frame -> Bool) is missing"),
    (drop("states"), "the document: field 'states' is missing"),
    (put("states", value=[]), "states: at least one state is needed"),
    (put("states", 0, value=3), "states[0] is a int, not a dict"),
    (drop("states", 2, "mbt::actionTaken"), "states[2]: field 'mbt::actionTaken' is missing"),
    (put("states", 1, "mbt::actionTaken", value=5), "'mbt::actionTaken' is a int, not a str"),
    (put("states", 1, "mbt::actionTaken", value="onlin"), "states[1]: unknown action 'onlin'"),
    (put("states", 1, "mbt::nondetPicks", value={}), "online(b: Block) is not given b"),
    (put("states", 1, "mbt::nondetPicks", value={"b": "block9"}), "'block9' is no Block"),
    (put("states", 1, "mbt::nondetPicks", value={"b": 1.5}), "1.5 is no Block"),
    (drop("states", 1, "mode"), "states[1]: field 'mode' is missing"),
    (put("states", 1, "moed", value={}), "states[1]: unknown variable 'moed'; did you mean mode"),
    (put("states", 1, "mode", value={}), "states[1].mode: field '#map' is missing"),
    (drop("states", 1, "mode", "#map", 3), "states[1].mode: block3 is missing"),
    (put("states", 1, "mode", "#map", 3, value=["block3"]), "an entry has 1 parts"),
    (put("states", 1, "mode", "#map", 3, value=["block2", "online"]), "block2 is given twice"),
    (put("states", 1, "mode", "#map", 3, 1, value="onlin"), "'onlin' is no Mode"),
    (put("states", 1, "linked", "#map", 0, 0, value="block0"), "a key is 2 elements"),
    (put("states", 1, "linked", "#map", 0, 1, value=None), "None is no Bool"),
]


@pytest.mark.parametrize(("change", "message"), MALFORMED, ids=[text for _, text in MALFORMED])
def test_a_malformed_document_is_refused_with_its_place(
    document: dict[str, Any],
    system: System,
    change: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    wrong = deepcopy(document)
    change(wrong)
    with pytest.raises(TraceError) as caught:
        Trace.from_itf(wrong, system)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, [], "trace", 3])
def test_what_is_no_object_is_no_trace(system: System, value: object) -> None:
    with pytest.raises(TraceError, match="the document is a"):
        Trace.from_itf(value, system)


def test_a_state_that_the_step_does_not_lead_to_is_refused(
    document: dict[str, Any], system: System
) -> None:
    document["states"][2]["owner"]["#map"][1][1] = "kernel"
    with pytest.raises(TraceError) as caught:
        Trace.from_itf(document, system)
    assert str(caught.value) == (
        "states[2]: owner[frame1] is kernel in the document, user when replayed"
    )


def test_a_document_whose_step_is_refused_is_refused(
    document: dict[str, Any], system: System
) -> None:
    document["states"].insert(2, document["states"][1])
    with pytest.raises(TraceError, match=r"states\[2\]: online\(b=block0\) is refused"):
        Trace.from_itf(document, system)


def test_a_trace_survives_its_file(trace: Trace, system: System, tmp_path: Path) -> None:
    path = tmp_path / "run.itf.json"
    trace.save(path, system)
    assert Trace.load(path, system) == trace
    replace(trace, steps=STEPS[:2]).save(str(path), system)
    assert Trace.load(str(path), system).steps == STEPS[:2]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_trace_that_cannot_be_written_leaves_the_file_as_it_was(
    trace: Trace, system: System, tmp_path: Path
) -> None:
    path = tmp_path / "run.itf.json"
    path.write_text("before")
    with pytest.raises(TraceError, match="refused"):
        replace(trace, steps=STEPS[1:]).save(path, system)
    assert path.read_text() == "before"
    with pytest.raises(FileNotFoundError):
        trace.save(tmp_path / "no" / "run.itf.json", system)


def test_a_link_to_a_file_and_a_device_stay_what_they_are(
    trace: Trace, system: System, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "there").write_text("")
    trace.save(tmp_path / "link", system)
    assert (tmp_path / "link").is_symlink()
    assert Trace.load(tmp_path / "there", system) == trace
    (tmp_path / "null").symlink_to("/dev/null")
    trace.save(tmp_path / "null", system)
    assert (tmp_path / "null").is_symlink()


def test_a_file_that_holds_no_trace_is_refused_in_one_line(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.itf.json"
    for content in (b"{", b"\xff", b"[" * 100_000, b"1" * 10_000):
        path.write_bytes(content)
        with pytest.raises(TraceError, match=r"^the file is no JSON$"):
            Trace.load(path, system)
    path.write_text("[]")
    with pytest.raises(TraceError, match="the document is a list, not a dict"):
        Trace.load(path, system)
    monkeypatch.setattr("memhp.reference.trace._LARGEST", 1 << 20)
    path.write_bytes(b" " * (1 << 20) + b"[]")
    with pytest.raises(TraceError, match="the file is larger than 1 MiB"):
        Trace.load(path, system)


def test_two_runs_part_where_their_steps_do(trace: Trace, system: System) -> None:
    assert trace.diff(trace, system) is None
    other = replace(trace, steps=(STEPS[0], Step("alloc", {"f": 1, "o": "kernel"})))
    parting = replace(trace, steps=STEPS[:2]).diff(other, system)
    assert parting
    assert (parting.steps, parting.first, parting.second) == (1, STEPS[1], other.steps[1])
    assert [str(change) for change in parting.changes] == ["owner[frame1]: user -> kernel"]
    shorter = trace.diff(replace(trace, steps=STEPS[:4]), system)
    assert shorter
    assert (shorter.steps, shorter.first, shorter.second) == (4, STEPS[4], None)


def test_runs_of_different_machines_are_not_compared(trace: Trace, system: System) -> None:
    tables = {**trace.topology.tables, "nearer": (0, 0, 0, 0)}
    other = replace(trace, topology=Topology(trace.topology.sizes, tables))
    with pytest.raises(ValueError, match="differ in system or topology"):
        trace.diff(other, system)
