"""A trace that is kept is taken from the store only where a search would find it again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from memhp.checks.search import localise
from memhp.checks.search.localise import Reading
from memhp.checks.search.search import Witness
from memhp.checks.search.traces import _digest
from memhp.checks.search.usual import reach
from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import Bool, ReplaceGuard, System, exists, load
from memhp.spec.language.system import Action, Kind, Property
from memhp.spec.language.terms import FALSE, TRUE, negate

from .. import toy
from ..toy import Folio, Frame
from .test_searches_of_toys import APART, SYSTEMS, TOGETHER, Fixed

TOY = SYSTEMS["toy_false"]


def searched(system: System, folder: Path | None) -> dict[str, Witness | None]:
    """The trace of each property that a search decides, None where there is none."""
    shapes = [cast(Shape, Fixed(APART))]
    claims = list(system.of_kind("always", "step", "sometimes"))
    witnesses, _ = reach(system, claims, shapes=shapes, folder=folder)
    return {claim.name: witnesses.get(claim.name) for claim in claims}


def steps(witnesses: dict[str, Witness | None]) -> dict[str, object]:
    return {name: each and (each.steps, each.params) for name, each in witnesses.items()}


def edits(system: System) -> Iterator[tuple[str, System]]:
    """Each guard and update left out, each definition and initial value another."""

    def acts(old: Action, **changes: object) -> System:
        new = replace(old, **changes)  # type: ignore[arg-type]  # the fields are of tuples
        return replace(system, actions=tuple(new if a is old else a for a in system.actions))

    for action in system.actions:
        for guard in action.guards:
            guards = tuple(each for each in action.guards if each is not guard)
            yield f"{action.name} without {guard.name}", acts(action, guards=guards)
            turned = replace(guard, condition=negate(guard.condition))
            others = tuple(turned if each is guard else each for each in action.guards)
            yield f"{action.name} with not {guard.name}", acts(action, guards=others)
        for update in action.updates if len(action.updates) > 1 else ():
            some = tuple(each for each in action.updates if each is not update)
            yield f"{action.name} leaves {update.symbol} alone", acts(action, updates=some)
    for name, old in system.definitions.items():
        if old.body.sort == TRUE.sort:
            body = replace(old, body=negate(old.body))
            yield f"not {name}", replace(system, definitions={**system.definitions, name: body})
    for variable in system.variables:
        if variable.initial in (TRUE, FALSE):
            other = replace(variable, initial=negate(variable.initial))
            variables = tuple(other if v is variable else v for v in system.variables)
            yield f"another {variable.symbol} at boot", replace(system, variables=variables)


def edited_since(folder: Path) -> Iterator[tuple[str, System]]:
    """Each edit of what the folder has traces of, which then has those of before."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert before
    for what, edited in edits(TOY):
        for path, content in before.items():
            path.write_bytes(content)
        yield what, edited


def test_with_a_store_of_before_an_edit_the_same_traces_are_found(tmp_path: Path) -> None:
    searched(TOY, tmp_path)
    for what, edited in edited_since(tmp_path):
        assert steps(searched(edited, tmp_path)) == steps(searched(edited, None)), what


def reached(system: System, folder: Path | None) -> dict[str, Witness]:
    """The traces to what is to be reached, on two machines."""
    shapes = [cast(Shape, Fixed(each)) for each in (TOGETHER, APART)]
    return reach(system, list(system.of_kind("sometimes")), shapes=shapes, folder=folder)[0]


