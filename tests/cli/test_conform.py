"""`memhp lab conform`: what is shown and kept of real kernels, and what is refused (no guests)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

import memhp.cli
from memhp.cli import conform
from memhp.cli.conform import markdown
from memhp.cli.main import main
from memhp.lab.conform import results
from memhp.lab.conform.evidence import recorded
from memhp.lab.conform.report import Disagreement, Lost, Report, Tally
from memhp.lab.conform.results import (
    Results,
    ResultsError,
    Seen,
    disagreement,
    operations_of,
    rules_of,
)
from memhp.lab.conform.scenarios import SCENARIOS, Check
from memhp.lab.kernels.kernel import Kernel
from memhp.spec import profiles
from memhp.spec.language.system import Action
from memhp.spec.linux import CHOICES
from memhp.spec.rows import ROWS
from memhp.spec.system import SYSTEM

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "kernels.json").read_text())
REPORT = Report(
    {"write_state": Tally(3, 1), "add_device": Tally(2, deviating=1)},
    deviations={"refused-zone-remembered": 1},
    seconds=1.5,
)
CHECKS = {SCENARIOS[0]: (Check("a", "1", "1"),), SCENARIOS[1]: (Check("b", "1", "1"),)}
GOOD = Seen.of("x86_64-6.1", "6.1.0", 7, REPORT, CHECKS)
CAMPAIGN = "memhp.lab.conform.campaign"
RESULTS = Results("2026-11-24", "QEMU", "0", (GOOD,))


@pytest.fixture(autouse=True)
def no_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


def shown(results: Results, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    path = Path("kernels.json")
    path.write_text(json.dumps(results.to_json()))
    code = main(["lab", "conform", "--show", str(path), *more])
    return code, capsys.readouterr().out


def test_junit_has_a_suite_for_each_kernel_with_what_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out = shown(RESULTS, capsys, "--junit")
    (suite,) = ElementTree.fromstring(out)
    names = [case.get("name") for case in suite.findall("testcase")]
    assert (code, suite.get("failures")) == (0, "0")
    assert names == [*GOOD.operations, *GOOD.scenarios, "no guest is lost"]
    assert suite.get("tests") == str(len(names))
    name, tally = next(iter(GOOD.operations.items()))
    changed = {**GOOD.operations, name: replace(tally, disagreed=2)}
    bad = replace(GOOD, operations=changed, scenarios={"another_one": False}, lost=1)
    code, out = shown(replace(RESULTS, kernels=(bad,)), capsys, "--junit")
    (suite,) = ElementTree.fromstring(out)
    failed = [case.get("name") for case in suite.findall("testcase") if len(case)]
    assert (code, suite.get("failures")) == (1, "3")
    assert failed == [name, "another_one", "no guest is lost"]


def test_a_page_says_who_does_as_was_predicted_and_who_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = SCENARIOS[0].name
    bad = replace(GOOD, kernel="other", scenarios={name: False})
    code, _ = shown(replace(RESULTS, kernels=(GOOD, bad)), capsys, "--html", "page.html")
    page = Path("page.html").read_text()
    assert code == 1
    assert "Not as the specification says: other." in page
    (row,) = [part for part in page.split("<tr>") if f"<code>{name}</code>" in part]
    agree, _, differ = row.partition("not by")
    assert GOOD.kernel in agree
    assert "other" in differ
    code, _ = shown(RESULTS, capsys, "--html", "page.html")
    assert "All do as the specification says." in Path("page.html").read_text()
    assert main(["lab", "conform", "--show", "--html", "no/page.html"]) == 2


def test_ktap_has_a_test_for_each_kernel_operation_and_scenario(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out = shown(RESULTS, capsys, "--ktap")
    lines = out.splitlines()
    assert lines[:2] == ["KTAP version 1", f"1..{len(RESULTS.kernels)}"]
    results = [line for line in lines if line.startswith(("ok ", "not ok "))]
    assert [line.split()[-1] for line in results] == [each.kernel for each in RESULTS.kernels]
    for each in RESULTS.kernels:
        ok = "ok" if each.agrees else "not ok"
        assert any(line.startswith(f"{ok} ") and each.kernel in line for line in results)
    inner = [line.strip() for line in lines if line.startswith(("  ok ", "  not ok "))]
    tests = [len(each.operations) + len(each.scenarios) + 1 for each in RESULTS.kernels]
    assert [int(re.findall(r"\d+", line)[0]) for line in inner] == [
        number for count in tests for number in range(1, count + 1)
    ]
    bad = replace(RESULTS, kernels=(replace(RESULTS.kernels[0], lost=1),))
    code, out = shown(bad, capsys, "--ktap")
    assert code == 1
    assert "  not ok " in out
    assert out.splitlines()[-1].startswith("not ok 1 ")


def test_what_was_kept_is_shown_again(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = shown(RESULTS, capsys)
    assert code == 0
    assert "x86_64-6.1 (6.1.0): 7 steps in 2 s" in out
    assert "deviation refused-zone-remembered: 1 times" in out
    assert f"scenario {SCENARIOS[0].name}: as predicted" in out
    code, out = shown(RESULTS, capsys, "--json")
    jsonschema.validate(json.loads(out), SCHEMA)
    assert Results.from_json(json.loads(out)) == RESULTS


def test_a_step_a_scenario_or_a_guest_that_fails_is_exit_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = Report({"write_state": Tally(disagreed=1)})
    lost = Report({"write_state": Tally(1)}, lost=[Lost((), "it died")])
    failed = {SCENARIOS[0]: (Check("a", "1", "2"),)}
    for seen in (
        Seen.of("k", "6", 1, wrong, {}),
        Seen.of("k", "6", 1, lost, {}),
        Seen.of("k", "6", 1, REPORT, failed),
    ):
        assert shown(Results("", "", "", (GOOD, seen)), capsys)[0] == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--kernels", "x86_64-6.2"], "did you mean"),
        (["--kernels", "x86_64-6.1"], "memhp lab fetch x86_64-6.1"),
        ([], "memhp lab fetch"),
        (["--show", "missing.json"], "cannot read missing.json"),
        (["--save", "no/folder.json"], "--save no/folder.json: there is no such folder"),
        (["--kernels", "x86_64-6.1", "--modules", "."], "--modules goes with an image"),
        (["--show", "bad.json"], "bad.json: no results of kernels"),
        (["--show", "deep.json"], "deep.json: it is nested too deeply"),
        (["--show", "/dev/zero"], "/dev/zero: it is larger than"),
        (["--save", "."], "--save .: it is a folder"),
        (["--save", "loop/x.json"], "--save loop/x.json: "),
        (["--save", f"{'x' * 300}/x.json"], "x.json: "),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.json").write_text('{"memhp": "trace"}')
    Path("deep.json").write_text("[" * 100_000)
    Path("loop").symlink_to("loop")
    assert main(["lab", "conform", *words]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_a_disagreement_is_kept_and_wants_its_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    operations = (("add_device", (1,)), ("write_state", (4, "online")))
    found = Disagreement(operations, None, (22,), (), ("zone of 4",), ())
    document = disagreement("x86_64-6.1", operations, str(found))
    assert operations_of(json.loads(json.dumps(document))) == operations
    assert "step 2: write_state(4, 'online')" in document["report"]
    Path("found.json").write_text(json.dumps(document))
    assert main(["replay", "found.json"]) == 2
    assert "--target kernel:x86_64-6.1" in capsys.readouterr().err
    assert main(["replay", "found.json", "--target", "kernel:x86_64-6.1"]) == 2
    assert "memhp lab fetch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("operation", "complaint"),
    [
        (["add_device", None], "add_device takes a number of 1 to 2"),
        (["add_device", True], "add_device takes a number of 1 to 2"),
        (["write_state", 8, "offline"], "write_state takes a number of 0 to 7, and a word"),
        (["write_state", 4], "and a word"),
        (["remove", 4], "there is no operation 'remove'; there are write_state"),
        (["release"], "release takes a number of 0 to 3"),
        (5, "no disagreement with a kernel"),
        (["x" * 100_000], "there is no operation 'xxx"),
        ([[[]]], "there is no operation that is no word"),
        (["write_state", 4, "\ud800"], "and a word"),
        (["write_state", 4, "x" * 1_000_000], "and a word"),
        (["add_device", 10**400], "add_device takes a number of 1 to 2"),
    ],
)
def test_an_operation_that_is_none_is_told(
    operation: object, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {**disagreement("x86_64-6.1", (), ""), "operations": [operation]}
    Path("found.json").write_text(json.dumps(document))
    assert main(["replay", "found.json", "--target", "kernel:x86_64-6.1"]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert len(error) < 1000


WRONG = [None, True, -1, 1.5, "x", "\x1b[31m", "[/x]", [], [[]], {}, {"[/x]": 1}, 10**400, 1 << 64]


def members(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each list or object in it, with each of its places."""
    if isinstance(document, dict | list):
        places = list(document) if isinstance(document, dict) else range(len(document))
        for place in places:
            yield document, place
            yield from members(document[place])


