"""`memhp explore`: its verdicts, its document, its exit codes, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.checks.support.compiler import compiler
from memhp.cli.main import main

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "explore.json").read_text())
BLOCKS = ["--scope", "block=2", "--machine", "1", "--actions", "blocks,alloc_kernel"]


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(["explore", *argv])
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, "--json", *argv)
    found: dict[str, Any] = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    return code, found


def test_the_document_says_what_was_searched_and_found(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(capsys, *BLOCKS)
    assert (code, found["verdict"]) == (0, "holds")
    (machine,) = found["machines"]
    assert (machine["end"], machine["sizes"]["Block"]) == ("complete", 2)
    assert sum(machine["layers"]) == machine["states"] < machine["transitions"]
    reached = {p["name"]: p.get("depth") for p in machine["properties"]}
    assert reached["an_offline_is_cancelled"] == 3
    assert reached["a_device_is_ejected"] is None


def test_what_is_reached_comes_first_and_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = [*BLOCKS, "--depth", "3"]
    out = run(capsys, *argv)[1]
    rows = out.partition("first at")[2].partition("not reached: ")[0].splitlines()[1:]
    steps = [int(row.split()[0]) for row in rows]
    assert steps == sorted(steps)
    assert steps
    count, _, rest = out.partition("not reached: ")[2].partition(" (--all names them)")
    assert "a_device_is_ejected" not in rest
    every = run(capsys, *argv, "--all")[1].partition(f"not reached: {count}\n")[2].splitlines()
    names = [line.strip() for line in every if line.startswith("  ")]
    assert "a_device_is_ejected" in names
    assert f"{len(names)} of {len(names) + len(steps)}" == count
    named = run(capsys, *argv, "--only", "a_device_is_ejected")[1]
    assert "not reached: 1 of 1\n  a_device_is_ejected\n" in named


def test_without_a_compiler_the_document_is_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = [*BLOCKS, "--depth", "3", "--only", "an_offline_is_cancelled"]
    expected = document(capsys, *argv)[1]["machines"][0]
    monkeypatch.setenv("CC", "no-such-compiler")
    found = document(capsys, *argv)[1]["machines"][0]
    assert found["engine"] == "python"
    for name in ("states", "transitions", "depth", "layers", "end"):
        assert found[name] == expected[name]
    _, _, err = run(capsys, *argv)
    assert "no C compiler" in err


def test_a_variant_is_refuted_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--scope", "block=2", "--machine", "1", "--variant", "lock-left-held"]
    code, out, _ = run(capsys, *argv, "--only", "the_lock_is_held_while_a_block_changes", "--slice")
    assert code == 1
    assert "refuted: the_lock_is_held_while_a_block_changes" in out
    assert "  1 begin_o" in out


def test_what_is_not_reached_counts_only_if_it_was_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "an_offline_is_cancelled"
    assert run(capsys, *BLOCKS, "--depth", "1")[0] == 0
    assert run(capsys, *BLOCKS, "--depth", "1", "--only", name)[0] == 3
    assert run(capsys, *BLOCKS, "--depth", "3", "--only", name)[0] == 0


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
def test_symmetry_and_slices_leave_fewer_states(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--scope", "block=3", "--machine", "1", "--actions", "blocks,frames", "--count"]
    sizes = [
        document(capsys, *argv, *more)[1]["machines"][0]["states"]
        for more in ([], ["--slice"], ["--slice", "--symmetry"])
    ]
    assert sizes[0] >= sizes[1] > sizes[2]


def test_the_model_for_spin_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "model.pml"
    assert run(capsys, *BLOCKS, "--count", "--promela", str(path))[0] == 0
    assert "active proctype machine()" in path.read_text()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--scope", "block=zero"], "from 1 to 255"),
        (["--scope", "block=1", "--machine", "7"], "--machine 7: scope block=1 has 1"),
        (["--actions", "blocs"], "did you mean blocks?"),
        (["--only", "an_offline_is_canceled"], "did you mean an_offline_is_cancelled?"),
        (["--memory", "lots"], "'lots' is not an amount of memory such as 900M or 4G"),
        (["--count", "--only", "A1"], "leave --only out"),
        (["--promela", "x.pml"], "--promela goes with --count"),
        (["--scope", "block=2", "--count", "--promela", "x.pml"], "choose it with --machine"),
    ],
)
def test_bad_input_is_explained(
    capsys: pytest.CaptureFixture[str], argv: list[str], says: str
) -> None:
    code, _, err = run(capsys, *argv)
    assert code == 2
    assert says in err


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
def test_a_dense_machine_is_searched_with_one_bit_a_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["explore", "--scope", "block=5,frame=9", "--machine", "1", "--count", "--slice", "-q"]
    words += ["--actions", "blocks,alloc_kernel,free_kernel"]
    assert main(words) == 0
    assert "(compiled, one bit a state)" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    assert document["machines"][0]["engine"] == "bits"


THREE = ["--scope", "node=2,block=2", "--actions", "blocks", "--depth", "3", "--count"]


def states(capsys: pytest.CaptureFixture[str], *argv: str) -> list[int]:
    code, found = document(capsys, *THREE, *argv)
    assert code == 0
    return [each["states"] for each in found["machines"]]


def test_shards_and_a_cluster_see_what_one_search_sees(
    cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    every = states(capsys)
    assert states(capsys, "--cluster", "local") == every
    assert states(capsys, "--shard", "1/2") == every[0::2]
    assert states(capsys, "--shard", "2/2", "--cluster", "local") == every[1::2]
    code, _, err = run(capsys, *THREE, "--shard", "9/9")
    assert (code, err) == (2, "memhp explore: --shard 9/9: there are 3 machines\n")


def test_a_machine_that_ends_its_worker_is_told_and_leaves_it_open(
    cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.losing = (1,)
    code, out, err = run(capsys, *THREE, "--cluster", "local", "--json")
    assert code == 3
    assert len(json.loads(out)["machines"]) == 2
    assert err == (
        "memhp explore: machine 2: a worker of the cluster was ended; again: --machine 2 of the"
        " same\n"
    )
    cluster.losing = (0, 1, 2)
    assert run(capsys, *THREE, "--cluster", "local")[0] == 3
