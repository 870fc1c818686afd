"""Each node keeps free frames for the kernel, which user memory does not take.

Numbers: `at_least` names so many different frames, for machines of every size. What is said is of
the moment of an allocation: how many frames are free later depends on the kernel, too.
"""

from errno import ENOMEM

from memhp.spec.blocks.block_states import FrameState, frame_state, zone
from memhp.spec.folios.frames import Folio, FolioKind, exists_now, home
from memhp.spec.language import (
    Bool,
    Design,
    ExtendAction,
    after,
    at_least,
    definition,
    guard,
    implies,
    sometimes,
    step,
)
from memhp.spec.machine.topology import Frame, Node, Zone, block_of, node_of_frame

RESERVE = 2
"""So many frames of each node are left to the kernel."""


@definition
def free_for_the_kernel(f: Frame, n: Node) -> Bool:
    """The kernel may take the frame of the node: it is free, and not in the movable zone."""
    free = frame_state[f] == FrameState.free
    return free & (zone[block_of(f)] != Zone.movable) & (node_of_frame(f) == n)


def _reserve_stays(o: Folio, f: Frame, k: FolioKind) -> None:
    n = node_of_frame(f)
    enough = at_least(RESERVE + 1, Frame, lambda g: free_for_the_kernel(g, n))
    guard("reserve_stays", ~free_for_the_kernel(f, n) | enough, errno=ENOMEM, why="reserved")


@step(covers="U1")
def user_memory_leaves_the_reserve(o: Folio, f: Frame) -> Bool:
    """A folio that comes to life takes none of the node's last frames that the kernel may have."""
    n = node_of_frame(f)
    comes = ~exists_now(o) & after(exists_now(o)) & after(home[o] == f)
    left = at_least(RESERVE, Frame, lambda g: free_for_the_kernel(g, n))
    return implies(comes & free_for_the_kernel(f, n), after(left))


@sometimes(covers="U1")
def user_memory_lives_beside_the_reserve(o: Folio) -> Bool:
    """A folio lives where the kernel could be."""
    return exists_now(o) & (zone[block_of(home[o])] != Zone.movable)


DESIGN = Design(edits=(ExtendAction("alloc_folio", _reserve_stays),))
