"""What an earlier run decided is taken for the same system alone, and only if it is whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memhp.checks import run
from memhp.checks.decision import Decision, claim_of
from memhp.checks.earlier import Earlier
from memhp.checks.proof.results import PropertyResult
from memhp.checks.search.search import Witness
from memhp.checks.support.store import sealed, unsealed
from memhp.checks.support.verdicts import Verdict
from memhp.reference.usual import ROOMY
from memhp.spec.language import DropGuard
from memhp.spec.profiles import PROFILES
from memhp.spec.system import SYSTEM

CLAIM, PREMISE, REACHED, GIVEN_UP = (
    "pgdat_section_leaves_last",
    "present_sections_have_a_memmap",
    "a_write_takes_a_block_offline",
    "memmap_host_leaves_last",
)
UPDATES = "begin_offline"
ASKED = [CLAIM, REACHED]


def proved(name: str, *rests_on: str) -> Decision:
    claim = claim_of(SYSTEM, name)
    kind = "action" if name == UPDATES else claim.kind
    what = (name, claim.module, kind, claim.covers, "induction", "every size")
    proof = PropertyResult(*what, Verdict.proved, 0.5, False, False, 9, 2, 3, rests_on)
    return Decision(claim, Verdict.proved, "induction", "every size", 0.5, proof=proof)


def shown(name: str, verdict: Verdict, reason: str = "") -> Decision:
    claim = SYSTEM.property_by_name[name]
    steps = (("begin_offline", (0,)),)
    trace = Witness(claim, ROOMY[3].build(SYSTEM), steps, (0,) * len(claim.params))
    return Decision(claim, verdict, "search", "trace of 1", 0.25, given_up=reason, trace=trace)


DECIDED = (
    proved(CLAIM, PREMISE),
    proved(PREMISE),
    shown(REACHED, Verdict.holds),
    shown(GIVEN_UP, Verdict.refuted, "why"),
    proved(UPDATES),
)


def kept_in(folder: Path, decisions: Sequence[Decision] = DECIDED) -> Earlier:
    Earlier(folder, SYSTEM, {GIVEN_UP: "why"}).keep(decisions)
    return Earlier(folder, SYSTEM, {GIVEN_UP: "why"})


def test_what_was_decided_is_found_again(tmp_path: Path) -> None:
    names = [CLAIM, REACHED, GIVEN_UP]
    decisions = kept_in(tmp_path).decisions(names, updates=True)
    assert decisions
    expected = {each.claim.name: replace(each, cached=True) for each in DECIDED}
    for each in decisions:
        proof = each.proof and replace(each.proof, cached=False)
        assert replace(each, proof=proof) == expected[each.claim.name]
    assert [each.claim.name for each in decisions] == [*names, UPDATES]


def test_nothing_is_known_of_another_system_or_profile_or_without_a_folder(tmp_path: Path) -> None:
    earlier = kept_in(tmp_path)
    other = DropGuard("begin_offline", "one_zone").apply(SYSTEM)
    assert earlier.decisions(ASKED, updates=False)
    assert not Earlier(tmp_path, other, {GIVEN_UP: "why"}).decisions(ASKED, updates=False)
    assert not Earlier(tmp_path, SYSTEM, {}).decisions(ASKED, updates=False)
    assert not Earlier(None, SYSTEM, {GIVEN_UP: "why"}).decisions(ASKED, updates=False)
    assert not earlier.decisions([*ASKED, "devices_have_their_sections"], updates=False)


def test_what_did_not_pass_is_not_kept(tmp_path: Path) -> None:
    for verdict in (Verdict.undetermined, Verdict.error, Verdict.refuted):
        failed = replace(proved(CLAIM), verdict=verdict)
        assert not kept_in(tmp_path / verdict.name, [failed]).decisions([CLAIM], updates=False)


def test_nothing_is_kept_of_a_run_that_found_updates_that_may_meet(tmp_path: Path) -> None:
    """A later run for what is reached alone would not hear of them."""
    meeting = replace(proved(UPDATES), verdict=Verdict.undetermined)
    earlier = kept_in(tmp_path, [shown(REACHED, Verdict.holds), meeting])
    assert earlier.decisions([REACHED], updates=False) is None


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a premise is missing": lambda of: of.pop(PREMISE),
    "a premise is refuted": lambda of: of[CLAIM]["proof"].update(rests_on=[GIVEN_UP]),
    "a premise is only reached": lambda of: of[CLAIM]["proof"].update(rests_on=[REACHED]),
    "no verdict": lambda of: of[CLAIM].update(verdict="?"),
    "proved, and the proof is not": lambda of: of[CLAIM]["proof"].update(verdict="undetermined"),
    "refuted, and nobody gives it up": lambda of: of[CLAIM].update(verdict="refuted"),
    "proved without a proof": lambda of: of[CLAIM].update(proof=None),
    "proved by a trace": lambda of: of[CLAIM].update(proof=None, trace=of[REACHED]["trace"]),
    "another's proof": lambda of: of[CLAIM].update(proof=of[PREMISE]["proof"]),
    "reached without a trace": lambda of: of[REACHED].update(trace=None),
    "reached by no action": lambda of: of[REACHED]["trace"][1][0].__setitem__(0, "no_action"),
    "reached nowhere": lambda of: of[REACHED]["trace"].__setitem__(0, 10**6),
    "reached on a list": lambda of: of[REACHED]["trace"].__setitem__(0, []),
    "updates meet": lambda of: of.pop(UPDATES),
    "a list": lambda of: of.update({CLAIM: []}),
    "the method is a number": lambda of: of[CLAIM].update(method=3),
    "the seconds are a word": lambda of: of[REACHED].update(seconds="long"),
    "so many obligations": lambda of: of[CLAIM]["proof"].update(obligations="many"),
    "of no kind": lambda of: of[PREMISE]["proof"].update(kind=None),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("again", [False, True], ids=["under the old seal", "sealed anew"])
def test_a_record_that_is_not_whole_is_as_good_as_none(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], again: bool
) -> None:
    earlier = kept_in(tmp_path)
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    damage(content["decided"])
    path.write_text(json.dumps(sealed(unsealed_anyway(content)) if again else content))
    assert earlier.decisions(ASKED, updates=True) is None
    assert kept_in(tmp_path).decisions(ASKED, updates=True)


def unsealed_anyway(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "seal"}


def test_a_run_that_was_made_before_decides_nothing_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        raise InterruptedError

    Earlier(tmp_path, SYSTEM, {}).keep([*DECIDED[:3], DECIDED[4]])
    monkeypatch.setattr("memhp.checks.proof.prove.prove", work)
    monkeypatch.setattr(run, "reach", work)
    decisions = run.check(SYSTEM, PROFILES[0], only=ASKED, folder=tmp_path)
    assert {each.claim.name for each in decisions} == set(ASKED)
    for certify, folder in ((True, tmp_path), (False, None)):
        with pytest.raises(InterruptedError):
            run.check(SYSTEM, PROFILES[0], only=ASKED, folder=folder, certify=certify)


def test_the_records_of_the_latest_systems_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memhp.checks.earlier._MOST", 2)
    for reason in ("a", "b", "c"):
        Earlier(tmp_path, SYSTEM, {reason: reason}).keep(DECIDED)
    assert len([*tmp_path.iterdir()]) == 2
    assert unsealed(json.loads(next(tmp_path.iterdir()).read_text()))["decided"]
