"""Traces survive ITF JSON; a document that is wrong is refused with one clear line."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
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
