"""`memhp sections`: its table and document, and one line for what is no map."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

import memhp.cli
from memhp.cli.arguments import number_of_bytes
from memhp.cli.main import main
from memhp.cli.output.sections_plot import figure
from memhp.machines.reading.units import in_units
from memhp.spec.numbers.architectures import GIB, KIB, MIB

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "sections.json").read_text())
PIB = ["--size", "1PiB", "--holes", "1000", "--hole-size", "64MiB"]


def sections(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["sections", "--json", *more]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


def row(found: Any) -> dict[str, Any]:
    """A size's row without what compares it with others."""
    layouts = {
        name: {key: value for key, value in found[name].items() if key not in ("cost", "front")}
        for name in ("flat", "two_level")
    }
    return {**found, **layouts}


def by_size(document: dict[str, Any]) -> dict[int, Any]:
    return {each["section"]: each for each in document["sizes"]}


def test_a_pebibyte_on_ia64(capsys: pytest.CaptureFixture[str]) -> None:
    document = sections(capsys, *PIB, "--arch", "ia64-16k")
    sizes = by_size(document)
    assert document["map"]["memory"] == (1 << 50) - 1000 * 64 * MIB
    assert sizes[GIB]["own"]
    assert sizes[GIB]["feasible"]
    assert sizes[GIB]["flat"]["table"] == 16 * MIB
    assert sizes[GIB]["memmap_on_holes"] == 1000 * 64 * MIB // (16 * KIB) * 64
    assert sizes[64 * MIB]["memmap_on_holes"] == 0
    assert sizes[512 * MIB]["forbidden_by"] == ["a section holds a largest buddy block"]
    assert [each["section"] for each in document["sizes"] if each["own"]] == [GIB]


def layout(
    table: int, loads: int, looked_up: int, held: tuple[float, float, float], cycles: float
) -> dict[str, Any]:
    """A load touches one line: an entry of 16 bytes and a pointer of 8 lie within one."""
    return {
        "table": table,
        "loads": loads,
        "lines": loads,
        "looked_up": looked_up,
        "held": pytest.approx(dict(zip(("L1", "L2", "L3"), held, strict=True))),
        "cycles": pytest.approx(cycles),
    }


def whole_row(
    section: int, names: list[str], present: int, waste: int, removable: float, **layouts: Any
) -> dict[str, Any]:
    return {
        "section": section,
        "feasible": True,
        "forbidden_by": [],
        "own": True,
        "chosen_by": names,
        "present": present,
        "memmap_on_holes": waste,
        "removable": pytest.approx(removable),
        **layouts,
    }


SECTIONS_OF_128_MIB = ["x86_64", "x86_64-la57", "arm64-4k", "arm64-16k", "riscv64", "s390x (later)"]


def test_a_whole_row_by_hand_ia64(capsys: pytest.CaptureFixture[str]) -> None:
    """50 bits, 1 GiB: 2**20 entries of 16 bytes are 16 MiB; 1024 a root of 16 KiB, so 1024 roots
    and 8 KiB of pointers.  A quarter of the caches: 4, 64 and 768 KiB at 2, 6 and 16 cycles, 224
    beyond; one granule holds the table.  1000 holes of 64 MiB waste 4096 pages' entries each."""
    flat = (4 * 2 + 60 * 6 + 704 * 16 + (16384 - 768) * 224) / 16384
    found = sections(capsys, *PIB, "--arch", "ia64-16k", "--kernel-frames", "0")
    assert row(by_size(found)[GIB]) == whole_row(
        GIB,
        ["arm64-4k (before)", "arm64-16k (before)", "arm64-64k (before)", "ia64-4k", "ia64-16k"],
        1048576,
        1000 * 4096 * 64,
        (1048576 - 1000) * 16 / (1048576 * 16 - 1000),
        flat=layout(16 * MIB, 1, 16 * MIB, (4 / 16384, 64 / 16384, 768 / 16384), flat),
        two_level=layout(
            8 * KIB + 1024 * 16 * KIB,
            2,
            16392 * KIB,
            ((4 + 4) / 16392, (64 + 8) / 16392, (768 + 8) / 16392),
            flat + (4 * 2 + 4 * 6) / 8,
        ),
    )


