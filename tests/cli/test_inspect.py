"""`memhp inspect`: judgements on made-up machines, and one line for what is no machine."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.cli import inspect as module
from memhp.cli.main import main
from memhp.machines.reading.sysfs import read_machine

from ..machines import cores

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "inspect.json").read_text())
MEMORY = "sys/devices/system/memory"
IOMEM = "00000000-3fffffff : System RAM\n"
CPUINFO = "flags           : fpu lm\n"
ZONE = (
    "Node 0, zone {}\n  pages free 8\n        present  8\n        managed  8\n        cma      0\n"
)
ZONEINFO = ZONE.format("Normal") + ZONE.format("Movable")


def machine(
    root: Path, blocks: Mapping[int, tuple[str, str]], *, iomem: str | None = IOMEM
) -> Path:
    """A tree with blocks of 128 MiB, each with its state and zones."""
    folder = root / MEMORY
    folder.mkdir(parents=True)
    (folder / "block_size_bytes").write_text("8000000\n")
    for number, (state, zones) in blocks.items():
        block = folder / f"memory{number}"
        block.mkdir()
        (block / "state").write_text(f"{state}\n")
        (block / "valid_zones").write_text(f"{zones}\n")
    (root / "proc").mkdir()
    (root / "proc" / "cpuinfo").write_text(CPUINFO)
    (root / "proc" / "zoneinfo").write_text(ZONEINFO)
    if iomem is not None:
        (root / "proc" / "iomem").write_text(iomem)
    return root


def inspect(capsys: pytest.CaptureFixture[str], path: Path, *more: str) -> dict[int, Any]:
    assert main(["inspect", str(path), "--json", *more]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "memhp-inspect/1"
    return {block["number"]: block for block in document["blocks"]}


def test_each_answer_comes_with_its_guard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = inspect(
        capsys,
        machine(
            tmp_path,
            {
                0: ("online", "none"),
                1: ("online", "Normal"),
                2: ("online", "Movable"),
                3: ("offline", "Normal Movable"),
            },
        ),
    )
    said = {n: (b["verdict"], b["guard"], b["errno"]) for n, b in found.items()}
    assert said == {
        0: ("no", "one_zone", "EINVAL"),
        1: ("cannot tell", None, None),
        2: ("yes", None, None),
        3: ("no", "block_online", "EINVAL"),
    }
    assert found[1]["missing"] == ["frames"]
    assert all(block["violated"] == [] for block in found.values())


def test_a_hole_refuses_and_a_missing_iomem_leaves_it_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = {1: ("online", "Movable")}
    short = machine(tmp_path / "a", blocks, iomem="00000000-0bffffff : System RAM\n")
    assert inspect(capsys, short)[1]["guard"] == "no_holes"
    unknown = inspect(capsys, machine(tmp_path / "b", blocks, iomem=None))[1]
    assert (unknown["verdict"], unknown["missing"]) == ("cannot tell", ["hole"])
    assert unknown["if_no_holes"] == "yes"


def test_a_block_that_is_leaving_makes_the_others_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = {1: ("online", "Movable"), 2: ("going-offline", "Movable")}
    found = inspect(capsys, machine(tmp_path, blocks))
    assert found[1]["guard"] == "hotplug_lock"


def test_a_tar_says_what_its_tree_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = machine(tmp_path / "tree", {1: ("online", "Movable"), 2: ("offline", "Movable")})
    with tarfile.open(tmp_path / "tree.tar.xz", "w:xz") as archive:
        archive.add(tree, arcname=".")
    assert inspect(capsys, tmp_path / "tree.tar.xz") == inspect(capsys, tree)


def test_the_table_joins_blocks_of_which_the_same_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = {number: ("online", "Movable") for number in range(1, 5)}
    assert main(["inspect", str(machine(tmp_path, blocks))]) == 0
    out = capsys.readouterr().out
    assert "1-4" in out
    assert "4 blocks: yes 4 (512 MiB), no 0 (0 bytes), cannot tell 0 (0 bytes)" in out


def _hostile_tar(path: Path, name: str) -> Path:
    with tarfile.open(path, "w") as archive:
        for member in (f"{MEMORY}/block_size_bytes", name):
            info = tarfile.TarInfo(member)
            info.size = 8
            archive.addfile(info, io.BytesIO(b"8000000\n"))
    return path


def _garbage(path: Path) -> Path:
    tree = machine(path, {1: ("online", "Movable")})
    (tree / MEMORY / "block_size_bytes").write_text("many\n")
    return tree


def _truncated(path: Path) -> Path:
    tree = machine(path / "tree", {1: ("online", "Movable")})
    with tarfile.open(path / "t.tar.gz", "w:gz") as archive:
        archive.add(tree, arcname=".")
    whole = (path / "t.tar.gz").read_bytes()
    (path / "t.tar.gz").write_bytes(whole[: len(whole) // 2])
    return path / "t.tar.gz"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path / "nothing", "nothing"),
        (lambda path: path, "sys"),
        (lambda path: _garbage(path), "block_size_bytes"),
        (lambda path: _truncated(path), "t.tar.gz"),
        (lambda path: _hostile_tar(path / "up.tar", "../outside"), ".."),
        (lambda path: _hostile_tar(path / "abs.tar", "/etc/passwd"), "/etc/passwd"),
    ],
)
def test_what_is_no_machine_is_one_line_and_exit_2(
    make: Any, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(make(tmp_path))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("memhp inspect: ")
    assert says in err
    assert err.count("\n") == 1


def test_a_node_without_blocks_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable")})
    assert main(["inspect", str(tree), "--node", "7"]) == 2
    assert "no memory block is on node 7" in capsys.readouterr().err


def test_a_block_of_two_nodes_is_shown_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "none"), 2: ("online", "Movable")})
    for node, number in ((0, 1), (1, 1), (1, 2)):
        folder = tree / "sys/devices/system/node" / f"node{node}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"memory{number}").symlink_to(f"../../memory/memory{number}")
    assert set(inspect(capsys, tree, "--node", "0")) == {1}
    assert set(inspect(capsys, tree, "--node", "1")) == {1, 2}


def test_the_architecture_is_told_or_said_to_be_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable")})
    (tree / "proc" / "cpuinfo").unlink()
    assert main(["inspect", str(tree)]) == 0
    assert "it cannot be told" in capsys.readouterr().out
    (tree / "proc" / "cpuinfo").write_text("vendor_id       : IBM/S390\n")
    assert main(["inspect", str(tree)]) == 0
    assert "architecture: s390x; proc/cpuinfo says so" in capsys.readouterr().out
    assert inspect(capsys, tree)[1]["verdict"] == "yes"
    assert inspect(capsys, tree, "--arch", "arm64")[1]["missing"] == ["vetoed"]


def test_an_architecture_that_is_none_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable")})
    assert main(["inspect", str(tree), "--arch", "arm46"]) == 2
    assert "did you mean arm64?" in capsys.readouterr().err


DATA = Path(__file__).resolve().parents[1] / "data"


def test_a_record_shows_how_each_block_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(DATA / "gigantic.tar.gz")]) == 0
    out = capsys.readouterr().out
    assert "when tried" in out
    assert re.search(r"(?m)^32-39 +online +Normal +no +EINTR +EINTR +going offline begins", out)
    assert "blocks tried: 32; right 31 of 31 judgements; not judged: 1" in out


def test_json_tells_of_outcomes(capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(capsys, DATA / "pinned.tar.gz")
    ended = {(b["verdict"], b["outcome"], b["as_judged"]) for b in found.values()}
    assert {("yes", "done", True), ("no", "EBUSY", True), ("cannot tell", "EINTR", None)} <= ended
    assert False not in {b["as_judged"] for b in found.values()}


def test_a_judgement_that_was_wrong_is_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable"), 2: ("online", "Movable")})
    (tree / "memhp").mkdir()
    (tree / "memhp" / "outcomes").write_text("memhp-outcomes/1\n1 EBUSY\n")
    assert main(["inspect", str(tree)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"(?m)^1 .* EBUSY, wrong ", out)
    assert re.search(r"(?m)^2 .* not tried ", out)
    assert "blocks tried: 1; right 0 of 1 judgements; not judged: 0" in out


def test_only_this_machine_is_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable")})
    assert main(["inspect", str(tree), "--save", str(tmp_path / "x")]) == 2
    assert "--save records this machine: leave the path out" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/", MEMORY).is_dir(), reason="this machine shows no memory blocks")
def test_this_machine_is_saved_and_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "this.tar.gz"
    assert main(["inspect", "--json", "--save", str(path)]) == 0
    live = json.loads(capsys.readouterr().out)
    assert path.stat().st_mode & 0o777 == 0o600
    kept = inspect(capsys, path)
    assert kept.keys() == {block["number"] for block in live["blocks"]}
    assert main(["inspect", "--save", str(tmp_path / "no" / "folder")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_many_blocks_of_which_each_is_another_are_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {n: ("online" if n % 2 else "offline", "Movable") for n in range(8)}
    tree = machine(tmp_path, states)
    assert main(["inspect", str(tree)]) == 0
    plain = capsys.readouterr().out
    assert len(re.findall(r"(?m)^[0-7] +o(?:n|ff)line +Movable ", plain)) == 8
    document = inspect(capsys, tree)
    monkeypatch.setattr("memhp.cli.inspect._MANY", 3)
    assert main(["inspect", str(tree)]) == 0
    assert capsys.readouterr().out == plain
    assert inspect(capsys, tree) == document


def test_of_many_blocks_a_document_is_printed_as_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is whole in memory takes gigabytes for a million."""
    events: list[str] = []
    tree = machine(tmp_path, {n: ("online", "Movable") for n in range(5)})
    make = module._block
    monkeypatch.setattr(module, "_MANY", 3)
    monkeypatch.setattr(module, "print", lambda *_, **__: events.append("print"), raising=False)
    monkeypatch.setattr(module, "_block", lambda *of: events.append("make") or make(*of))
    assert main(["inspect", str(tree), "--json"]) == 0
    assert events == ["print", *["make", "print"] * 5, "print"]


