"""What a machine says of itself while a plan is done on it: read anew each time.

Sources: drivers/base/memory.c (state, valid_zones), mm/vmstat.c (pgmigrate_success).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..reading.places import MEMORY_DIR, NODE_DIR

__all__ = ["Machine", "Now"]

_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Now:
    """What a block says: its state, and its zone if it is online in one; None: it says nothing."""

    state: str | None
    zone: str | None


class Machine:
    """The machine whose files lie below a root, `/` for this one."""

    def __init__(self, root: str | Path = "/") -> None:
        self.root = Path(root)

    def state_file(self, block: int) -> Path:
        """The file that takes a block offline, or brings it online."""
        return self.root / MEMORY_DIR / f"memory{block}" / "state"

    def now(self, block: int) -> Now:
        """What a block says now."""
        folder = f"{MEMORY_DIR}/memory{block}"
        state = self._read(f"{folder}/state")
        zones = (self._read(f"{folder}/valid_zones") or "").split()
        online = state == "online" and zones and zones[0] != "none"
        return Now(state, zones[0] if online else None)

    def on_node(self, block: int, node: int) -> bool:
        """Whether a block is linked from a node; true where the kernel shows no nodes (no NUMA)."""
        if not (self.root / NODE_DIR).is_dir():
            return True
        link = self.root / NODE_DIR / f"node{node}" / f"memory{block}"
        return link.is_symlink() or link.exists()

    @property
    def block_size(self) -> int | None:
        """Bytes of a block; None if it is not told."""
        text = self._read(f"{MEMORY_DIR}/block_size_bytes") or ""
        return int(text, 16) if re.fullmatch("[0-9a-f]{1,16}", text) else None

    @property
    def boot(self) -> str | None:
        """What the kernel calls this boot; None if it does not tell."""
        return self._read("proc/sys/kernel/random/boot_id")

    @property
    def migrated(self) -> int | None:
        """How many pages have been migrated since boot; None if it is not told."""
        match = re.search(r"(?m)^pgmigrate_success (\d{1,19})$", self._read("proc/vmstat") or "")
        return int(match[1]) if match else None

    @property
    def pressure(self) -> float | None:
        """The share of the last ten seconds in which all tasks waited for memory, in percent."""
        text = self._read("proc/pressure/memory") or ""
        match = re.search(r"(?m)^full avg10=(\d{1,3}\.\d{1,2}) ", text)
        return float(match[1]) if match else None

    @property
    def available(self) -> int | None:
        """Bytes of memory that the kernel deems available; None if it is not told."""
        match = re.search(r"(?m)^MemAvailable: +(\d{1,15}) kB$", self._read("proc/meminfo") or "")
        return int(match[1]) * 1024 if match else None

    def _read(self, path: str) -> str | None:
        try:
            with open(self.root / path, "rb") as file:
                return file.read(_MOST_BYTES).decode(errors="replace").strip()
        except OSError:
            return None
