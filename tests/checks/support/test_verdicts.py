"""One verdict from many, and its exit code."""

from __future__ import annotations

from memhp.checks.support.verdicts import Verdict, combine


def test_the_worst_verdict_wins() -> None:
    assert combine([]) is Verdict.proved
    assert combine([Verdict.proved, Verdict.holds]) is Verdict.holds
    assert combine([Verdict.undetermined, Verdict.refuted]) is Verdict.refuted
    assert combine(Verdict) is Verdict.error


def test_only_proved_and_holds_pass() -> None:
    assert [verdict.name for verdict in Verdict if verdict.passes] == ["proved", "holds"]
    assert {verdict.name: verdict.exit_code for verdict in Verdict} == {
        "proved": 0,
        "holds": 0,
        "undetermined": 3,
        "refuted": 1,
        "error": 4,
    }
