"""A wrong one: where nothing else is free, the kernel takes memory from the removable area.

It looks harmless, as it is rare. But such a block can never go (U1).
"""

from memhp.spec.blocks.block_states import FrameState, frame_state, zone
from memhp.spec.language import Bool, Design, ReplaceGuard, exists
from memhp.spec.machine.topology import Frame, Zone, block_of


def _outside_while_it_can(f: Frame) -> Bool:
    elsewhere = exists(
        Frame,
        lambda g: (frame_state[g] == FrameState.free) & (zone[block_of(g)] != Zone.movable),
    )
    return (zone[block_of(f)] != Zone.movable) | ~elsewhere


DESIGN = Design(
    edits=(ReplaceGuard("alloc_kernel", "outside_removable_area", _outside_while_it_can),)
)
