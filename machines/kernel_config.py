"""Reads a kernel's `.config`: plain or gzip, from a file, /proc/config.gz or standard input.

Source of the form: scripts/kconfig/confdata.c (conf_read_simple).
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import MachineError

__all__ = ["KernelConfig", "parse_config", "read_config"]

_HEADER = re.compile(r"# Linux/(\w+) (\d+)\.(\d+)(?:\.(\d+))?\S* Kernel Configuration$")
_SET = re.compile(r"CONFIG_(\w+)=(.+)$")
_UNSET = re.compile(r"# CONFIG_(\w+) is not set$")
_LARGEST = 64 << 20
_VALUES = {"n": 0, "m": 1, "y": 2}


@dataclass(frozen=True)
class KernelConfig:
    """A configuration; ``values`` has what is y (2), m (1) or said to be not set (0)."""

    source: str
    values: Mapping[str, int]
    architecture: str | None
    """As in the header, or as the options tell."""
    version: tuple[int, ...] | None
    bits64: bool


def read_config(path: str) -> KernelConfig:
    """The configuration in a file, or on standard input for "-".

    Raises MachineError for what is no configuration.
    """
    try:
        data = sys.stdin.buffer.read(_LARGEST) if path == "-" else _bytes(Path(path))
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise MachineError(
            f"{path}: the gzip data is truncated or damaged; copy it again"
        ) from None
    except UnicodeDecodeError:
        raise MachineError(
            f"{path} is not text; give a kernel's .config, /proc/config.gz or /boot/config-*"
        ) from None
    except OSError as error:
        raise MachineError(f"cannot read {path}: {error.strerror or error}") from None
    return parse_config(text, path)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST)


def parse_config(text: str, source: str = "text") -> KernelConfig:
    """The configuration that a text states.

    >>> parse_config("# Linux/x86 6.1.90 Kernel Configuration\\nCONFIG_SMP=y\\n").version
    (6, 1, 90)
    """
    values: dict[str, int] = {}
    architecture, version = None, None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if header := _HEADER.match(line):
            architecture = header[1]
            version = tuple(int(part) for part in header.groups()[1:] if part is not None)
        elif unset := _UNSET.match(line):
            values[unset[1]] = 0
        elif found := _SET.match(line):
            if found[2] in _VALUES:
                values[found[1]] = _VALUES[found[2]]
        elif line and not line.startswith("#"):
            raise MachineError(
                f"{source}: line {number} is neither CONFIG_NAME=value nor a comment: {line[:60]!r}"
            )
    if not values:
        raise MachineError(f"{source} sets no CONFIG_ option; give a kernel's .config")
    return KernelConfig(
        source, values, architecture or _told(values), version, values.get("64BIT") != 0
    )


def _told(values: Mapping[str, int]) -> str | None:
    """The architecture, if a file without a header says it in its options."""
    symbols = {"X86": "x86", "ARM64": "arm64", "PPC": "powerpc", "S390": "s390", "RISCV": "riscv"}
    return next((name for symbol, name in symbols.items() if values.get(symbol) == 2), None)
