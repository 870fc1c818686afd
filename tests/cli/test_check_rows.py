"""What `memhp check` shows while it decides: rows as they come, progress, and an interrupt."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.run import Decision, Listener
from memhp.checks.support.verdicts import Verdict
from memhp.cli.main import main
from memhp.cli.output import rows as shown
from memhp.cli.output.rows import Rows
from memhp.cli.output.streams import interrupts_wait
from memhp.cli.output.traces import show_failures
from memhp.spec.rows import ROWS
from memhp.spec.system import SYSTEM

N2 = {claim.name: claim for claim in SYSTEM.properties if "N2" in claim.covers}


def decision(name: str, verdict: Verdict | None = None) -> Decision:
    claim = SYSTEM.property_by_name[name]
    good = Verdict.holds if claim.kind == "sometimes" else Verdict.proved
    return Decision(claim, verdict or good, "", "", 0.0)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_row_is_shown_when_the_last_of_its_properties_is_decided(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Rows(SYSTEM, set(N2), shown=True)
    *before, last = N2
    for name in before:
        found.decided(decision(name))
        assert not any(line.startswith("N2") for line in lines(capsys))
    found.decided(decision(last))
    proved = sum(claim.kind != "sometimes" for claim in N2.values())
    (line,) = (line for line in lines(capsys) if line.startswith("N2"))
    assert line.split()[1:3] == [str(proved), str(len(N2) - proved)]
    found.finish()
    assert not any(line.startswith("N2") for line in lines(capsys))


@pytest.mark.parametrize("verdict", [Verdict.undetermined, Verdict.refuted, Verdict.error])
def test_what_is_not_proved_is_said_in_its_row(
    verdict: Verdict, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Rows(SYSTEM, set(N2), shown=True)
    first, *others = N2
    found.decided(decision(first, verdict))
    for name in others:
        found.decided(decision(name))
    (line,) = (line for line in lines(capsys) if line.startswith("N2"))
    assert line.endswith(f": 1 {verdict.value}")


def test_what_is_given_up_and_comes_all_the_same_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It does not count as reached, and the exit code is explained."""
    found = Rows(SYSTEM, set(N2), shown=True)
    first = next(name for name, claim in N2.items() if claim.kind == "sometimes")
    kept = replace(decision(first), given_up="no reason")
    for name in N2:
        found.decided(kept if name == first else decision(name))
    (line,) = (line for line in lines(capsys) if line.startswith("N2"))
    assert line.endswith(": 1 error")
    show_failures(SYSTEM, [kept])
    assert lines(capsys) == [f"error: {first} is given up: no reason, but it is not refuted"]


def test_a_property_that_was_looked_at_is_not_decided(capsys: pytest.CaptureFixture[str]) -> None:
    found = Rows(SYSTEM, set(N2), shown=True)
    for name in N2:
        found.looked(name)
    found.interrupt()
    assert lines(capsys) == []


def test_every_row_has_a_line_that_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    found = Rows(SYSTEM, None, shown=True)
    for claim in SYSTEM.properties:
        found.decided(decision(claim.name))
    found.finish()
    head, *told, empty = lines(capsys)
    assert sorted(line.split()[0] for line in told) == sorted(row.id for row in ROWS)
    assert empty == ""
    assert max(map(len, (head, *told))) <= 80


def test_progress_has_its_total_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(shown, "show_progress", lambda text="": told.append(text))
    found = Rows(SYSTEM, None, shown=True)
    found.start()
    found.answers(12)
    found.looked(SYSTEM.properties[0].name)
    total = len(SYSTEM.properties)
    assert told == [
        f"looked at 0 of {total} properties",
        f"looked at 0 of {total} properties, 12 answers of solvers",
        f"looked at 1 of {total} properties, 12 answers of solvers",
    ]
    told.clear()
    Rows(SYSTEM, None, shown=False).start()
    assert told == []


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run that is interrupted when half of a row is decided."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def check(*_: object, listener: Listener, **_more: Any) -> None:
        for name in list(N2)[:2]:
            listener.decided(decision(name))
        raise KeyboardInterrupt

    monkeypatch.setattr("memhp.checks.run.check", check)


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize(
    ("options", "says"), [([], "is kept in "), (["--no-cache"], "nothing is kept")]
)
def test_an_interrupt_shows_what_was_decided(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["check", "--only", "N2", *options])
    out, err = capsys.readouterr()
    assert code == 130
    assert f"2 of {len(N2)} properties decided; " in out
    assert says in out
    assert f"{len(N2) - 2} open" in next(line for line in out.splitlines() if line[:2] == "N2")
    assert err == "memhp: interrupted\n"


@pytest.mark.usefixtures("interrupted")
def test_an_interrupt_leaves_no_half_of_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--only", "N2", "--json"]) == 130
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("interrupted")
def test_an_interrupt_leaves_no_proofs(tmp_path: Path) -> None:
    assert main(["check", "--only", "N2", "-q", "--proofs", str(tmp_path / "proofs")]) == 130
    assert list(tmp_path.iterdir()) == []


class _Ending:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_at_the_end_of_an_object_is_an_interrupt(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Python alone would print that it was ignored, and go on."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    objects = [_Ending()]
    with interrupts_wait(), pytest.raises(KeyboardInterrupt):
        _let_go(objects)
    assert capsys.readouterr().err == ""


def _let_go(objects: list[_Ending]) -> None:
    objects.clear()
    threading.Event().wait(120)


class _HalfMade:
    def __del__(self) -> None:
        raise AttributeError("nobody gave it one")


def test_what_an_interrupt_leaves_half_made_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A context of z3 complains at its end if its making was interrupted."""

    def check(*_: object, **_more: Any) -> None:
        half = _HalfMade()
        if half:
            raise KeyboardInterrupt

    monkeypatch.setattr("memhp.checks.run.check", check)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    assert main(["check", "--only", "N2", "--json"]) == 130
    assert capsys.readouterr().err == "memhp: interrupted\n"
