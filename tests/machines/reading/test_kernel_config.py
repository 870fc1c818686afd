"""The reader of a .config: what it takes, and one line for what is none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.kernel_config import merged, parse_config, read_config, release_of

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
        (b"\x1b[31mCONFIG_SMP=y\n", "not text"),
        ("CONFIG_SMP=y\n".encode("utf-16"), "not text"),
        (gzip.compress(b"CONFIG_SMP=y\n" * (1 << 20), mtime=0), "more than 4 MiB"),
        (b"CONFIG_SMP=y\n" * (1 << 20), "more than 4 MiB"),
        (gzip.compress(gzip.compress(b"CONFIG_SMP=y\n", mtime=0), mtime=0), "not text"),
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


def test_a_device_without_end_is_one_line() -> None:
    with pytest.raises(MachineError, match="more than 4 MiB"):
        read_config("/dev/zero")


def test_the_last_of_two_lines_counts_and_stands_where_it_was_given() -> None:
    found = parse_config("CONFIG_A=y\nCONFIG_B=y\n# CONFIG_A is not set\nCONFIG_B=y\n")
    assert list(found.values.items()) == [("A", 0), ("B", 2)]
    assert found.twice == ("A",)


@pytest.mark.parametrize(
    ("text", "numbers", "suffix"),
    [
        ("6.14.0-rc3-foo", (6, 14, 0), "-rc3-foo"),
        ("6.12.117-debian", (6, 12, 117), "-debian"),
        ("v6.12", (6, 12), ""),
        ("5.14.0-503.11.1.el9_5.x86_64", (5, 14, 0), "-503.11.1.el9_5.x86_64"),
        ("6.12+", (6, 12), "+"),
    ],
)
def test_a_version_has_numbers_and_a_rest(text: str, numbers: tuple[int, ...], suffix: str) -> None:
    assert release_of(text) == (numbers, suffix)
    header = parse_config(f"# Linux/x86 {text.lstrip('v')} Kernel Configuration\nCONFIG_A=y\n")
    assert (header.version, header.suffix) == (numbers, suffix)


@pytest.mark.parametrize("text", ["", "6", "six.1", "6.1 ; x", "6." + "1" * 5000, "6.1." + "9" * 9])
def test_what_is_no_version_is_none(text: str) -> None:
    assert release_of(text) is None


def test_lines_may_end_as_on_other_systems_and_hold_what_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(
        b"\xef\xbb\xbf# Linux/x86 6.1.0 Kernel Configuration\r\n"
        b'CONFIG_CC_VERSION_TEXT="gcc de M\xfcnchen"\r\nCONFIG_SMP=y\r\n'
    )
    found = read_config(str(tmp_path / "config"))
    assert (found.version, dict(found.values)) == ((6, 1, 0), {"SMP": 2})


def test_a_fragment_has_no_header_and_few_lines() -> None:
    many = "".join(f"CONFIG_O{number}=y\n" for number in range(300))
    assert parse_config("CONFIG_SMP=y\n").fragment
    assert not parse_config(TEXT).fragment
    assert not parse_config(many).fragment
    base = parse_config(TEXT)
    both = merged(base, parse_config("# CONFIG_MEMORY_HOTPLUG is not set\n"))
    assert (both.version, both.values["MEMORY_HOTPLUG"]) == (base.version, 0)