def test_a_whole_row_by_hand_x86_64(capsys: pytest.CaptureFixture[str]) -> None:
    """46 bits, 128 MiB: 2**19 entries are 8 MiB; 256 a root of 4 KiB, 2048 roots, 16 KiB."""
    flat = (4 * 2 + 60 * 6 + 704 * 16 + (8192 - 768) * 224) / 8192
    found = sections(capsys, "--size", "64TiB", "--arch", "x86_64", "--kernel-frames", "0")
    assert row(by_size(found)[128 * MIB]) == whole_row(
        128 * MIB,
        SECTIONS_OF_128_MIB,
        524288,
        0,
        1,
        flat=layout(8 * MIB, 1, 8 * MIB, (4 / 8192, 64 / 8192, 768 / 8192), flat),
        two_level=layout(
            16 * KIB + 2048 * 4 * KIB,
            2,
            8208 * KIB,
            ((4 + 4) / 8208, (64 + 16) / 8208, (768 + 16) / 8208),
            flat + (4 * 2 + 12 * 6) / 16,
        ),
    )


def test_a_whole_row_by_hand_arm64(capsys: pytest.CaptureFixture[str]) -> None:
    """48 bits, 128 MiB: 2**21 entries are 32 MiB, 64 KiB of pointers.  1 TiB of memory is 8192
    sections: 128 KiB of entries in 32 roots, 256 bytes of pointers to these."""
    flat = (4 * 2 + 60 * 6 + 64 * 16) / 128
    found = sections(capsys, "--size", "1TiB", "--arch", "arm64-4k", "--kernel-frames", "0")
    assert row(by_size(found)[128 * MIB]) == whole_row(
        128 * MIB,
        SECTIONS_OF_128_MIB,
        8192,
        0,
        1,
        flat=layout(32 * MIB, 1, 128 * KIB, (4 / 128, 64 / 128, 1), flat),
        two_level=layout(
            64 * KIB + 32 * 4 * KIB,
            2,
            131328,
            ((4096 + 256) / 131328, (65536 + 256) / 131328, 1),
            flat + 2,
        ),
    )


def test_the_recommendation_is_the_cheapest_feasible_choice_and_proved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = sections(capsys, *PIB, "--weights", "removable=2.5,lookup=0")
    assert document["weights"] == {"table": 1, "waste": 1, "removable": 2.5, "lookup": 0}
    costs = {
        (each["section"], layout): each[layout.replace("-", "_")]["cost"]
        for each in document["sizes"]
        for layout in ("flat", "two-level")
        if each["feasible"]
    }
    best = document["recommended"]
    assert costs[best["section"], best["layout"]] == best["cost"] == min(costs.values())
    assert best["verdict"] == "proved"
    chosen = by_size(document)[best["section"]][best["layout"].replace("-", "_")]
    assert chosen["front"]


def test_kernel_frames_keep_memory_from_leaving(capsys: pytest.CaptureFixture[str]) -> None:
    none = sections(capsys, "--size", "64GiB", "--kernel-frames", "0")
    some = sections(capsys, "--size", "64GiB", "--kernel-frames", "1")
    assert by_size(none)[128 * MIB]["removable"] == 1
    assert by_size(some)[128 * MIB]["removable"] == pytest.approx(1 - 1 / 512)


def test_boot_memory_that_never_leaves_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    document = sections(capsys, "--size", "64GiB", "--arch", "arm64-4k")
    assert ["never removes boot memory" in note for note in document["notes"]] == [True]
    assert sections(capsys, "--size", "64GiB", "--arch", "x86_64")["notes"] == []


def test_without_a_name_the_first_architecture_that_reaches_the_map_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sections(capsys, *PIB)["architecture"]["name"] == "x86_64-la57"
    assert sections(capsys, "--size", "4GiB")["architecture"]["name"] == "x86_64"