def test_results_of_another_kind_are_refused_or_shown(capsys: pytest.CaptureFixture[str]) -> None:
    seen = replace(GOOD, changes=("a",))
    text = json.dumps(Results("2026-11-24", "QEMU", "0", (seen,)).to_json())
    path = Path("kernels.json")
    refused: list[str] = []
    for number in range(len(list(members(json.loads(text))))):
        for wrong in WRONG:
            document = json.loads(text)
            holder, place = list(members(document))[number]
            holder[place] = wrong
            try:
                Results.from_json(document)
            except ResultsError as error:
                refused.append(str(error))
                continue
            path.write_text(json.dumps(document))
            assert main(["lab", "conform", "--show", str(path)]) in (0, 1)
            assert "\x1b" not in capsys.readouterr().out
    assert all(map(str.isprintable, refused))


@pytest.mark.parametrize("kernel", [None, 5, [[]], "\x1b[31m", "x" * 100_000])
def test_a_disagreement_names_its_kernel(
    kernel: object, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {**disagreement("x", (), ""), "kernel": kernel}
    Path("found.json").write_text(json.dumps(document))
    assert main(["replay", "found.json"]) == 2
    error = capsys.readouterr().err
    assert "no disagreement with a kernel" in error
    assert len(error) < 1000


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["kernel:x86_64-6.1"], "memhp lab fetch x86_64-6.1"),
        (["kernel:image"], "image is no kernel image that a guest boots"),
        (["kernel:x86_64-6.1", "--keep", "c.json"], "--keep does not go with a kernel"),
        (["kernel:x86_64-6.1", "--jobs", "2"], "--jobs does not go with a kernel"),
        (["kernel:x86_64-6.1", "-v"], "--verbose does not go with a kernel"),
        (["kernel:x86_64-6.1", "--out", "d.json"], "--out does not go with a kernel"),
    ],
)
def test_fuzz_takes_a_kernel_that_is_here_and_what_goes_with_it(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("image").write_bytes(b"")
    assert main(["fuzz", "--target", *words]) == 2
    assert complaint in capsys.readouterr().err


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Kernel]:
    """Two kernels, on which nothing is booted."""
    kernels = [Kernel(name, "x86_64", Path(), version="6") for name in ("one", "two")]
    monkeypatch.setattr(conform, "_kernels", lambda args: kernels)
    monkeypatch.setattr("memhp.lab.conform.target.KernelTarget.boot", lambda self: None)
    return kernels


