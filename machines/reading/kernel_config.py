"""Reads a kernel's `.config`: plain or gzip, from a file, /proc/config.gz or standard input.

Source of the form: scripts/kconfig/confdata.c (conf_read_simple).
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from .errors import MachineError, shown

__all__ = ["KernelConfig", "merged", "parse_config", "read_config", "release_of"]

_HEADER = re.compile(
    r"# Linux(?:/(\w{1,20})| kernel version:) (\d{1,4}\.\d{1,4}\S{0,80})(?: Kernel Configuration)?$"
)
_RELEASE = re.compile(
    r"v?(\d{1,4})\.(\d{1,4})(?!\d)(?:\.(\d{1,5})(?!\d)|(?!\.\d))(\S{0,80})$", re.ASCII
)
_SET = re.compile(r"CONFIG_(\w+)=(.+)$", re.ASCII)
_UNSET = re.compile(r"# CONFIG_(\w+) is not set$", re.ASCII)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_LARGEST = 4 << 20
_VALUES = {"n": 0, "m": 1, "y": 2}
_FEW = 200


@dataclass(frozen=True)
class KernelConfig:
    """A configuration; ``values`` has what is y (2), m (1) or said to be not set (0)."""

    source: str
    values: Mapping[str, int]
    """In the order of the lines that count: of an option given twice, the last."""
    architecture: str | None
    """As in the header, or as the options tell."""
    version: tuple[int, ...] | None
    suffix: str = ""
    """What follows the numbers of the version, such as "-rc3" or "-503.el9"."""
    twice: tuple[str, ...] = ()
    """Options that are given more than one value."""
    header: bool = True

    @property
    def fragment(self) -> bool:
        """It has no header and few lines: part of a configuration."""
        return not self.header and len(self.values) < _FEW


def release_of(text: str) -> tuple[tuple[int, ...], str] | None:
    """The numbers of a version and what follows them; None if it is no version.

    >>> release_of("6.14.0-rc3-foo")
    ((6, 14, 0), '-rc3-foo')
    """
    match = _RELEASE.match(text)
    if not match:
        return None
    return tuple(int(part) for part in match.groups()[:3] if part is not None), match[4]


def read_config(path: str) -> KernelConfig:
    """The configuration in a file, or on standard input for "-".

    Raises:
        MachineError: the file cannot be read, is no configuration, or is larger than one can be.
    """
    try:
        data = _bounded(path, sys.stdin.buffer) if path == "-" else _of_file(path)
        if data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
                data = _bounded(path, cast("IO[bytes]", unpacked))
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise MachineError(
            f"{path}: the gzip data is truncated or damaged; copy it again"
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(error, MachineError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise MachineError(f"cannot read {path}: {reason}") from None
    if _CONTROLS.search(data):
        raise MachineError(
            f"{path} is not text; give a kernel's .config, /proc/config.gz or /boot/config-*"
        )
    return parse_config(data.decode("utf-8-sig", "replace"), path)


def _of_file(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return _bounded(path, file)


def _bounded(path: str, file: IO[bytes]) -> bytes:
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise MachineError(f"{path}: more than {_LARGEST >> 20} MiB, so it is no configuration")
    return data


def parse_config(text: str, source: str = "text") -> KernelConfig:
    """The configuration that a text states.

    Raises:
        MachineError: a line is none of a configuration, or no line sets an option.

    >>> parse_config("# Linux/x86 6.1.90 Kernel Configuration\\nCONFIG_SMP=y\\n").version
    (6, 1, 90)
    """
    values: dict[str, int] = {}
    twice: dict[str, None] = {}
    header: re.Match[str] | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if unset := _UNSET.match(line):
            _set(values, twice, unset[1], 0)
        elif setting := _SET.match(line):
            if (value := _VALUES.get(setting[2][0])) is not None:
                _set(values, twice, setting[1], value)
        elif line.startswith("#"):
            header = header or _HEADER.match(line)
        elif line:
            raise MachineError(
                f"{source}: line {number} is neither CONFIG_NAME=value nor a comment: {shown(line)}"
            )
    if not values:
        raise MachineError(f"{source} sets no CONFIG_ option; give a kernel's .config")
    version, suffix = (release_of(header[2]) if header else None) or (None, "")
    architecture = (header[1] if header else None) or _architecture_in(values)
    return KernelConfig(
        source, values, architecture, version, suffix, tuple(twice), header is not None
    )


def _set(values: dict[str, int], twice: dict[str, None], name: str, value: int) -> None:
    """The last line counts, and stands where it was given."""
    if values.pop(name, value) != value:
        twice[name] = None
    values[name] = value


def merged(base: KernelConfig, change: KernelConfig) -> KernelConfig:
    """The base with the lines of a fragment after its own, as merge_config.sh leaves them."""
    others = {name: value for name, value in base.values.items() if name not in change.values}
    return replace(
        base,
        source=f"{change.source} on {base.source}",
        values={**others, **change.values},
        twice=(*base.twice, *change.twice),
    )


def _architecture_in(values: Mapping[str, int]) -> str | None:
    """The architecture, if a file without a header says it in its options."""
    symbols = {"X86": "x86", "ARM64": "arm64", "PPC": "powerpc", "S390": "s390", "RISCV": "riscv"}
    return next((name for symbol, name in symbols.items() if values.get(symbol) == 2), None)
