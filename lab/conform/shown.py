"""What a guest shows of its blocks and nodes, and what the reference would: in the same words.

It is the blocks that there are, each block's state and node, the zone of an online block, the
default zone of an offline one, and the nodes; and that there are no others.

Sources: drivers/base/memory.c (state_show, valid_zones_show), drivers/base/node.c (node lists).
"""

from __future__ import annotations

from collections.abc import Iterable

from memhp.machines.judging.completions import ZONE_OF
from memhp.machines.reading.sysfs import BlockReading, MachineReading, NodeReading
from memhp.reference.machine import Machine
from memhp.reference.target import Observation
from memhp.reference.topology import Value

from .board import Board

__all__ = ["differences", "expected", "observed"]


def observed(reading: MachineReading, board: Board) -> Observation:
    """What a guest shows of its blocks and nodes, by its reading, in the words of `expected`."""
    shown = {block.number: block for block in reading.blocks}
    blocks = [shown.get(number) for number in board.numbers()]
    zones = [_zone_of(block) for block in blocks]
    # A kernel without NUMA shows no node: it has one.
    nodes = {node.number: node for node in reading.nodes} or {0: NodeReading(0)}
    here = [nodes.get(number) for number in range(board.nodes)]
    return {
        "block_device": [block is not None for block in blocks],
        "block_state": [state for state, _ in zones],
        "zone": [zone if state == "online" else None for state, zone in zones],
        "default_zone": [zone if state == "offline" else None for state, zone in zones],
        "node": [None if block is None else _node_of(block, board) for block in blocks],
        "node_online": tuple(bool(node and node.online is not False) for node in here),
        "has_memory": tuple(bool(node and node.has_memory is not False) for node in here),
        "other_blocks": [_listed(shown.keys() - board.numbers())],
        "other_nodes": [_listed(nodes.keys() - {*range(board.nodes)})],
    }


def _node_of(block: BlockReading, board: Board) -> Value:
    """The block's node; a kernel without NUMA shows none, and has one."""
    nodes = block.nodes or ((0,) if board.nodes == 1 else ())
    return nodes[0] if len(nodes) == 1 else _listed(nodes)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "none"


def _zone_of(block: BlockReading | None) -> tuple[str | None, str | None]:
    """The state, and the zone of an online block or the default one of an offline block."""
    if block is None:
        return None, None
    first = (block.valid_zones or ("none",))[0]
    return block.state, ZONE_OF.get(first, first)


def expected(machine: Machine) -> Observation:
    """What sysfs would show of the reference's state; None where it shows nothing."""
    blocks, nodes = range(machine.topology.sizes["Block"]), range(machine.topology.sizes["Node"])
    there = [bool(machine.get("block_device", b)) for b in blocks]
    states = [machine.get("block_state", b) if there[b] else None for b in blocks]
    return {
        "block_device": there,
        "block_state": states,
        "zone": [machine.get("zone", b) if states[b] == "online" else None for b in blocks],
        "default_zone": [
            machine.evaluate("default_zone", b) if states[b] == "offline" else None for b in blocks
        ],
        "node": [machine.topology.tables["node_of"][b] if there[b] else None for b in blocks],
        "node_online": tuple(machine.get("node_online", n) for n in nodes),
        "has_memory": tuple(machine.get("has_memory", n) for n in nodes),
        "other_blocks": ["none"],
        "other_nodes": ["none"],
    }


def differences(wanted: Observation, seen: Observation) -> list[str]:
    """Where two observations differ: a line for each entry.

    >>> differences({"zone": ("kernel", None)}, {"zone": ("movable", None)})
    ['zone of 0: kernel expected, movable seen']
    """
    return [
        f"{name} of {at}: {want} expected, {got} seen"
        for name in wanted
        for at, (want, got) in enumerate(zip(wanted[name], seen[name], strict=True))
        if want != got
    ]
