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
    first = file(tmp_path)
    assert main(["kconfig", first, "--fragment", str(fragment)]) == 1
    capsys.readouterr()
    merged = tmp_path / "merged"
    merged.write_text(X86 + fragment.read_text())
    found = document(capsys, 0, str(merged))
    assert found["changes"] == {}
    assert "missing" not in {e["state"] for e in found["capabilities"] if e["wanted"]}


def test_the_table_is_plain_when_piped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kconfig", file(tmp_path), "--want", "hot-remove"]) == 1
    out = capsys.readouterr().out
    assert "smallest set of changes: 2" in out
    assert "CONFIG_MEMORY_HOTREMOVE=y   (mm/Kconfig)" in out
    assert "\x1b" not in out


def test_a_version_above_the_newest_is_judged_by_the_newest_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = document(capsys, 1, file(tmp_path), "--kernel-version", "99.1")
    newest = document(capsys, 1, file(tmp_path), "--kernel-version", "6.12.9")
    assert late["capabilities"] == newest["capabilities"]
    assert late["changes"] == newest["changes"]
    assert newest["notes"] == []
    assert late["notes"] == [
        "99.1 is later than 6.12, the newest whose rules were read: it is judged by those of 6.12"
    ]
    assert main(["kconfig", file(tmp_path), "--kernel-version", "99.1"]) == 1
    assert late["notes"][0] in capsys.readouterr().out


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
    args = ["--arch", "aarch64", "--kernel-version", "6.12.1", "--want", "hot-add"]
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
        (X86, ["--kernel-version", "4.19"], "older than 5.10"),
        (X86, ["--fragment", "/nonexistent/f"], "cannot write"),
        ("CONFIG_SMP=y\n", [], "give --arch"),
        ("CONFIG_X86=y\n", [], "give --kernel-version"),
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
