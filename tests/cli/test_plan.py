"""`memhp plan`: exit codes, the table, the document and the script, on records of guests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli.main import main

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "plan.json").read_text())
ADDITION = Path(memhp.cli.__file__).parent / "schema" / "addition.json"
DIMMS = "--machine=" + str(Path(__file__).parents[1] / "data" / "dimms.tar.gz")


def plan(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["plan", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = plan(capsys, *argv, "--json")
    told: dict[str, Any] = json.loads(out)
    jsonschema.validate(told, SCHEMA)
    return code, told


def test_a_size_that_can_go_is_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = document(capsys, "1GiB", DIMMS)
    assert (code, told["verdict"]) == (0, "can")
    assert [step["block"] for step in told["steps"]] == list(range(13, 5, -1))
    assert told["certified"] == {"steps": 8, "failures": []}
    assert told["cost"]["proved"]
    assert all(step["back"] == "online_kernel" for step in told["steps"])


def test_a_node_with_blocks_that_cannot_be_told_is_exit_3(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, told = document(capsys, "--node", "1", DIMMS)
    assert (code, told["verdict"]) == (3, "may")
    assert told["already_offline"] == [40, 41, 42, 43]
    assert told["left"]["memoryless_nodes"] == [1]
    assert {to["node"] for step in told["steps"] for to in step["to"]} == {0}
    back = {step["zone"]: step["back"] for step in told["steps"]}
    assert back == {"Normal": "online_kernel", "Movable": "online_movable"}


def test_what_cannot_go_is_exit_1_with_facts_holders_and_cures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, told = document(capsys, "--node", "0", DIMMS)
    assert (code, told["verdict"], told["nearest"]) == (1, "cannot", "can")
    assert len(told["steps"]) == 13
    facts = [fact for core in told["obstacles"] for fact in core]
    refused = [fact for fact in facts if fact["name"].startswith("refused")]
    assert len(refused) == 3
    assert all(fact["holder"] and fact["cures"] for fact in refused)


def test_the_table_says_first_whether_then_how(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = plan(capsys, "1GiB", DIMMS)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].endswith("free 1 GiB, 8 blocks of 128 MiB")
    assert lines[1].startswith("can in about ")
    assert lines[4].split()[:5] == ["13-6", "0", "DMA32", "1", "GiB"]
    assert "no choice of blocks is surer and moves less (proved)" in out
    _, out, _ = plan(capsys, "3GiB", DIMMS)
    assert "cannot: 1.625 GiB of 3 GiB can" in out
    assert "these together forbid it:" in out
    assert "block 0 of node 0 (128 MiB): the block spans several zones or nodes (one_zone)" in out
    _, out, _ = plan(capsys, "--node", "0", DIMMS, "-v")
    assert "each of these alone forbids it:" in out
    assert sum(line[:2].strip().isdigit() for line in out.splitlines()) == 13


def test_a_plan_is_kept_for_apply(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "plan.json"
    assert plan(capsys, "1GiB", DIMMS, "--out", str(kept))[0] == 0
    jsonschema.validate(json.loads(kept.read_text()), SCHEMA)


def test_the_way_in_has_a_table_and_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = plan(capsys, "--add", "1GiB", DIMMS)
    assert code == 0
    assert "can: 8 blocks, 1 GiB" in out
    assert "mem_map first: 16 MiB" in out
    code, out, _ = plan(capsys, "--add", "100MiB", DIMMS, "--json")
    assert code == 1
    told = json.loads(out)
    jsonschema.validate(told, json.loads(ADDITION.read_text()))
    assert told["behind"] == 100 << 20


def machine(root: Path) -> Path:
    """A folder like /sys/devices/system/memory with the blocks 6 to 13."""
    root.mkdir()
    (root / "block_size_bytes").write_text("8000000\n")
    for block in range(6, 14):
        folder = root / f"memory{block}"
        folder.mkdir()
        (folder / "state").write_text("online\n")
        (folder / "valid_zones").write_text("DMA32\n")
    return root


def shell(script: Path, memory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(script)],
        env={**os.environ, "MEMORY": str(memory)},
        capture_output=True,
        text=True,
    )


def states(memory: Path) -> set[str]:
    return {path.read_text().strip() for path in memory.glob("memory*/state")}


def test_the_script_does_the_plan_or_goes_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = plan(capsys, "1GiB", DIMMS, "--script")
    assert code == 0
    script = tmp_path / "it.sh"
    script.write_text(out)
    memory = machine(tmp_path / "memory")
    done = shell(script, memory)
    assert (done.returncode, done.stderr) == (0, "")
    assert states(memory) == {"offline"}
    other = machine(tmp_path / "other")
    (other / "memory9" / "valid_zones").write_text("Movable\n")
    done = shell(script, other)
    assert done.returncode == 1
    assert "block 9 is in zone Movable now, not DMA32" in done.stderr
    assert states(other) == {"online", "online_kernel"}
    wrong = machine(tmp_path / "wrong")
    (wrong / "block_size_bytes").write_text("80000000\n")
    assert shell(script, wrong).returncode == 2
    assert states(wrong) == {"online"}


def test_there_is_no_script_for_what_cannot_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = plan(capsys, "--node", "0", DIMMS, "--script")
    assert (code, out) == (2, "")
    assert "cannot be done whole" in err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([DIMMS], "what is to go?"),
        (["1GiB", "--blocks", "3", DIMMS], "several goals"),
        (["--node", "9", DIMMS], "--node: there is no node 9"),
        (["--device", "dax9.9", DIMMS], "--device"),
        (["--blocks", "500", DIMMS], "no block 500"),
        (["1GiB", "--json", "--script", DIMMS], "give one"),
        (["1GiB", "--yes", DIMMS], "are about --apply"),
        (["1GiB", "--add", "1GiB", DIMMS], "--add is the way in"),
        (["--add", "dax9.9", DIMMS], "no memory of 'dax9.9' to add"),
        (["1GiB", "--profile", "linux-0.1", DIMMS], "no profile"),
        (["1GiB", "--machine", "/not/there"], "no such file"),
        (["1GiB", "--costs", "/not/there", DIMMS], "No such file"),
        (["1GiB", "--reboot", "x", DIMMS], "neither seconds"),
    ],
)
def test_what_is_no_goal_or_no_machine_is_a_line_and_exit_2(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = plan(capsys, *argv)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["64MiB", "RECORD"], "free 64 MiB"),
        (["--node", "1", "RECORD"], "free node 1"),
        (["RECORD", "--blocks", "34"], "free blocks 34"),
        (["64MiB", "--machine", "RECORD"], "free 64 MiB"),
        (["64MiB", "--node", "1", "RECORD"], "free 64 MiB of node 1"),
    ],
)
def test_the_machine_stands_after_the_size_or_alone(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record = str(Path(__file__).parents[1] / "data" / "dimms.tar.gz")
    assert main(["plan", *(record if word == "RECORD" else word for word in words)]) in (0, 1, 3)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("words", [["64MiB", "a", "b"], ["64MiB", "a", "--machine", "b"], ["a"]])
def test_two_machines_and_a_size_that_is_none_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *words]) == 2
    assert capsys.readouterr().err.startswith("memhp plan: ")
