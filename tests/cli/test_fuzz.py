"""`memhp fuzz`, and `memhp replay` of what it finds."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.checks.fuzz.campaign import Campaign, do
from memhp.checks.fuzz.rules import EVERY, RULES
from memhp.checks.support import workers
from memhp.cli.main import main
from memhp.spec.profiles import system_of
from memhp.spec.system import SYSTEM

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "fuzz.json").read_text())
BUGGY = """
from memhp.engine.target import EngineTarget

class Buggy(EngineTarget):
    def do(self, operation, *params):
        answer = super().do(operation, *params)
        return None if operation == "undrain" else answer
"""

LINUX = """
from memhp.reference.target import ReferenceTarget
from memhp.spec.profiles import system_of

class Linux(ReferenceTarget):
    profile = "linux-6.12"
    operations = frozenset({"drain", "undrain"})

    def __init__(self):
        super().__init__(system_of(self.profile))
"""

HALF_BLIND = """
from memhp.engine.target import EngineTarget

class HalfBlind(EngineTarget):
    def observe(self):
        seen = super().observe()
        states = [None, *seen["block_state"][1:]]
        return {"block_state": states, "draining": seen["draining"], "zone": [None] * len(states)}
"""


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, *capsys.readouterr()


@pytest.fixture
def buggy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "buggy_engine.py").write_text(BUGGY)
    monkeypatch.chdir(tmp_path)
    return "buggy_engine:Buggy"


def test_the_engine_agrees_and_the_document_follows_its_schema(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "fuzz", "--walk", "--steps", "5000", "--jobs", "1", "--json")
    document: dict[str, Any] = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert (code, document["divergence"]) == (0, None)
    assert document["steps"] >= 5000
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "mode": "guess"}, SCHEMA)


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(["--walk"], id="walk"),
        pytest.param([], id="hypothesis", marks=pytest.mark.slow),
    ],
)
def test_a_bug_is_found_shrunk_kept_and_replayed(
    mode: list[str], buggy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["fuzz", *mode, "--target", buggy, "--steps", "2000", "--jobs", "1"]
    code, out, _ = run(capsys, *asked, "--html", "page.html")
    assert code == 1
    page = Path("page.html").read_text()
    assert "<title>A divergence after 1 operation</title>" in page
    assert "the reference answers ENOENT, success came" in page
    assert "diverged, shrunk to 1 operations" in out
    assert "the reference answers ENOENT, success came" in out
    assert "compared with list-2004" in out
    assert "Linux's design is --profile linux-6.12" in out
    code, out, _ = run(capsys, "replay", "divergence.json", "--target", buggy)
    assert code == 1
    assert "success came" in out
    code, out, _ = run(capsys, "replay", "divergence.json")
    assert (code, out.splitlines()[-1]) == (0, "the target does what the reference does")


def test_where_nothing_diverges_there_is_no_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["fuzz", "--walk", "--steps", "100", "--jobs", "1"]
    assert run(capsys, *asked, "--html", str(tmp_path / "page.html"))[0] == 0
    assert not (tmp_path / "page.html").exists()
    code, out, err = run(capsys, *asked, "--html", str(tmp_path / "no" / "page.html"))
    assert (code, out) == (2, "")
    assert "cannot write" in err


def test_a_piece_that_ends_its_process_is_told_with_the_command_that_does_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deadly(campaign: Campaign, **_: Any) -> Iterator[Campaign]:
        campaign.deadly[7] = "a process of memhp was ended (SIGSEGV)"
        yield campaign

    monkeypatch.setattr("memhp.checks.fuzz.campaign.run", deadly)
    code, out, err = run(capsys, "fuzz", "--walk", "--steps", "400", "--seed", "3", "--json")
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert code == 3
    assert document["deadly"] == [{"piece": 7, "why": "a process of memhp was ended (SIGSEGV)"}]
    again = "memhp fuzz --walk --target engine --seed 3 --steps 400 --shard 8/8 --jobs 1"
    assert f"again: {again}" in err


def begun(words: Sequence[str]) -> int:
    """The process in which the command is run, silently; what it imports is here already."""
    process = os.fork()
    if process == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        os._exit(main(words))
    return process


@pytest.mark.slow
def test_a_campaign_that_is_killed_at_any_moment_goes_on_and_counts_nothing_twice(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "campaign.json"
    words = ["fuzz", "--walk", "--steps", "2000", "--seed", "5", "--jobs", "1", "--keep", str(kept)]
    random, kills = Random(1), 0
    while kills < 50:
        process = begun(words)
        sleep(random.uniform(0.0, 0.6))
        os.kill(process, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        assert ended in (-signal.SIGKILL, 0)
        kills += ended != 0
    assert os.waitpid(begun(words), 0)[1] == 0
    campaign = Campaign.from_json(json.loads(kept.read_text()))
    once = Campaign("walk", "engine", 5)
    for number in {*range(campaign.following)} - campaign.begun:
        once.add(do("walk", "engine", 5, number, steps=500))
    assert campaign.steps >= 2000
    assert (campaign.steps, campaign.answers) == (once.steps, once.answers)


@pytest.mark.slow
def test_what_a_walk_reaches_is_told_with_what_it_lacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["fuzz", "--walk", "-v", "--steps", "800", "--jobs", "1"]
    code, out, _ = run(capsys, *asked, "--json")
    document: dict[str, Any] = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    depth = document["reached"]
    found = {each["name"]: each for each in depth["sometimes"]}
    assert (code, depth["steps"], depth["episodes"]) == (0, 800, 4)
    assert found["early_memory_goes_offline"]["episodes"] > 0
    assert "begin_read" in found["a_section_goes_under_a_reader"]["lacking"]
    assert "800 operations in 4 episodes reach" in run(capsys, *asked)[1]


def test_a_campaign_goes_on_and_another_one_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["--walk", "--jobs", "1", "--steps", "100", "--keep", str(tmp_path / "kept.json")]
    first = run(capsys, "fuzz", *kept)
    again = run(capsys, "fuzz", *kept)
    assert (first[0], again[0]) == (0, 0)
    assert "\n100 operations" in first[1]
    assert "\n200 operations" in again[1]
    code, _, said = run(capsys, "fuzz", *kept, "--seed", "5")
    assert (code, said.count("\n")) == (2, 1)
    assert "is another campaign: walk of engine, seed 0" in said


def test_a_campaign_that_is_stopped_is_kept_and_says_how_to_go_on(
    buggy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pieces in flight are kept, too: what is found when it goes on is in one of them."""

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    Path("campaign.json").write_text("another campaign")
    asked = ["fuzz", "--walk", "--target", buggy, "--jobs", "1"]
    with monkeypatch.context() as interrupted:
        interrupted.setattr("memhp.checks.support.workers.wait", stop)
        code, _, said = run(capsys, *asked)
    again = f"memhp fuzz --walk --target {buggy} --seed 0 --keep campaign-2.json"
    assert (code, said) == (130, f"stopped; to go on: {again}\n")
    assert json.loads(Path("campaign-2.json").read_text())["begun"] == [0]
    assert Path("campaign.json").read_text() == "another campaign"
    code, out, _ = run(capsys, *again.split()[1:], "--jobs", "1")
    assert code == 1
    assert "success came" in out
    assert {path.name for path in Path().iterdir()} >= {"divergence.json"}


