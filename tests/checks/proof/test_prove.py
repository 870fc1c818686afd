"""The proof proves what is true, refutes what is planted, and never passes what is open."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.checks.proof import batch
from memhp.checks.proof.case import Limits
from memhp.checks.proof.obligations import Obligations
from memhp.checks.proof.prove import prove
from memhp.checks.proof.results import Report
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language import Bool, DropGuard, DropUpdate, ReplaceGuard, System
from memhp.spec.language.system import Action, Update
from memhp.spec.language.terms import TRUE, Var

from .. import toy


@pytest.fixture(scope="module")
def report(system: System) -> Report:
    """The toy, proven and certified."""
    return prove(system, jobs=1, certify=True)


def refuted(report: Report) -> dict[str, set[str | None]]:
    """The refuted properties, each with the actions that break it."""
    return {
        result.name: {f.action for f in result.failures if f.counterexample}
        for result in report.results
        if result.verdict is Verdict.refuted
    }


def test_the_toy_is_proved_and_certified(report: Report) -> None:
    assert report.verdict is Verdict.proved
    assert all(result.certified and not result.cached for result in report.results)
    counts = {result.name: (result.obligations, result.unchanged) for result in report.results}
    assert counts == {
        "free_frames_are_online": (9, 2),
        "nobody_lives_in_free_frames": (9, 2),
        "folios_live_in_blocks_that_are_not_offline": (9, 2),
        "folios_do_not_share": (9, 5),
        "crowds_are_seen": (9, 1),
        "folios_move_only_out_of_leaving_blocks": (8, 5),
        "a_mark_says_that_there_is_a_user": (8, 0),
        "swap": (1, 0),
    }


def test_what_no_solver_was_asked_about_is_counted(
    system: System, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {r.name: r.rewritten for r in report.results if r.kind == "step"} == {
        "folios_move_only_out_of_leaving_blocks": 0,
        "a_mark_says_that_there_is_a_user": 7,
    }
    monkeypatch.setattr(batch, "follows", lambda *_: False)
    again = prove(system, jobs=1)
    assert sum(each.rewritten for each in again.results) == 0
    assert again.verdict is Verdict.proved


def test_a_proof_names_what_it_rests_on(report: Report) -> None:
    assert report.of("nobody_lives_in_free_frames").rests_on == (
        "folios_live_in_blocks_that_are_not_offline",
    )


@pytest.mark.parametrize(
    ("action", "guard", "broken"),
    [
        ("born", "free", {"folios_live_in_blocks_that_are_not_offline", "folios_do_not_share"}),
        ("move", "leaving", {"folios_move_only_out_of_leaving_blocks"}),
        ("finish_offline", "empty", {"folios_live_in_blocks_that_are_not_offline"}),
        ("swap", "different", {"swap"}),
    ],
)
def test_a_dropped_guard_is_found(
    system: System, action: str, guard: str, broken: set[str]
) -> None:
    failures = refuted(prove(DropGuard(action, guard).apply(system), jobs=1))
    assert broken <= failures.keys()
    assert all(actions == {action} for actions in failures.values())


def test_a_counterexample_shows_the_step_and_the_property(system: System) -> None:
    report = prove(DropUpdate("born", "free").apply(system), jobs=1)
    (failure,) = report.of("nobody_lives_in_free_frames").failures
    assert failure.counterexample
    assert str(failure.counterexample).splitlines() == [
        "born(o=folio0, f=frame0) breaks nobody_lives_in_free_frames(o=folio0)",
        "  live[folio0]: false -> true",
        "  home[folio0] = frame0",
        "  free[frame0] = true",
    ]


class Knowing:
    """A listener that knows of a run for each property that it is asked for."""

    def __init__(self) -> None:
        self.asked = set[str]()

    def answers(self, number: int) -> None:
        """Do nothing with it."""

    def looked(self, name: str) -> None:
        """Do nothing with it."""

    def broken(self, names: Collection[str]) -> Collection[str]:
        """All of them."""
        self.asked |= set(names)
        return names


def test_no_step_is_looked_for_where_a_run_breaks_the_property(system: System) -> None:
    listener = Knowing()
    report = prove(DropUpdate("born", "free").apply(system), jobs=1, listener=listener)
    (failure,) = report.of("nobody_lives_in_free_frames").failures
    assert failure.verdict is Verdict.refuted
    assert failure.counterexample is None
    assert failure.reason == "a run breaks it"
    unproved = {each.name for each in report.results if each.verdict is not Verdict.proved}
    assert unproved == listener.asked


def test_a_wrong_initial_value_fails_at_boot(system: System) -> None:
    variables = tuple(
        replace(v, initial=TRUE) if v.symbol.name == "free" else v for v in system.variables
    )
    report = prove(replace(system, variables=variables), jobs=1)
    (failure,) = report.of("free_frames_are_online").failures
    assert failure.action is None
    assert failure.reason == "free_frames_are_online(f=frame0) fails at boot"


def test_what_rests_on_a_refuted_property_is_not_proved(system: System) -> None:
    report = prove(DropGuard("finish_offline", "empty").apply(system), jobs=1)
    result = report.of("nobody_lives_in_free_frames")
    assert result.verdict is Verdict.undetermined
    assert result.failures[0].action == "online"
    assert "folios_live_in_blocks_that_are_not_offline" in result.failures[0].reason
    assert report.of("free_frames_are_online").verdict is Verdict.proved


def test_only_decides_what_is_asked_and_what_it_rests_on(system: System) -> None:
    broken = DropGuard("finish_offline", "empty").apply(system)
    report = prove(broken, only=["nobody_lives_in_free_frames"], jobs=1)
    assert [result.name for result in report.results] == ["nobody_lives_in_free_frames"]
    assert report.verdict is Verdict.undetermined


def test_only_rejects_an_unknown_name(system: System) -> None:
    with pytest.raises(ValueError, match="no_such_property"):
        prove(system, only=["no_such_property"])


def test_a_spent_budget_is_undetermined(system: System) -> None:
    report = prove(system, jobs=1, limits=Limits(z3=1, ground=1))
    assert report.verdict is Verdict.undetermined
    assert not any(r.verdict is Verdict.proved for r in report.results if r.obligations > 1)
    assert report.verdict.exit_code == 3


def test_a_proof_that_is_not_confirmed_is_undetermined(system: System) -> None:
    report = prove(
        system, only=["folios_do_not_share"], jobs=1, certify=True, limits=Limits(cvc5=1)
    )
    (result,) = report.results
    assert result.verdict is Verdict.undetermined
    assert not result.certified


def test_workers_find_the_same(system: System, report: Report) -> None:
    other = prove(system, jobs=2, certify=True)
    assert [r.rests_on for r in other.results] == [r.rests_on for r in report.results]


def test_a_second_run_is_answered_by_the_cache(system: System, tmp_path: Path) -> None:
    assert not any(r.cached for r in prove(system, jobs=1, cache=tmp_path).results)
    again = prove(system, jobs=1, cache=tmp_path)
    assert all(r.cached for r in again.results)
    assert again.verdict is Verdict.proved


def _anything(o: toy.Folio, f: toy.Frame) -> Bool:
    return (o == o) | (f == f)


def _free(o: toy.Folio, f: toy.Frame) -> Bool:
    return toy.free[f] | (toy.free[f] & toy.live[o])


def test_an_edit_is_not_answered_by_what_was_known_before(system: System, tmp_path: Path) -> None:
    prove(system, jobs=1, cache=tmp_path)
    premise = "folios_live_in_blocks_that_are_not_offline"
    empty = tuple(
        replace(claim, formula=TRUE) if claim.name == premise else claim
        for claim in system.properties
    )
    edited = (
        DropGuard("born", "free").apply(system),
        ReplaceGuard("born", "free", _anything).apply(system),
        DropUpdate("born", "free").apply(system),
        replace(system, properties=empty),
    )
    for other in edited:
        fresh, again = prove(other, jobs=1), prove(other, jobs=1, cache=tmp_path)
        assert not fresh.verdict.passes
        assert [each.verdict for each in again.results] == [each.verdict for each in fresh.results]


@pytest.mark.parametrize(
    ("action", "guard", "stays"),
    [
        ("count", "live", "a_mark_says_that_there_is_a_user"),
        ("move", "live", "nobody_lives_in_free_frames"),
        ("move", "live", "folios_move_only_out_of_leaving_blocks"),
    ],
)
def test_an_edit_of_a_guard_leaves_the_proofs_that_do_not_need_it(
    system: System, tmp_path: Path, action: str, guard: str, stays: str
) -> None:
    prove(system, jobs=1, cache=tmp_path)
    again = prove(DropGuard(action, guard).apply(system), jobs=1, cache=tmp_path)
    assert next(each for each in again.results if each.name == stays).cached


def test_designs_that_differ_in_a_guard_keep_their_proofs_beside_each_other(
    system: System, tmp_path: Path
) -> None:
    other = ReplaceGuard("born", "free", _free).apply(system)
    passed = []
    for each in (system, other, system, other):
        report = prove(each, jobs=1, cache=tmp_path)
        passed.append([r for r in report.results if r.verdict.passes])
    assert all(each.cached for each in (*passed[2], *passed[3]))


def test_what_is_added_leaves_the_proofs_that_are_known(system: System, tmp_path: Path) -> None:
    claims = {claim.name: claim for claim in system.of_kind("always")}
    name = "folios_live_in_blocks_that_are_not_offline"
    less = replace(system, properties=tuple(c for c in system.properties if c.name != name))
    without = prove(less, jobs=1, cache=tmp_path)
    again = prove(
        replace(less, properties=(*less.properties, claims[name])), jobs=1, cache=tmp_path
    )
    stand = [each.name for each in without.results if each.verdict.passes and not each.rests_on]
    assert stand
    assert [each.name for each in again.results if each.name in stand and not each.cached] == []


def test_what_a_solver_fails_at_in_a_batch_is_asked_anew(
    system: System, report: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At once, and at the next run: a failure is no answer that is kept."""

    def fails(_text: str) -> None:
        raise RuntimeError("a fault inside the solver")

    monkeypatch.setattr(batch, "Session", fails)
    again = prove(system, jobs=1, cache=tmp_path)
    assert [each.verdict for each in again.results] == [each.verdict for each in report.results]
    entries = json.loads((tmp_path / "first.json").read_text())
    assert {each["status"] for each in entries.values()} == {"unsat"}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}', "\xff"])
