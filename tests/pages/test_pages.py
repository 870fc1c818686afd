"""Pages: one file that loads nothing, says what was found, and quotes what others wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.decision import Decision
from memhp.checks.search.usual import first_violation
from memhp.checks.support.verdicts import Verdict
from memhp.cli.main import main
from memhp.cli.names import find_variant, system_of
from memhp.machines.reading.units import in_units
from memhp.pages.check import check_page
from memhp.pages.kernels import Played, kernels_page
from memhp.pages.machine import machine_page
from memhp.pages.trace import Heading, trace_page
from memhp.reference import Trace
from memhp.spec.system import SYSTEM

EVIL = '</script><img src=x onerror="alert(1)"> & \' " <!--'
_LOADS = re.compile(r"""(?:src|href)=["'](?!#|data:)|url\((?!#)|@import|fetch\(|XMLHttp""")


@pytest.fixture(scope="module")
def run() -> tuple[Trace, str]:
    """The shortest run of a wrong design, and its page."""
    variant = find_variant("object-rmap-alone")
    system = system_of([variant])
    witness = first_violation(system, variant.breaks)
    assert witness
    trace = witness.trace(system)
    heading = Heading(variant.name, variant.doc)
    return trace, trace_page(system, trace, heading, claim=witness.claim, right=SYSTEM)