def test_nothing_is_left_where_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "fuzz", "--steps", "100", "--jobs", "1")[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_it_shows_the_rate_and_the_rules_that_were_hit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["fuzz", "--walk", "--steps", "100", "--jobs", "1"]
    assert run(capsys, *asked)[2] == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    said = run(capsys, *asked)[2]
    assert re.search(rf"100 operations, [\d,]+ a second, \d+ of {len(RULES)} rules", said)


def test_what_was_never_compared_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_blind.py").write_text(HALF_BLIND)
    monkeypatch.chdir(tmp_path)
    asked = ["fuzz", "--walk", "--target", "half_blind:HalfBlind", "--steps", "100", "--jobs", "1"]
    code, out, _ = run(capsys, *asked)
    known = len(SYSTEM.variables)
    assert code == 0
    assert f"compared: 2 of {known} variables; in part block_state (4 entries never told)" in out
    document = json.loads(run(capsys, *asked, "--json")[1])
    jsonschema.validate(document, SCHEMA)
    assert len(document["untold"]["variables"]) == known - 2
    parts = document["untold"]["entries"]
    assert [(part["variable"], part["entries"]) for part in parts] == [("block_state", [0])] * 4


FAILING = """
import os, signal, sys
from memhp.engine.target import EngineTarget

class Failing(EngineTarget):
    operations = frozenset({"drain", "undrain"})

    def do(self, operation, *params):
        if operation == "drain":
            self.fail()
        return super().do(operation, *params)

class Ends(Failing):
    def fail(self):
        sys.exit(0)

class Dies(Failing):
    def fail(self):
        os.kill(os.getpid(), 9)

class Hangs(Failing):
    def fail(self):
        open("hanging", "w").close()
        signal.pause()

class Misspelt(EngineTarget):
    operations = frozenset({"undrain", "drian"})

class Answers(EngineTarget):
    def do(self, operation, *params):
        print("said by a target")
        return -16
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "failing.py").write_text(FAILING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


FEW = ["--walk", "--steps", "200", "--jobs", "1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("Ends", "SystemExit: 0 ("), ("Dies", "its process was killed (SIGKILL)")],
)
def test_a_target_that_ends_its_process_is_a_divergence_that_replays(
    name: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = f"failing:{name}"
    code, out, _ = run(capsys, "fuzz", "--target", target, *FEW, "-v")
    assert code == 1
    assert f"the target failed: {said}" in out
    assert ("in fail\n    sys.exit(0)" in out) is (name == "Ends")
    record = json.loads(Path("divergence.json").read_text())
    assert [name for name, *_ in record["operations"]] == ["drain"]
    code, out, _ = run(capsys, "replay", "divergence.json", "--target", target)
    assert code == 1
    assert f"the target failed: {said}" in out


class InThisProcess(workers.Workers):
    """Does a piece when its result is asked for."""

    work: tuple[Any, ...] | None = None

    @property
    def busy(self) -> int:
        return int(self.work is not None)

    @property
    def free(self) -> bool:
        return self.work is None

    def give(self, number: int, *work: Any) -> None:
        self.work = (number, *work)

    def finished(self) -> Iterator[tuple[int, Any]]:
        assert self.work is not None
        (number, *work), self.work = self.work, None
        yield number, self._do(*work)


def test_a_target_that_hangs_is_a_divergence_that_replays(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time flies as soon as it hangs, and stands still before."""
    hours, hanging = count(), here / "hanging"
    isolated = "memhp.checks.fuzz.isolated"
    monkeypatch.setattr("memhp.checks.support.cluster.Workers", InThisProcess)
    monkeypatch.setattr(f"{isolated}._LOOK", 0.01)
    monkeypatch.setattr(
        f"{isolated}.monotonic", lambda: 3600.0 * (hanging.exists() and next(hours))
    )
    code, out, _ = run(capsys, "fuzz", "--target", "failing:Hangs", *FEW, "--limit", "7")
    assert code == 1
    assert "the target failed: it did not answer within 7 s" in out
    record = json.loads(Path("divergence.json").read_text())
    assert record["operations"][-1][0] == "drain"
    hanging.unlink()
    code, out, _ = run(
        capsys, "replay", "divergence.json", "--target", "failing:Hangs", "--limit", "9"
    )
    assert code == 1
    assert "the target failed: it did not answer within 9 s" in out


def test_an_operation_that_is_none_and_an_answer_that_is_none_are_the_users_to_mend(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, said = run(capsys, "fuzz", "--target", "failing:Misspelt", *FEW)
    assert (code, out) == (2, "")
    assert "there is no operation 'drian' (did you mean drain?)" in said
    code, out, said = run(capsys, "fuzz", "--target", "failing:Answers", *FEW)
    assert (code, out) == (2, "")
    assert "returned -16: an errno is needed, or None for success (did you mean 16, EBUSY?)" in said
    assert not (here / "divergence.json").exists()


def test_what_was_not_drawn_is_not_called_free_of_divergence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["fuzz", "--walk", "--steps", "40", "--jobs", "1"]
    out = run(capsys, *asked)[1]
    document = json.loads(run(capsys, *asked, "--json")[1])
    jsonschema.validate(document, SCHEMA)
    drawn = {each["name"] for each in document["operations"]}
    assert sorted((*drawn, *document["never_drawn"])) == sorted(rule.name for rule in RULES)
    assert set(document["never_succeeded"]) < drawn
    assert f"no divergence in the {len(drawn)} operations that were drawn\n" in out
    assert f"never drawn ({len(RULES) - len(drawn)} of {len(RULES)}): " in out


def test_all_operations_are_listed_with_their_parameters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "fuzz", "--list")
    assert code == 0
    rows = [line.split(maxsplit=1) for line in out.splitlines()]
    assert {row[0] for row in rows if row} >= set(EVERY)
    assert ["alloc_folio", "Folio, Frame, 'anonymous' | 'page_cache' | 'none'"] in rows
    assert ["plug_subblock", "SubBlock"] in rows


def test_a_module_here_takes_the_place_of_none(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in this process nor in those that are started, nor for what a target imports."""
    for name in ("numpy", "pickle", "multiprocessing", "hypothesis", "struct"):
        (here / f"{name}.py").write_text("open('executed', 'w').close()")
    assert run(capsys, "fuzz", "--target", "failing:Dies", *FEW)[0] == 1
    assert run(capsys, "replay", "divergence.json")[0] == 0
    assert run(capsys, "replay", "divergence.json", "--target", "failing:Dies")[0] == 1
    assert not (here / "executed").exists()
    (here / "this.py").write_text("class Target: pass")
    code, _, said = run(capsys, "fuzz", "--target", "this:Target")
    assert code == 2
    assert "not the one here, which needs another name" in said


@pytest.mark.parametrize("option", ["--keep", "--out"])
@pytest.mark.parametrize("place", ["nowhere/file.json", "."])
def test_places_are_tried_before_the_run(
    option: str, place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, said = run(capsys, "fuzz", "--minutes", "1000", option, place)
    assert (code, out) == (2, "")
    assert "cannot write" in said
    assert [path.name for path in here.iterdir()] == ["failing.py"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_campaign_that_is_ended_is_kept(
    number: int, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done till then as it was done, too: nothing waits for the end."""
    kept = here / "kept.json"
    seen = []

    def end(*_: Any) -> list[Any]:
        if kept.exists():
            seen.append(json.loads(kept.read_text())["steps"])
            os.kill(os.getpid(), number)
        return waited(*_)

    waited = workers.wait
    monkeypatch.setattr(workers, "wait", end)
    code, out, said = run(capsys, "fuzz", *FEW, "--keep", str(kept))
    assert (code, seen) == (128 + number, [50])
    assert "50 operations on engine" in out
    assert "stopped; to go on: memhp fuzz" in said
    assert json.loads(kept.read_text())["begun"] == [1]
    monkeypatch.undo()


def test_a_divergence_does_not_replace_another_and_is_kept_at_once(
    buggy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("divergence.json").write_text("of yesterday")
    code, out, _ = run(capsys, "fuzz", "--target", buggy, *FEW)
    assert code == 1
    assert f"again: memhp replay divergence-2.json --target {buggy}" in out
    assert Path("divergence.json").read_text() == "of yesterday"
    assert Path("divergence-2.json").exists()


def test_before_anything_is_done_nothing_is_claimed(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "wait", stop)
    code, out, _ = run(capsys, "fuzz", *FEW)
    assert code == 130
    assert "nothing is finished yet: no operation was compared" in out
    assert "no divergence" not in out


def test_processes_that_are_killed_all_the_time_leave_it_open(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Losing(workers.Workers):
        def finished(self) -> Iterator[tuple[int, Any]]:
            for worker in self._busy:
                os.kill(worker._process.pid, signal.SIGKILL)
            return super().finished()

    monkeypatch.setattr("memhp.checks.support.cluster.Workers", Losing)
    code, _, said = run(capsys, "fuzz", *FEW, "--keep", "kept.json")
    assert code == 3
    first, *pieces = said.splitlines()
    assert first.endswith("(SIGKILL), 3 times each, whatever 3 pieces in a row do")
    assert [line.partition(":")[0] for line in pieces] == ["piece 0", "piece 1"]
    kept = json.loads(Path("kept.json").read_text())
    assert (kept["begun"], [number for number, _ in kept["deadly"]]) == ([2], [0, 1])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--target", "nonsense"], "give 'engine', or a class as module:Class"),
        (["--minutes", "soon"], "is not a number of minutes"),
        (["--limit", "0"], "'0' is not a number of seconds"),
        (["--limit", "inf"], "'inf' is not a number of seconds"),
        (["--steps", "0"], "is not a number of at least 1"),
        (["--keep", "."], "cannot write .: it is a folder"),
        (["--keep", "/dev/null"], "it is not a regular file"),
        (["--target", "..:x"], "give 'engine', or a class as module:Class"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = run(capsys, "fuzz", *argv)
    assert code == 2
    assert message in said


def test_a_class_is_compared_with_the_profile_that_it_names_or_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "as_linux.py").write_text(LINUX)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    walk = ["fuzz", "--walk", "--steps", "500", "--jobs", "1", "--target", "as_linux:Linux"]
    code, out, _ = run(capsys, *walk, "--keep", "kept.json", "--json", "-v")
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert (code, document["profile"]) == (0, "linux-6.12")
    linux = system_of(document["profile"]).of_kind("sometimes")
    assert {each["name"] for each in document["reached"]["sometimes"]} == {p.name for p in linux}
    code, out, _ = run(capsys, *walk, "--profile", "list-2004")
    assert (code, "compared with list-2004" in out) == (1, True)
    assert "pgdat[node3]: the reference has absent, the target initialised" in out
    assert "Linux's design is --profile linux-6.12" in out
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert kept["profile"] == "linux-6.12"
    code, _, err = run(capsys, *walk, "--keep", "kept.json", "--profile", "list-2004")
    assert (code, err.endswith("seed 0, compared with linux-6.12\n")) == (2, True)
    code, _, err = run(capsys, *walk, "--profile", "linux-16.12")
    assert (code, "did you mean linux-6.12?" in err) == (2, True)


def test_how_to_go_on_names_the_profile_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    asked = ["fuzz", "--walk", "--target", "engine", "--profile", "linux-6.12", "--jobs", "1"]
    with monkeypatch.context() as interrupted:
        interrupted.setattr("memhp.checks.support.workers.wait", stop)
        code, _, said = run(capsys, *asked)
    what = "--target engine --profile linux-6.12 --seed 0 --keep campaign.json"
    assert (code, said) == (130, f"stopped; to go on: memhp fuzz --walk {what}\n")


def test_a_step_that_the_profile_does_without_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = LINUX.replace('profile = "linux-6.12"', 'profile = "list-2004"')
    (tmp_path / "as_list.py").write_text(own.replace('"undrain"', '"free_pgdat"'))
    monkeypatch.chdir(tmp_path)
    target = ["fuzz", "--target", "as_list:Linux"]
    code, out, said = run(capsys, *target, "--profile", "linux-6.12")
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert "free_pgdat is no step of memhp+linux-6.12" in said


def test_a_kernel_is_compared_with_linux_alone(capsys: pytest.CaptureFixture[str]) -> None:
    target = ["fuzz", "--target", "kernel:x86_64-6.12"]
    code, _, err = run(capsys, *target, "--profile", "list-2004")
    assert (code, err) == (
        2,
        "memhp fuzz: a kernel is compared with the design of its own version of Linux: leave"
        " --profile away\n",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it cannot be read as JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"steps": ' + "1" * 5000 + "}", "it cannot be read as JSON"),
        ('{"steps": 1e999}', "too large a number"),
        ('{"steps": NaN}', "NaN is no number"),
        ("[]", "this is no campaign that memhp wrote"),
        ('{"memhp": "campaign", "version": 2, "mode": ["walk"]}', "no campaign of version 2"),
        (b"\xff", "it cannot be read as JSON"),
    ],
    ids=range(8),
)
def test_a_campaign_that_is_none_is_one_line_and_exit_2(
    text: str | bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    code, out, said = run(capsys, "fuzz", "--keep", str(path), "--out", str(tmp_path / "out"))
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert message in said


OWN = """
from memhp.checks.fuzz.campaign import Campaign, do
from memhp.checks.fuzz.rules import Rule
from memhp.engine.target import EngineTarget
from memhp.reference import Shape

class Own(EngineTarget):
    operations = frozenset({"drain", "undrain"})
    topologies = {"mine": Shape(blocks=3)}
    rules = (Rule("drain", ((0, 2),), weight=9),)

class Wrong(Own):
    rules = (Rule("drain", ((0, 3),)),)
"""


@pytest.mark.parametrize("mode", [["--walk"], []], ids=["walk", "hypothesis"])
def test_a_class_is_compared_on_machines_and_by_rules_of_its_own(
    mode: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "own_machines.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    words = ("fuzz", *mode, "--target", "own_machines:Own", "--steps", "500", "--jobs", "1")
    for _ in range(2):
        code, out, error = run(capsys, *words, "--keep", "kept.json", "--json")
        document = json.loads(out)
        assert (code, error) == (0, "")
        assert {each["machine"] for each in document["untold"]["entries"]} <= {"mine"}
        assert {each["name"] for each in document["operations"]} == {"drain", "undrain"}
    assert set(json.loads(Path("kept.json").read_text())["untold"]) == {"mine"}
    code, _, error = run(capsys, "fuzz", "--target", "own_machines:Wrong")
    assert (code, "draws Block 3, which is not on mine" in error) == (2, True)
