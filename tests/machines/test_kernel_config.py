"""The reader of a .config: what it takes, and one line for what is none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from memhp.machines.errors import MachineError
from memhp.machines.kernel_config import parse_config, read_config

TEXT = """\
#
# Automatically generated file; DO NOT EDIT.
# Linux/arm64 6.12.3-rc1 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc = 12"
CONFIG_MEMORY_HOTPLUG=y
CONFIG_VIRTIO_MEM=m
# CONFIG_MEMORY_HOTREMOVE is not set
CONFIG_NODES_SHIFT=4
"""


def test_values_architecture_and_version_are_read() -> None:
    found = parse_config(TEXT)
    assert found.values == {"MEMORY_HOTPLUG": 2, "VIRTIO_MEM": 1, "MEMORY_HOTREMOVE": 0}
    assert (found.architecture, found.version) == ("arm64", (6, 12, 3))


def test_without_a_header_the_options_tell_the_architecture() -> None:
    found = parse_config("CONFIG_S390=y\n")
    assert (found.architecture, found.version) == ("s390", None)


def test_gzip_says_what_plain_says(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text(TEXT)
    (tmp_path / "config.gz").write_bytes(gzip.compress(TEXT.encode()))
    plain, packed = read_config(str(tmp_path / "plain")), read_config(str(tmp_path / "config.gz"))
    assert plain.values == packed.values


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(TEXT.encode(), mtime=0)[:40], "truncated"),
        (b"\x1f\x8b garbage", "damaged"),
        (b"\x7fELF\xff\xfe", "not text"),
        (b"", "no CONFIG_ option"),
        (b"# just a comment\n", "no CONFIG_ option"),
        (b"CONFIG_SMP=y\nSMP: yes\n", "line 2"),
        (b"CONFIG_SMP\n", "line 1"),
    ],
)
def test_what_is_no_configuration_is_one_line(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(MachineError, match=says) as caught:
        read_config(str(tmp_path / "bad"))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_no_file_and_a_folder_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(MachineError, match="cannot read"):
            read_config(str(path))
