"""Linux's order of blocks, which is none, written without the specification: whatever is there
can be added and removed, block by block.

Test: ``TestLinux = conformance(AsLinux, topologies=["four_nodes"])``, where a node has no memory
at boot.  It says itself that Linux is what it follows.
"""

from errno import EBUSY, EEXIST, ENODEV, ENOMEM

from memhp.reference.target import Observation
from memhp.reference.topology import Topology, Value


class AsLinux:
    """Adds and removes blocks that each lie in a device of their own; onlines none."""

    operations = frozenset({"add_memory", "remove_memory", "eject"})
    profile = "linux-6.12"

    def reset(self, topology: Topology) -> None:
        """Boot: early blocks are online, and their nodes."""
        self.node_of = topology.tables["node_of"]
        self.host_of = topology.tables["memmap_host"]
        self.early = [bool(early) for early in topology.tables["early"]]
        self.plugged, self.known = list(self.early), list(self.early)

    def do(self, operation: str, *params: Value) -> int | None:
        """None for success, otherwise an errno."""
        block = int(params[0])
        if operation == "add_memory":
            if self.plugged[block]:
                return EEXIST
            if not (self.known[self.host_of[block]] or self.host_of[block] == block):
                return ENOMEM
            self.plugged[block] = self.known[block] = True
        elif operation == "remove_memory":
            if not self.known[block]:
                return ENODEV
            if self.early[block]:
                return EBUSY  # it is online
            self.known[block] = False
        else:
            if not self.plugged[block]:
                return ENODEV
            if self.known[block]:
                return EBUSY
            self.plugged[block] = False
        return None

    def observe(self) -> Observation:
        """What sysfs shows of blocks and nodes, and which devices are there."""
        nodes = range(max(self.node_of) + 1)
        there = [{n for n, known in zip(self.node_of, self.known, strict=True) if known}]
        return {
            "block_device": self.known,
            "inserted": self.plugged,
            "node_online": [node in there[0] for node in nodes],
        }