def test_a_listing_is_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "iomem"
    path.write_text("00000000-07ffffff : System RAM\n10000000-13ffffff : System RAM\n")
    document = sections(capsys, str(path))
    assert document["map"]["holes"] == 1
    assert by_size(document)[128 * MIB]["present"] == 2
    assert by_size(document)[128 * MIB]["memmap_on_holes"] == MIB


def test_the_table_marks_what_the_architecture_has_and_what_is_forbidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sections", *PIB, "--arch", "ia64-64k"]) == 0
    lines = capsys.readouterr().out.splitlines()
    own = [line for line in lines if line.endswith(" own")]
    assert [line.split()[:2] for line in own] == [["4", "GiB"]]
    assert any("recommended: " in line and "proved (z3)" in line for line in lines)
    (small,) = [line for line in lines if line.startswith("  8 MiB")]
    assert small.endswith(" no 1,2")
    assert "no 1: breaks 'a section holds a largest buddy block'" in lines
    assert "no 2: breaks 'a section holds a granule'" in lines


def test_the_holes_are_not_counted_as_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sections", *PIB, "--arch", "ia64-16k"]) == 0
    assert "1 PiB, 62.5 GiB of it in 1000 holes" in capsys.readouterr().out.splitlines()[0]
    found = sections(capsys, *PIB)["map"]
    assert found["hole_bytes"] == 1000 * 64 * MIB == (1 << 50) - found["memory"]


def test_piped_tables_fit_80_columns_and_end_without_blanks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sections", *PIB, "--arch", "ia64-16k"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(" ")] == []
    tables = [line for line in lines if line.startswith((" ", "section"))]
    assert len(tables) > 20
    assert max(map(len, tables)) <= 80


def test_ranges_that_overlap_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "iomem"
    path.write_text("00000000-0fffffff : System RAM\n08000000-13ffffff : System RAM\n")
    document = sections(capsys, str(path))
    assert any(
        note.startswith("1 of the ranges of System RAM overlap") for note in document["notes"]
    )
    assert document["map"]["memory"] == 0x14000000


def test_two_plots_are_one_too_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plots = ["--plot", str(tmp_path / "a.png"), "--plot", str(tmp_path / "b.svg")]
    with pytest.raises(SystemExit) as stop:
        main(["sections", "--size", "4GiB", *plots])
    assert stop.value.code == 2
    assert "--plot is given twice" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_negative_size_is_refused_for_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["sections", "--size", "-1GiB"])
    assert stop.value.code == 2
    assert "'-1GiB' is not a size such as" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sections", "inspect"])
def test_an_empty_file_is_called_empty(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert main([command, str(path)]) == 2
    assert "the file is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["/no/such/map"], "/no/such/map"),
        (["/no\nline"], "/no\\nline"),
        (["/dev/null"], "/dev/null"),
        ([""], "no such file"),
        (["/", "--size", "1GiB"], "not both"),
        (["--holes", "3"], "give --size too"),
        (["--size", "0"], "whole DIMMs"),
        (["--size", "1000"], "64 KiB"),
        (["--size", "4GiB", "--holes", "-1", "--hole-size", "1MiB"], "give 0 to"),
        (["--size", "4GiB", "--holes", "9", "--hole-size", "1MiB"], "do not fit"),
        (["--size", "4GiB", "--dimm-size", "0"], "whole DIMMs"),
        (["--size", "99999999999999999999PiB"], "whole DIMMs"),
        (["--size", "1024PiB"], "no architecture reaches"),
        (["--size", "1GiB", "--kernel-frames", "-1"], "give 0 to 262144"),
        (["--size", "1GiB", "--kernel-frames", "262145"], "give 0 to 262144"),
        (["--size", "1GiB", "--weights", "waist=1"], "did you mean waste?"),
        (["--size", "1GiB", "--weights", "waste"], "not a number such as"),
        (["--size", "1GiB", "--weights", "waste=-1"], "not a number such as"),
        (["--size", "1GiB", "--weights", "waste=nan"], "not a number such as"),
        (
            ["--size", "1GiB", "--weights", "table=0,waste=0,removable=0,lookup=0"],
            "every weight is 0",
        ),
        ([*PIB, "--arch", "x86_64"], "these reach it: x86_64-la57"),
        ([*PIB, "--arch", "ia64"], "did you mean ia64-"),
    ],
)
def test_what_is_no_map_is_one_line_and_exit_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sections", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("memhp sections: ")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5GiB", "1EiB", "0x10", "9" * 30, "\u0661"])
def test_a_size_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["sections", f"--size={text}"])
    assert stop.value.code == 2
    assert "is not a size such as" in capsys.readouterr().err


