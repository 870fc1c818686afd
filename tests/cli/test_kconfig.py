"""`memhp kconfig`: capabilities, the smallest change, the fragment, and bad input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import memhp.cli
from memhp.checks.proof.solvers import Undecided
from memhp.cli.main import main

SCHEMA = json.loads((Path(memhp.cli.__file__).parent / "schema" / "kconfig.json").read_text())
HEADER = "# Linux/{} Kernel Configuration\n"
X86 = HEADER.format("x86 6.1.90") + (
    "CONFIG_MODULES=y\nCONFIG_SMP=y\nCONFIG_PCI=y\nCONFIG_ACPI=y\nCONFIG_DEVMEM=y\n"
    "# CONFIG_STRICT_DEVMEM is not set\n# CONFIG_MEMORY_HOTPLUG is not set\n"
)


def file(tmp_path: Path, text: str = X86) -> str:
    path = tmp_path / "config"
    path.write_text(text)
    return str(path)


def document(capsys: pytest.CaptureFixture[str], code: int, *args: str) -> Any:
    assert main(["kconfig", "--json", *args]) == code
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    return found


def states(found: Any) -> dict[str, str]:
    return {each["name"]: each["state"] for each in found["capabilities"]}


def test_what_is_missing_and_the_changes_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, 1, file(tmp_path), "--want", "hot-remove", "--want", "virtio-mem")
    assert found["changes"] == {
        "STRICT_DEVMEM": "y",
        "MEMORY_HOTPLUG": "y",
        "MEMORY_HOTREMOVE": "y",
        "VIRTIO_PCI": "m",
        "VIRTIO_MEM": "m",
    }
    assert found["follow"]["VIRTIO"] == "m"
    assert states(found)["dlpar"] == "impossible"
    assert states(found)["migration"] == "works"


def test_the_fragment_makes_it_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fragment = tmp_path / "hotplug.config"
    wants = ["--want", "virtio-mem", "--want", "crash-hotplug"]
    first = file(tmp_path, X86.replace("6.1.90", "6.8"))
    assert main(["kconfig", first, *wants, "--fragment", str(fragment)]) == 1
    capsys.readouterr()
    merged = tmp_path / "merged"
    merged.write_text(X86.replace("6.1.90", "6.8") + fragment.read_text())
    found = document(capsys, 0, str(merged), *wants)
    assert found["changes"] == {}
    assert "missing" not in {e["state"] for e in found["capabilities"] if e["wanted"]}


def test_the_table_is_plain_when_piped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kconfig", file(tmp_path), "--want", "hot-remove"]) == 1
    out = capsys.readouterr().out
    assert "smallest set of changes: 2" in out
    assert "CONFIG_MEMORY_HOTREMOVE=y   (mm/Kconfig)" in out
    assert "\x1b" not in out


def test_of_a_version_later_than_what_was_read_nothing_is_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = document(capsys, 3, file(tmp_path), "--kernel-version", "99.1", "--want", "hot-remove")
    assert set(states(late).values()) == {"unknown"}
    assert late["judged_by"] == ["7.3.4"]
    assert late["notes"] == ["99.1 is later than 7.3.4, the newest whose rules were read"]
    assert late["changes"] == {"MEMORY_HOTPLUG": "y", "MEMORY_HOTREMOVE": "y"}


def test_between_two_that_were_read_only_what_both_say_is_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """5.13 was not read: memmap_on_memory came with it, or with 5.14."""
    text = X86.replace("# CONFIG_MEMORY_HOTPLUG is not set", "CONFIG_MEMORY_HOTPLUG=y")
    args = [file(tmp_path, text), "--kernel-version", "5.13", "--want", "memmap-on-memory"]
    found = document(capsys, 3, *args)
    assert found["judged_by"] == ["5.12.9", "5.14.0"]
    assert states(found)["memmap-on-memory"] == "unknown"
    assert states(found)["hot-add"] == "works"
    assert states(found)["dlpar"] == "impossible"
    why = {each["name"]: each["why"] for each in found["capabilities"]}["memmap-on-memory"]
    assert "by those of 5.12.9 it cannot be, by those of 5.14.0 it works" in why


def test_of_an_older_kernel_it_is_said_which_read_one_had_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, 3, file(tmp_path), "--kernel-version", "5.4")
    assert set(states(found).values()) == {"unknown"}
    why = {each["name"]: each["why"] for each in found["capabilities"]}
    assert "Linux 2.6.20 has options for it" in why["hot-add"]
    assert "the oldest Linux read with options for it is 5.10.223" in why["virtio-mem"]
    assert (found["changes"], found["judged_by"]) == (None, [])


def test_an_option_that_the_kernel_does_not_have_is_not_set_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = X86 + "CONFIG_MEMORY_HOTPLUG=y\nCONFIG_MEMORY_HOTPLUG_DEFAULT_ONLINE=y\n"
    args = [file(tmp_path, text), "--want", "auto-online", "--kernel-version"]
    assert document(capsys, 0, *args, "6.12.109")["not_there"] == []
    found = document(capsys, 1, *args, "6.12.110")
    assert found["not_there"] == [
        {
            "option": "MEMORY_HOTPLUG_DEFAULT_ONLINE",
            "where": "before 6.12.110, from 6.13 until 6.14",
            "instead": "MHP_DEFAULT_ONLINE_TYPE_ONLINE_AUTO",
        }
    ]
    assert [other["option"][-13:] for other in found["others"]] == [
        "ONLINE_KERNEL",
        "NLINE_MOVABLE",
    ]


@pytest.mark.parametrize(("suffix", "state"), [("", "impossible"), ("-503.el9", "unknown")])
def test_of_a_vendors_kernel_impossible_is_not_said_of_what_came_later(
    suffix: str, state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = X86.replace("x86 6.1.90", f"x86_64 5.14.0{suffix}") + "CONFIG_CXL_REGION=y\n"
    code = 1 if state == "impossible" else 3
    assert (
        states(document(capsys, code, file(tmp_path, text), "--want", "cxl-memory"))["cxl-memory"]
        == state
    )


def test_a_fragment_is_judged_for_what_it_decides_and_with_a_base_as_a_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = file(tmp_path)
    delta = tmp_path / "delta"
    delta.write_text("CONFIG_MEMORY_HOTPLUG=y\n# CONFIG_MEMORY_HOTREMOVE is not set\n")
    args = ["--arch", "x86", "--kernel-version", "6.1", "--want", "hot-remove"]
    alone = document(capsys, 1, str(delta), *args)
    assert alone["fragment"]
    assert states(alone)["hot-add"] == "works"
    assert states(alone)["hot-remove"] == "missing"
    assert states(alone)["acpi-memory"] == "unknown"
    assert alone["changes"] is None
    whole = document(capsys, 1, str(delta), "--base", base, "--want", "hot-remove")
    assert not whole["fragment"]
    assert whole["version"] == "6.1.90"
    assert whole["changes"] == {"MEMORY_HOTREMOVE": "y"}


def test_each_option_is_a_line_of_its_own_and_no_line_ends_with_blanks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kconfig", file(tmp_path), "--want", "hot-remove"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "      CONFIG_ARCH_ENABLE_MEMORY_HOTREMOVE" in lines
    assert all(line == line.rstrip() for line in lines)
    assert all(line.count("CONFIG_") <= 1 for line in lines)


def test_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(X86.encode())))
    assert document(capsys, 1, "-", "--want", "hot-add")["source"] == "-"


def test_architecture_and_version_can_be_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, "CONFIG_MEMORY_HOTPLUG=y\n")
    args = ["--arch", "aarch64", "--kernel-version", "v6.12.1-rc2", "--want", "hot-add"]
    found = document(capsys, 0, path, *args)
    assert (found["architecture"], found["version"]) == ("arm64", "6.12.1")


def test_what_cannot_be_is_told_and_no_fragment_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, 1, file(tmp_path), "--want", "dlpar")
    assert found["changes"] is None
    assert "no CONFIG_PPC_PSERIES" in found["because"]
    fragment = tmp_path / "none"
    args = ["kconfig", file(tmp_path), "--want", "dlpar", "--fragment", str(fragment)]
    assert main(args) == 2
    assert not fragment.exists()


@pytest.mark.parametrize(
    ("text", "args", "says"),
    [
        (X86, ["--want", "hot-remov"], "did you mean hot-remove"),
        (X86, ["--arch", "vax"], "architecture 'vax'"),
        (X86, ["--kernel-version", "new"], "not like 6.12"),
        (X86, ["--kernel-version", "6." + "1" * 5000], "not like 6.12"),
        (X86, ["--base", "/nonexistent/base"], "cannot read"),
        (X86, ["--want", "hot-add", "--fragment", "/nonexistent/f"], "cannot write"),
        ("CONFIG_SMP=y\n", [], "is a fragment (1 option, no header)"),
        ("CONFIG_SMP=y\n", [], "give --arch, or --base FILE"),
        ("CONFIG_X86=y\n", [], "give --kernel-version X.Y, or --base FILE"),
        (X86 + "CONFIG_X86_32=y\n", [], "32-bit"),
        (X86 + "# CONFIG_64BIT is not set\n", [], "32-bit"),
        ("what\n", [], "line 1"),
        (HEADER.format("mips 6.1.1") + "CONFIG_SMP=y\n", [], "architecture 'mips'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    text: str, args: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kconfig", file(tmp_path, text), *args]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.startswith("memhp kconfig: ")
    assert err.count("\n") == 1


def test_where_the_solver_gives_up_nothing_is_called_impossible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives_up(*_: object) -> bool:
        raise Undecided("z3 gave up (memout): nothing is decided")

    monkeypatch.setattr("memhp.checks.numbers.configuration_plan.satisfiable", gives_up)
    assert main(["kconfig", file(tmp_path)]) == 3
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "memhp: z3 gave up (memout): nothing is decided\n")