def test_a_record_is_whole_or_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    tree = machine(tmp_path / "tree", {1: ("online", "Movable")})
    live = replace(read_machine(tree), live=True)
    monkeypatch.setattr("memhp.machines.reading.sysfs.read_machine", lambda *_, **__: live)
    monkeypatch.setattr(
        "memhp.machines.reading.record.record_of_this_machine", lambda _: b"a record"
    )
    monkeypatch.setattr(os, "replace", full)
    path = tmp_path / "out" / "this.tar.gz"
    path.parent.mkdir()
    assert main(["inspect", "--save", str(path)]) == 2
    assert "No space left" in capsys.readouterr().err
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "said", "linux", "otherwise"),
    [
        ("Linux version 6.12.0", "linux-6.12, for Linux 6.12", "6.12", []),
        ("Linux version 5.10.0", "linux-5.10, for Linux 5.10", "5.10", []),
        (
            "Linux version 5.15.0",
            "linux-5.10, for Linux 5.15, but for node-structures-with-normal-memory,"
            " node-structures-from-normal-memory-on, buffer-in-the-removable-area",
            "5.15",
            [
                "node-structures-with-normal-memory",
                "node-structures-from-normal-memory-on",
                "buffer-in-the-removable-area",
            ],
        ),
        (None, "linux-5.10, which leaves most open: no version is told", None, []),
    ],
)
def test_it_says_by_which_design_it_judges(
    version: str | None,
    said: str,
    linux: str | None,
    otherwise: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable")})
    if version is not None:
        (tree / "proc" / "version").write_text(version)
    assert main(["inspect", str(tree)]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if "linux-" in line] == [f"judged by: {said}"]
    assert main(["inspect", str(tree), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    profile = said.partition(",")[0]
    design = {"profile": profile, "linux": linux, "otherwise": otherwise}
    assert document["design"] == design


def test_a_crash_dump_is_a_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = cores.pages()
    cores.put(made, 7, flags=0, mapcount=-1, mapping=0)
    path = tmp_path / "vmcore"
    path.write_bytes(cores.CoreFile(made).content())
    blocks = inspect(capsys, path, "--arch", "x86_64")
    assert blocks[0]["verdict"] == "no"
    assert "EBUSY" in blocks[0]["errnos"]


@pytest.mark.parametrize("content", [b"\x7fELF", b"KDUMP   " + bytes(4096), b"makedumpfile" * 9])
def test_what_is_no_whole_crash_dump_is_refused(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(content)
    assert main(["inspect", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