def test_a_damaged_cache_is_ignored(system: System, tmp_path: Path, damage: str) -> None:
    prove(system, only=["folios_do_not_share"], jobs=1, cache=tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(damage.encode("latin-1"))
    report = prove(system, only=["folios_do_not_share"], jobs=1, cache=tmp_path)
    assert report.verdict is Verdict.proved
    assert not any(r.cached for r in report.results)
    assert all(
        r.cached for r in prove(system, only=["folios_do_not_share"], cache=tmp_path).results
    )


def test_a_cached_refutation_is_run_again(system: System, tmp_path: Path) -> None:
    broken = DropGuard("born", "free").apply(system)
    first = prove(broken, jobs=1, cache=tmp_path)
    again = prove(broken, jobs=1, cache=tmp_path)
    assert refuted(again) == refuted(first)
    assert all(r.cached for r in again.results)


def with_update(action: Action, symbol: str, *, point: tuple[Var, ...] | None) -> Action:
    """The action with one more update of a symbol that it updates."""
    first = next(update for update in action.updates if update.symbol.name == symbol)
    variable = Var("x", first.symbol.domain[0], action.name)
    return replace(
        action,
        updates=(
            *action.updates,
            Update(
                first.symbol, point, (variable,) if point is None else (), TRUE, TRUE, first.where
            ),
        ),
    )


@pytest.mark.parametrize("bulk", [False, True])
def test_updates_that_may_meet_are_found(system: System, bulk: bool) -> None:
    born = system.action_by_name["born"]
    changed = with_update(born, "free", point=None if bulk else (born.params[1],))
    actions = tuple(changed if a.name == "born" else a for a in system.actions)
    broken = replace(system, actions=actions)
    assert [each.kind for each in Obligations(broken).of_action("born")] == ["disjoint"]
    result = prove(broken, jobs=1).of("born")
    assert result.verdict is Verdict.refuted
    assert "two updates meet" in result.failures[0].reason