@pytest.mark.usefixtures("here")
def test_ctrl_c_shows_and_keeps_what_was_found_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def walk(*words: object, progress: Callable[[Report], None], **more: object) -> None:
        progress(REPORT)
        raise KeyboardInterrupt

    monkeypatch.setattr(f"{CAMPAIGN}.walk", walk)
    words = ["--no-scenarios", "--save", "kept.json"]
    assert main(["lab", "conform", *words]) == 130
    out, err = capsys.readouterr()
    assert "one (6): 7 steps" in out
    assert err == "memhp lab: stopped while one was held\n"
    kept = Results.from_json(json.loads(Path("kept.json").read_text()))
    assert [each.kernel for each in kept.kernels] == ["one"]


@pytest.mark.usefixtures("here")
def test_kernels_are_held_on_a_cluster_and_in_shards_and_one_that_ends_its_worker_is_told(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def walk(*words: object, progress: Callable[[Report], None], **more: object) -> None:
        progress(REPORT)

    monkeypatch.setattr(f"{CAMPAIGN}.walk", walk)
    words = ["lab", "conform", "--no-scenarios", "--json"]
    assert main([*words, "--cluster", "local"]) == 0
    seen = json.loads(capsys.readouterr().out)["kernels"]
    assert [each["kernel"] for each in seen] == ["one", "two"]
    assert main([*words, "--shard", "2/2"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"] == seen[1:]
    cluster.losing = (0,)
    assert main([*words, "--cluster", "local", "--seed", "7"]) == 3
    out, err = capsys.readouterr()
    assert [each["kernel"] for each in json.loads(out)["kernels"]] == ["two"]
    assert err.endswith(
        "memhp lab: one: a worker of the cluster was ended; again: memhp lab conform --kernels one"
        " --seed 7\n"
    )
    assert main([*words, "--shard", "3/3"]) == 2


def test_ctrl_c_while_a_disagreement_is_made_shorter_loses_nothing(
    here: list[Kernel], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shrunk(*words: object, **more: object) -> None:
        raise KeyboardInterrupt

    operations = (("add_device", (1,)),)
    found = Disagreement(operations, None, (22,), (), ("zone of 4: a expected, b seen",), ())
    report = Report({"add_device": Tally(disagreed=2)}, [found, found])
    monkeypatch.setattr(f"{CAMPAIGN}.walk", lambda *words, progress, **more: progress(report))
    monkeypatch.setattr(f"{CAMPAIGN}.shrunk", shrunk)
    assert main(["lab", "conform", "--no-scenarios", "--save", "kept.json"]) == 1
    out, err = capsys.readouterr()
    assert "one (6): 2 steps" in out
    assert err.count("again: memhp replay disagreement-one") == 2
    assert sorted(path.name for path in Path().glob("dis*")) == [
        "disagreement-one-2.json",
        "disagreement-one.json",
    ]
    (kept,) = Results.from_json(json.loads(Path("kept.json").read_text())).kernels
    assert kept.stopped
    jsonschema.validate(json.loads(Path("kept.json").read_text()), SCHEMA)


@pytest.mark.usefixtures("here")
def test_ctrl_c_in_a_scenario_keeps_those_that_were_played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(scenario: object, *words: object) -> tuple[Check, ...]:
        if scenario is SCENARIOS[1]:
            raise KeyboardInterrupt
        return (Check("a", "1", "1"),)

    monkeypatch.setattr(f"{CAMPAIGN}.walk", lambda *words, progress, **more: progress(REPORT))
    monkeypatch.setattr(f"{CAMPAIGN}.run", play)
    monkeypatch.setattr("memhp.lab.conform.scenarios.scenarios_of", lambda _: SCENARIOS)
    assert main(["lab", "conform"]) == 130
    out = capsys.readouterr().out
    assert f"scenario {SCENARIOS[0].name}: as predicted" in out
    assert SCENARIOS[1].name not in out
    assert "two (6)" not in out


def test_the_record_has_every_scenario_and_the_document_shows_it() -> None:
    results = recorded()
    seen = {name for each in results.kernels for name in each.scenarios}
    assert seen == {scenario.name for scenario in SCENARIOS}
    assert all(each.agrees for each in results.kernels)
    shown = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text()
    assert markdown(results) in shown, "paste: memhp lab conform --show --markdown"


def _rules_with(changed: Action) -> str:
    """The fingerprint if one action is another."""
    actions = (changed if each.name == changed.name else each for each in SYSTEM.actions)
    return rules_of(replace(SYSTEM, actions=tuple(actions)))


def test_the_rules_are_those_that_kernels_are_followed_with_and_no_words() -> None:
    rules = rules_of(SYSTEM)
    action = SYSTEM.action_by_name["allocate_memmap"]
    first, *others = action.guards
    assert _rules_with(replace(action, doc="other words")) == rules
    assert _rules_with(replace(action, guards=tuple(others))) != rules
    assert _rules_with(replace(action, guards=(replace(first, errno=99), *others))) != rules
    assert rules_of(replace(SYSTEM, properties=SYSTEM.properties[:-1])) == rules


def test_what_linux_does_not_do_is_none_of_the_rules() -> None:
    """It is dropped from the profile, so that no kernel was held against it."""
    dropped = SYSTEM.action_by_name["free_pgdat"]
    assert _rules_with(replace(dropped, guards=dropped.guards[1:])) == rules_of(SYSTEM)


def _without_an_edit(patch: pytest.MonkeyPatch) -> None:
    first, *others = CHOICES
    patch.setattr(profiles, "CHOICES", (replace(first, edits=first.edits[:-2]), *others))


def _another_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(results, "CHANGES", tuple((a, b + 1) for a, b in results.CHANGES))


def _nothing_before(patch: pytest.MonkeyPatch) -> None:
    """What older kernels did is edited away; the versions stay."""
    patch.setattr(profiles, "CHOICES", tuple(c for c in CHOICES if c.before is None))


@pytest.mark.parametrize("edit", [_without_an_edit, _another_version, _nothing_before])
def test_an_edit_of_linuxs_profile_changes_the_fingerprint(
    edit: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rules_of(SYSTEM)
    edit(monkeypatch)
    assert rules_of(SYSTEM) != before


def test_the_rows_that_claim_a_kernel_are_those_that_scenarios_show() -> None:
    shown = {row for scenario in SCENARIOS for row in scenario.rows}
    assert shown == {row.id for row in ROWS if "kernel" in row.claims}
