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
from memhp.cli.common import in_units, number_of_bytes
from memhp.cli.main import main
from memhp.cli.sections_plot import figure
from memhp.spec.architectures import GIB, KIB, MIB

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "sections.json").read_text())
PIB = ["--size", "1PiB", "--holes", "1000", "--hole-size", "64MiB"]


def sections(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["sections", "--json", *more]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


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
    own = [line for line in lines if "ia64-64k has this" in line]
    assert [line.split()[:2] for line in own] == [["4", "GiB"]]
    assert any("recommended: " in line and "proved (z3)" in line for line in lines)
    (small,) = [line for line in lines if line.startswith("  8 MiB")]
    assert "'a section holds a largest buddy block', 'a section holds a granule'" in small


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
