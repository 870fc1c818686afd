"""The scenario of a mem_map in another block: what holds it stays as long as it is there.

Added memory comes without memmap_on_memory, so that the kernel takes pages for its mem_map, from
the added memory's node first.  The reference has a small machine of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.language.system import System

from .follow import Follower
from .steps import FIRST, MEMORY, SECOND, Check, figures, take_steps

__all__ = ["a_block_with_a_mem_map_of_another_stays"]

_HOST, _GUEST = 1, 2
"""In the small machine: the block that holds the mem_map of the other, and that one."""


def _with_a_mem_map_elsewhere(system: System) -> Operations:
    """A boot block, and two added later, of which one holds the mem_map of the other."""
    shape = Shape(
        blocks=3, added=frozenset([_HOST, _GUEST]), tables=(("memmap_host", (0, _HOST, _HOST)),)
    )
    return Operations(Machine(system, shape.build(system)))


def a_block_with_a_mem_map_of_another_stays(follower: Follower) -> Iterator[Check]:
    """A block that holds the mem_map of a DIMM stays until that is removed (N1, N2, U1).

    Node 1 has one block in a kernel zone, of a first DIMM, the only memory there that the kernel
    may take.  A second DIMM is added and stays offline, and is ejected.  Seen must be: the mem_map
    is taken from node 1, and the block is told to go offline before, between and after that with
    what the reference answers.
    """
    target = follower.target
    guest, board = target.booted, target.board
    # What the kernel takes for a node when its first memory is online is not in a movable block.
    take_steps(follower, ("add_device", 1), ("write_state", SECOND, "online_movable"))
    user = _with_a_mem_map_elsewhere(follower.system)
    user.add_device(_HOST)

    def told(word: str, when: str) -> Check:
        answer = guest.write(f"{MEMORY}/memory{board.numbers()[FIRST]}/state", word)
        wanted = user.write_state(_HOST, word).errno or 0
        return Check(f"errno of {word} {when}", str(wanted), str(answer))

    yield told("online_kernel", "at first")
    yield told("offline", "with nothing added")
    yield told("online_kernel", "again")
    free = figures(guest, "MemFree")
    user.add_device(_GUEST)
    answer = target.do("add_device", 2)
    yield Check("errno of the second DIMM", "0", str(answer or 0))
    taken = free - figures(guest, "MemFree")
    pages = board.block // target.page * len(board.blocks_of(2))
    yield Check("a mem_map's bytes came from node 1", "True", str(taken >= 56 * pages))
    yield told("offline", "with the mem_map of offline memory in it")
    yield Check("errno of its eject", "0", str(target.do("eject_device", 2) or 0))
    user.eject_device(_GUEST)
    yield told("offline", "after the eject")