def test_sizes_are_read_and_shown_in_binary_units() -> None:
    assert [number_of_bytes(text) for text in ("7", "64K", "64MiB")] == [7, 64 * KIB, 64 * MIB]
    assert [in_units(n) for n in (0, 1023, KIB, 3 * GIB // 2, 1 << 50)] == [
        "0 bytes",
        "1023 bytes",
        "1 KiB",
        "1.5 GiB",
        "1 PiB",
    ]
    assert in_units((1 << 50) - 1000 * 64 * MIB) == "0.9999 PiB"


def test_the_plot_is_a_picture_of_the_kind_that_its_name_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sections", *PIB, "--arch", "ia64-16k", "--plot", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert main(["sections", "--size", "4GiB", "--json", "--plot", str(tmp_path / "b.SVG")]) == 0
    root = ElementTree.parse(tmp_path / "b.SVG").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_plot_shows_the_values_of_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    document = sections(capsys, *PIB, "--arch", "ia64-16k")
    table, waste, removable, cycles = figure(document).axes
    sizes = document["sizes"]

    def drawn(axes: Any, curve: int) -> list[float]:
        return [float(y) for y in axes.lines[curve].get_ydata()]

    assert drawn(table, 0) == [each["flat"]["table"] for each in sizes]
    assert drawn(table, 1) == [each["two_level"]["table"] for each in sizes]
    assert drawn(waste, 0) == [each["memmap_on_holes"] for each in sizes]
    assert drawn(removable, 0) == [100 * each["removable"] for each in sizes]
    assert drawn(cycles, 1) == [each["two_level"]["cycles"] for each in sizes]
    shaded = [patch for patch in table.patches if patch.get_width() == 1]
    assert len(shaded) == sum(not each["feasible"] for each in sizes)


@pytest.mark.parametrize(
    ("name", "says"),
    [("a.pdf", ".png or .svg"), ("png", ".png or .svg"), ("no/such/a.png", "cannot write")],
)
def test_a_plot_that_cannot_be_is_one_line_and_exit_2(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sections", "--size", "4GiB", "--plot", str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_without_matplotlib_a_plot_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["sections", "--size", "4GiB", "--plot", str(tmp_path / "a.png")]) == 2
    assert "pip install 'memhp[plot]'" in capsys.readouterr().err
    assert main(["sections", "--size", "4GiB"]) == 0


# --- memory blocks, what devices lose, what adding takes ------------------------------------------

LOW = "00001000-0009fbff : System RAM\n00100000-bffdffff : System RAM\n"
WINDOW = """\
2070000000-606fffffff : CXL Window 0
  2070000000-606fffffff : region0
    2070000000-606fffffff : dax0.0
      2080000000-5fffffffff : System RAM (kmem)
"""


def listing(tmp_path: Path, text: str) -> str:
    path = tmp_path / "iomem.txt"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("end", "guest", "bare"),
    [
        (0x1040000000, GIB, 2 * GIB),  # 65 GiB
        (0x2070000000, 256 * MIB, 2 * GIB),
        (0x1000000000, 2 * GIB, 2 * GIB),  # 64 GiB
        (0x0FF8000000, 128 * MIB, 128 * MIB),
        (0x1048000000, 128 * MIB, 2 * GIB),
    ],
)
def test_the_block_follows_from_where_boot_memory_ends(
    end: int, guest: int, bare: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listing(tmp_path, f"{LOW}100000000-{end - 1:x} : System RAM\n")
    found = sections(capsys, path)["hot_add"]
    assert (found["boot_end"], found["block"]) == (end, {"guest": guest, "bare": bare})


def test_memory_of_drivers_is_no_end_of_boot_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listing(tmp_path, f"{LOW}100000000-206fffffff : System RAM\n{WINDOW}")
    found = sections(capsys, path)["hot_add"]
    assert found["boot_end"] == 0x2070000000
    (window,) = found["windows"]
    assert window["name"] == "dax0.0"
    lost = {each["block"]: (each["before"], each["behind"]) for each in window["lost"]}
    assert lost[2 * GIB] == (256 * MIB, 7 * GIB // 4)
    assert lost[256 * MIB] == lost[128 * MIB] == (0, 0)


def test_what_devices_lose_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = listing(tmp_path, f"{LOW}100000000-206fffffff : System RAM\n{WINDOW}")
    assert main(["sections", path]) == 0
    out = capsys.readouterr().out
    assert "memory block: 256 MiB under a hypervisor, 2 GiB without a hypervisor" in out
    assert "lost of dax0.0" in out
    assert "256 MiB + 1.75 GiB with blocks of 2 GiB" in out
    assert "nothing with blocks of 256 MiB" in out


def test_a_window_without_a_device_is_told_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listing(
        tmp_path, f"{LOW}100000000-206fffffff : System RAM\n2070000000-606fffffff : CXL Window 3\n"
    )
    assert [it["name"] for it in sections(capsys, path)["hot_add"]["windows"]] == ["CXL Window 3"]


@pytest.mark.parametrize(
    ("free", "says"),
    [
        ("190MiB", "190 MiB are, so it fails (ENOMEM)"),
        ("192MiB", "so it fails (ENOMEM)"),
        ("193MiB", "193 MiB are, enough, if it stays so"),
    ],
)
def test_adding_takes_mem_map_out_of_what_is_free(
    free: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listing(tmp_path, LOW)
    assert main(["sections", path, "--add", "12GiB", "--free", free]) == 0
    out = capsys.readouterr().out
    assert "adding 12 GiB takes 192 MiB of mem_map first" in out
    assert says in out
    assert "memmap_on_memory=Y" in out
    found = sections(capsys, path, "--add", "12GiB", "--free", free)["hot_add"]
    assert (found["added"], found["memmap"]) == (12 * GIB, 192 * MIB)


def test_what_is_free_is_asked_about_only_if_something_is_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sections", listing(tmp_path, LOW), "--free", "1G"]) == 2
    assert "--free is about --add" in capsys.readouterr().err


def test_a_described_map_tells_of_no_block(capsys: pytest.CaptureFixture[str]) -> None:
    found = sections(capsys, *PIB, "--add", "1GiB")["hot_add"]
    assert (found["boot_end"], found["block"]) == (None, {"guest": None, "bare": None})
    assert found["memmap"] is not None


def test_a_machine_tells_whether_a_hypervisor_is_below_and_what_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sys/devices/system/memory"
    folder.mkdir(parents=True)
    (folder / "block_size_bytes").write_text("8000000\n")
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "iomem").write_text(f"{LOW}100000000-103fffffff : System RAM\n")
    (proc / "cpuinfo").write_text("flags : fpu lm hypervisor\n")
    zone = "Node 0, zone {}\n  pages free {}\n"
    (proc / "zoneinfo").write_text(zone.format("Normal", 1000) + zone.format("Movable", 5000))
    found = sections(capsys, str(tmp_path), "--add", "1GiB")["hot_add"]
    assert found["block"] == {"guest": GIB, "bare": None}
    assert found["free"] == 1000 * 4096
