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
    assert document["schema"] == "memhp-inspect/2"
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
        3: ("offline", "block_online", "EINVAL"),
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
    assert re.search(
        r"(?m)^32-39 +0x.* 1 GiB +online +Normal +no +EINTR +EINTR +going offline begins", out
    )
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


@pytest.mark.slow
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
    assert len(re.findall(r"(?m)^[0-7] +0x.* +o(?:n|ff)line +Movable ", plain)) == 8
    document = inspect(capsys, tree)
    monkeypatch.setattr("memhp.cli.inspect.MANY", 3)
    monkeypatch.setattr("memhp.cli.inspect_tables.MANY", 3)
    assert main(["inspect", str(tree)]) == 0
    assert capsys.readouterr().out == plain
    assert inspect(capsys, tree) == document


def test_of_many_blocks_a_document_is_printed_as_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is whole in memory takes gigabytes for a million."""
    events: list[str] = []
    tree = machine(tmp_path, {n: ("online", "Movable") for n in range(5)})
    make = module.block_document
    monkeypatch.setattr(module, "MANY", 3)
    monkeypatch.setattr(module, "print", lambda *_, **__: events.append("print"), raising=False)
    monkeypatch.setattr(module, "block_document", lambda *of: events.append("make") or make(*of))
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


def text_of(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert main(["inspect", *args]) == code
    return capsys.readouterr().out


def test_a_block_that_is_offline_has_a_word_of_its_own_and_ways_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable"), 2: ("offline", "Normal Movable")})
    (tree / MEMORY / "auto_online_blocks").write_text("offline\n")
    out = text_of(capsys, str(tree))
    assert "2 blocks: yes 1 (128 MiB), no 0 (0 bytes), cannot tell 0 (0 bytes), offline 1" in out
    assert "auto_online_blocks is offline" in out
    assert "online_movable (zone Movable; it could go again: yes)" in out
    found = inspect(capsys, tree)[2]
    assert (found["verdict"], found["likelihood"]) == ("offline", None)
    assert found["online"][0] == {
        "write": "online",
        "zone": "Normal",
        "could_go_again": "cannot tell",
    }


def test_each_row_has_addresses_a_size_and_the_device_where_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {n: ("online", "Movable") for n in (1, 2, 3)})
    (tree / MEMORY / "memory3" / "firmware_node").symlink_to("../../LNXSYSTM:00/PNP0C80:00")
    out = text_of(capsys, str(tree))
    assert re.search(r"(?m)^1-2 +0x8000000-0x17ffffff +256 MiB +online +Movable +yes", out)
    assert re.search(r"(?m)^3 +0x18000000-0x1fffffff +128 MiB +online +Movable +PNP0C80:00", out)
    found = inspect(capsys, tree)
    assert (found[3]["address"], found[3]["device"]) == (3 << 27, "PNP0C80:00")
    assert (found[1]["address"], found[1]["device"]) == (1 << 27, None)
    (tree / MEMORY / "memory3" / "firmware_node").unlink()
    assert "device" not in text_of(capsys, str(tree))


def test_a_sentence_that_several_rows_share_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {n: ("online", "Normal") for n in (1, 3, 5)})
    out = text_of(capsys, str(tree))
    assert out.count("kernel memory unknown") == 1
    assert len(re.findall(r"(?m)^[135] .* cannot tell +\[1\]$", out)) == 3
    assert re.search(r"(?m)^\[1\] kernel memory unknown", out)


def test_frames_that_do_not_tell_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Normal"), 2: ("online", "Normal")})
    (tree / "memhp").mkdir()
    (tree / "memhp" / "page_words").write_text(
        "memhp-page-words/1\npage_size 4096\nblock_size 134217728\n"
        "1 0:37 400:32731\n2 0:3 400:32765\n"
    )
    assert "40 of 65,536 frames do not tell" in text_of(capsys, str(tree))
    assert inspect(capsys, tree)[1]["untold_frames"] == 37


@pytest.mark.parametrize(
    ("blocks", "need", "code"),
    [
        ({1: ("online", "Movable"), 2: ("offline", "Movable")}, "yes", 0),
        ({1: ("online", "Movable"), 2: ("online", "Normal")}, "yes", 3),
        ({1: ("online", "Movable"), 2: ("online", "none")}, "yes", 1),
        ({1: ("online", "Normal"), 2: ("online", "none")}, "likely", 1),
        ({1: ("online", "Normal")}, "likely", 3),
        ({1: ("online", "none")}, None, 0),
    ],
)
def test_the_exit_code_says_whether_every_block_is_as_needed(
    blocks: Mapping[int, tuple[str, str]],
    need: str | None,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = machine(tmp_path, blocks)
    asked = () if need is None else ("--need", need)
    text_of(capsys, str(tree), *asked, code=code)
    assert main(["inspect", str(tree), "--json", *asked]) == code


def test_what_is_likely_will_do_where_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    record = str(DATA / "huge-turning.tar.gz")
    for need, code in (("likely", 0), ("yes", 3)):
        out = text_of(capsys, record, "--block", "41,46", "--need", need, code=code)
        assert "2 blocks: yes 0 (0 bytes), no 0 (0 bytes), cannot tell 2 (256 MiB)" in out
        assert "likely yes 2" in out


def test_only_the_blocks_that_are_named_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {n: ("online", "Movable") for n in range(1, 9)})
    assert set(inspect(capsys, tree, "--block", "2-3,7")) == {2, 3, 7}
    assert main(["inspect", str(tree), "--block", "3,90-99"]) == 2
    assert "the machine has no block 90-99 here" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "x", "3-2", "1,", "-1", "1-2-3", "9" * 40])
def test_a_list_of_blocks_that_is_none_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", f"--block={text}"])
    assert ended.value.code == 2
    assert "no block or range" in capsys.readouterr().err


def test_a_machine_without_blocks_is_said_to_lack_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = text_of(capsys, str(machine(tmp_path, {})))
    assert "no memory block" in out
    assert "note: no memory blocks: the kernel has no memory hotplug" in out
    assert "invariants" not in out
    assert "0 blocks" not in out


def test_memory_of_s390_that_is_not_configured_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable")})
    for number in (1, 17, 18, 20):
        folder = tree / "sys/firmware/memory" / f"memory{number}"
        folder.mkdir(parents=True)
        (folder / "config").write_text("1\n" if number == 1 else "0\n")
    out = text_of(capsys, str(tree))
    assert "not configured: 17-18 0x88000000-0x97ffffff 256 MiB, 20 0xa0000000-" in out
    assert main(["inspect", str(tree), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unconfigured"] == [17, 18, 20]


def test_a_log_tells_where_areas_of_cma_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Movable"), 2: ("online", "Movable")})
    zoneinfo = ZONEINFO.replace("cma      0", "cma      16384", 2)
    (tree / "proc" / "zoneinfo").write_text(zoneinfo)
    (tree / "proc" / "version").write_text("Linux version 6.12.0\n")
    assert {b["verdict"] for b in inspect(capsys, tree).values()} == {"cannot tell"}
    log = tmp_path / "dmesg.txt"
    log.write_text("[    0.0] cma: Reserved 128 MiB at 0x0000000008000000\n")
    found = inspect(capsys, tree, "--log", str(log))
    assert {n: b["verdict"] for n, b in found.items()} == {1: "no", 2: "yes"}
    assert "an area of CMA" in found[1]["why"]
    assert main(["inspect", str(tree), "--log", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_listing_of_lsmem_is_a_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lsmem.txt"
    path.write_text("RANGE STATE ZONES BLOCK\n0x0-0xfffffff online Movable 0-1\n")
    found = inspect(capsys, path)
    assert {n: (b["zone"], b["verdict"]) for n, b in found.items()} == {
        n: ("Movable", "cannot tell") for n in (0, 1)
    }
    assert "0x0-0xfffffff" in text_of(capsys, str(path))


def test_the_legend_explains_the_words_that_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = text_of(capsys, str(machine(tmp_path, {1: ("online", "Movable")})))
    (legend,) = [line for line in out.splitlines() if line.startswith("can go: ")]
    assert legend == "can go: yes: going offline may begin"


def test_a_gigantic_page_is_told_in_an_operators_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = text_of(capsys, str(DATA / "gigantic.tar.gz"))
    assert "it holds a gigantic page that is in use, and no other of that size is free" in out
    assert "the destination is not free" not in out
    assert "frame_free: a gigantic page moves only to one of its size that is free" in out
    assert "free memory, or add swap" not in out


def test_x86_64_is_one_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = text_of(capsys, str(machine(tmp_path, {1: ("online", "Movable")})))
    assert "architecture: x86_64 (page tables of 4 or 5 levels); proc/cpuinfo says so" in out


def test_what_helps_against_a_refusal_is_said_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = machine(tmp_path, {1: ("online", "Normal")})
    (tree / MEMORY / "memory1" / "removable").write_text("0\n")
    (tree / "proc" / "version").write_text("Linux version 3.10.0\n")
    out = text_of(capsys, str(tree))
    assert re.search(r"(?m)^1 .* no +EBUSY ", out)
    assert "no_unmovable: once it is offline, online it with online_movable" in out
    (tree / MEMORY / "memory1" / "removable").write_text("1\n")
    assert "what helps" not in text_of(capsys, str(tree))


def test_verbose_says_of_each_block_that_is_shown_what_why_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = str(DATA / "pinned.tar.gz")
    short = text_of(capsys, record, "--block", "1-2")
    long = text_of(capsys, record, "--block", "1-2", "-v")
    assert main(["why", "1", "2", "--machine", record]) == 0
    why = capsys.readouterr().out
    blocks = why[why.index("block 1 ") :]
    assert "block 2 (" in blocks
    assert long.startswith(short)
    assert long.endswith(blocks)
    assert "note: which processes map the blocks is not told" in long