def test_a_design_of_ones_own_reaches_what_any_search_reaches(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(localise, "_TURNS", (2, 10, 50))
        reached(TOY, tmp_path)
        for what, edited in edited_since(tmp_path):
            own = replace(edited, is_own=True)
            for folder in (tmp_path, None):
                found = reached(own, folder)
                assert found.keys() == reached(edited, None).keys(), what
                assert all(each.is_shown_by(each.replay(own)) for each in found.values())


def test_no_other_takes_the_trace_of_a_design_of_ones_own(tmp_path: Path) -> None:
    shapes = [cast(Shape, Fixed(each)) for each in (TOGETHER, APART)]
    claims = [TOY.property_by_name[name] for name in reached(TOY, None)]
    own = replace(TOY, is_own=True)
    assert [reach(own, claims, shapes=shapes, folder=tmp_path)[1] for _ in range(2)] == [
        False,
        True,
    ]
    assert [reach(TOY, claims, shapes=shapes, folder=tmp_path)[1] for _ in range(2)] == [
        False,
        True,
    ]


def test_an_edit_of_what_a_search_does_not_read_leaves_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def search(
        _function: object,
        _shared: object,
        asked: list[tuple[Property, object]],
        _jobs: int,
        **_more: int,
    ) -> Iterator[tuple[None, None]]:
        for claim, _ in asked:
            names.append(claim.name)
            yield None, None

    every = {name for name, each in searched(TOY, tmp_path).items() if each}
    monkeypatch.setattr("memhp.checks.search.usual.each", search)
    counts = []
    for _, edited in edits(TOY):
        names.clear()
        searched(edited, tmp_path)
        counts.append(len(every - set(names)))
    assert max(counts) == len(every)
    assert sum(counts) > len(counts) * len(every) / 3


@pytest.mark.parametrize("name", ["born", "finish_offline", "refill"])
def test_a_trace_is_kept_for_what_its_search_takes_on_the_whole_machine(name: str) -> None:
    system = load("toy", (toy,))
    action, claim = system.action_by_name[name], system.property_by_name["folios_do_not_share"]
    taken = Reading(frozenset(), False, frozenset([name]))
    terms = [guard.condition for guard in action.guards]
    terms += [term for update in action.updates for term in update.terms]
    read = frozenset[str]().union(*map(system.definitions_in, terms))
    for what, edited in edits(system):
        same = edited.variables == system.variables and edited.action_by_name[name] == action
        same &= all(edited.definitions[each] == system.definitions[each] for each in read)
        before, after = (_digest(each, claim, taken, "", APART) for each in (system, edited))
        is_kept = after == before
        assert is_kept == same, what


def test_a_guard_that_reads_no_state_counts_by_what_it_says_on_the_machine() -> None:
    """Of a *sometimes*, whose trace is of one machine; of all else, as it is written."""
    system = load("toy", (toy,))
    reading = Reading(frozenset(), False, frozenset(["swap"]))

    def shared(f: Frame, g: Frame) -> Bool:
        return (f != g) & (toy.block_of[f] == toy.block_of[g])

    def different(o: Folio, p: Folio) -> Bool:
        return (o != p) & ~exists(Frame, Frame, shared)

    edit = ReplaceGuard("swap", "different", different)
    apart, together = (
        Topology({"Block": 2, "Frame": 2, "Folio": 2}, {"block_of": (0, at), "first_of": (0, at)})
        for at in (1, 0)
    )

    def changes(kind: Kind, topology: Topology) -> bool:
        claim = replace(system.property_by_name["folios_do_not_share"], kind=kind)
        before, after = (
            _digest(each, claim, reading, "", topology) for each in (system, edit.apply(system))
        )
        return before != after

    assert not changes("sometimes", apart)
    assert changes("sometimes", together)
    assert changes("always", apart)


def test_traces_that_nobody_asks_for_do_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memhp.checks.search.traces._MOST_PROPERTIES", 1000)
    first = searched(TOY, tmp_path)
    count = len(list(tmp_path.glob("traces-*.json")))
    monkeypatch.setattr("memhp.checks.search.traces._MOST_PROPERTIES", count)
    old, foreign = tmp_path / f"traces-{0:032}.json", tmp_path / "other.json"
    for path in (old, foreign):
        path.write_text("[]")
        os.utime(path, (0, 0))
    assert steps(searched(TOY, tmp_path)) == steps(first)
    assert not old.exists()
    assert foreign.exists()
    assert len(list(tmp_path.glob("traces-*.json"))) == count