def embedded(page: str) -> Any:
    """The document that the page carries."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def test_a_page_loads_nothing(run: tuple[Trace, str]) -> None:
    pages = [run[1], check_page(SYSTEM, "check", [], ""), machine_page(machine([]), "machine")]
    for page in pages:
        assert not _LOADS.search(page)
        assert "default-src 'none'" in page


def test_the_page_of_a_run_carries_the_run(run: tuple[Trace, str]) -> None:
    trace, page = run
    system = system_of([find_variant("object-rmap-alone")])
    assert Trace.from_itf(embedded(page), system) == trace


def test_each_step_is_there_with_what_it_changed(run: tuple[Trace, str]) -> None:
    trace, page = run
    sections = page.split('<section class="state"')[1:]
    assert len(sections) == len(trace.steps) + 1
    for step, section in zip(trace.steps, sections[1:], strict=True):
        assert f"<code>{step.action}(" in section
        assert "<li><code>" in section
        assert section.count("<svg") == 1


def test_the_guard_that_the_design_lost_is_told_where_it_would_have_refused(
    run: tuple[Trace, str],
) -> None:
    page = run[1]
    assert page.count("The right specification refuses this step") == 1
    assert "a PTE still maps the folio" in page


def test_a_row_that_is_violated_is_no_light_that_is_on(run: tuple[Trace, str]) -> None:
    boot, *_, last = run[1].split('<section class="state"')[1:]
    assert "violated" not in boot
    assert re.search(r'class="out" title="M1: [^"]*">M1 ✗ violated', last)
    assert "Violated:" in last


def test_a_page_of_a_run_of_twenty_steps_is_small() -> None:
    system = SYSTEM
    from memhp.reference import Machine, Shape, Step

    machine = Machine(system, Shape(nodes=2, blocks=2, folios=3).build(system))
    steps = []
    for _ in range(20):
        action, params = list(machine.enabled())[len(steps) % 7]
        machine.step(action, **params)
        steps.append(Step(action, params))
    page = trace_page(system, Trace(system.name, machine.topology, tuple(steps)), Heading("run"))
    assert len(page.encode()) < 500_000


def machine(blocks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "source": EVIL,
        "architecture": {"names": ["x86_64"]},
        "design": None,
        "notes": [EVIL],
        "block_size": 1 << 27,
        "summary": {"yes": len(blocks)},
        "blocks": blocks,
        **more,
    }


def block(number: int, **more: Any) -> dict[str, Any]:
    said = {"verdict": "yes", "node": 0, "zone": "Movable", "state": "online", "why": EVIL}
    rest = {"guard": None, "errno": None, "likelihood": None, "missing": [], "device": None}
    return {"number": number, "address": number << 27, **said, **rest, **more}


def test_what_a_machine_says_is_quoted() -> None:
    page = machine_page(machine([block(1), block(2, why="other", device=EVIL)]), EVIL)
    assert "<img" not in page
    assert EVIL not in page
    assert embedded(page)["source"] == EVIL


def test_blocks_of_which_the_same_is_said_are_one_stretch() -> None:
    blocks = [block(n) for n in (3, 4, 5, 8)] + [block(9, verdict="no")]
    page = machine_page(machine(blocks), "machine")
    assert re.findall(r'<tr id="blocks-(\d+)">', page) == ["3", "8", "9"]
    assert "<b>3-5</b>" in page
    assert "384 MiB" in page


def test_the_blocks_that_are_not_shown_are_counted() -> None:
    blocks = [block(n, why=str(n)) for n in range(4_003)]
    assert "3 blocks more" in machine_page(machine(blocks), "machine")


def test_what_a_kernel_is_called_is_quoted_and_shares_of_steps_fill_a_bar() -> None:
    tally = {"determined": 3, "allowed": 1, "changed": 0, "deviating": 0, "disagreed": 0}
    kernel = {
        "kernel": EVIL, "version": EVIL, "steps": 4, "seconds": 1.0, "seed": 1, "lost": 0,
        "operations": {EVIL: {**tally, "seconds": 1.0}}, "deviations": {EVIL: 1},
        "scenarios": {EVIL: True}, "changes": [EVIL], "stopped": False,
    }  # fmt: skip
    document = {"date": EVIL, "qemu": EVIL, "kernels": [kernel]}
    page = kernels_page(document, [Played(EVIL, EVIL, [EVIL], True)], [EVIL], EVIL)
    assert EVIL not in page
    assert "<img" not in page
    assert embedded(page) == document
    shares = re.findall(r'class="(\w+)" x="([\d.]+)" width="([\d.]+)"', page)
    assert shares == [("determined", "0.00", "75.00"), ("allowed", "75.00", "25.00")]


def test_what_did_not_pass_stands_above_the_rows() -> None:
    claims = list(SYSTEM.of_kind("always"))[:2]
    decisions = [
        Decision(claims[0], Verdict.proved, "induction", "every size", 0.0),
        Decision(claims[1], Verdict.undetermined, "induction", "every size", 0.0),
    ]
    page = check_page(SYSTEM, "check", decisions, "two")
    above, *rows = page.split('<details class="row">')
    assert claims[1].name in above
    assert claims[0].name not in above
    assert claims[0].name in "".join(rows)


def test_what_no_search_violates_is_not_called_reached() -> None:
    (claim,) = list(SYSTEM.of_kind("always"))[:1]
    page = check_page(
        SYSTEM, "scope", [Decision(claim, Verdict.holds, "search", "depth 1", 0.0)], ""
    )
    assert "not violated on the machines that were searched" in page
    assert "reached by a trace" not in page


def test_a_name_that_is_not_utf_8_can_be_written() -> None:
    assert "\\udcff.tar" in machine_page(machine([]), "\udcff.tar")


@pytest.mark.parametrize("words", [["check", "--mutants"], ["check", "--verify-proofs", "proofs"]])
def test_where_there_is_no_page_the_option_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--html", str(tmp_path / "page.html")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_plan_shows_what_moves_where_and_what_forbids_it(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.html"
    assert main(["plan", "--node", "1", str(sample), "--json", "--html", str(file)]) == 3
    document = json.loads(capsys.readouterr().out)
    page = file.read_text()
    assert embedded(page) == document
    moved = sum(to["bytes"] for step in document["steps"] for to in step["to"])
    assert f"{in_units(moved)} from node 1 to node 0" in page
    assert main(["plan", "--blocks", "14", str(sample), "--html", str(file)]) == 1
    assert "the block holds unmovable kernel memory" in file.read_text()


def test_commands_write_pages(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "trace.json"
    pages = {name: str(tmp_path / f"{name}.html") for name in ("variant", "run", "machine", "n2")}
    variant = ["check", "--variant", "lock-left-held", "--trace", str(trace)]
    assert main([*variant, "--html", pages["variant"]]) == 1
    assert main(["replay", str(trace), "--html", pages["run"]]) == 1
    assert main(["inspect", str(sample), "--html", pages["machine"]]) == 0
    assert main(["check", "--only", "N2", "--html", pages["n2"]]) == 0
    for page in pages.values():
        assert Path(page).read_text().startswith("<!DOCTYPE html>")
    assert main(["replay", str(trace), "--html", str(tmp_path / "no" / "page.html")]) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.fixture
def sample() -> Path:
    """A record of a real machine."""
    return Path(__file__).parents[1] / "data" / "dimms.tar.gz"
