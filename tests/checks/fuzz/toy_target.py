"""A target of sixty lines: blocks that go online and offline, with a bug that can be planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from errno import EINVAL, ENODEV

from memhp.reference.topology import Topology, Value


class ToyTarget:
    """Blocks without contents.  ``forgets_device``: offline does not look for the device."""

    operations = frozenset({"write_state"})

    def __init__(self, forgets_device: bool = False, crashes: bool = False) -> None:
        self._forgets_device = forgets_device
        self._crashes = crashes

    def reset(self, topology: Topology) -> None:
        early = topology.tables["early"]
        self.device = list(map(bool, early))
        self.state = ["online" if there else "offline" for there in early]

    def do(self, operation: str, *params: Value) -> int | None:
        block, word = int(params[0]), str(params[1])
        if word not in ("offline", "online", "online_movable", "online_kernel"):
            return EINVAL
        if self._crashes and word == "offline":
            raise KeyError("state")
        if not self.device[block] and not (self._forgets_device and word == "offline"):
            return ENODEV
        before, after = ("online", "offline") if word == "offline" else ("offline", "online")
        if self.state[block] != before:
            return EINVAL
        self.state[block] = after
        return None

    def observe(self) -> Mapping[str, Sequence[Value | None]]:
        return {"block_state": self.state, "frame_state": [None] * len(self.state)}
