"""The pools of huge folios: whole ranges of frames, counted as they come and go.

Ranges have one size and do not reach over the end of a block.
"""

from __future__ import annotations

from .codes import EAGAIN, EBUSY, ENOENT, ENOMEM, FREE, HUGE, ISOLATED, ZONES
from .frames import BlockFrames
from .huge_uses import HugeUses

__all__ = ["FREE_HUGE", "INCOMING", "LEFT", "TEMPORARY", "USED", "Pools"]

_MOVABLE = ZONES.index("movable")
_NONE, FREE_HUGE, USED, INCOMING, TEMPORARY, LEFT = range(6)
"""What a huge folio is; of no pool is what was made for a move, and what a move has left."""


class Pools:
    """The pools of hugetlb folios, empty at boot; each folio takes a whole range of ``frames``.

    Operations return 0, or the errno of the first objection.

    ``uses`` is who reaches them.  ``frames_in`` counts, for each block with a huge folio, the
    frames that such folios take.
    """

    def __init__(self, frames: BlockFrames) -> None:
        self.frames = frames
        self.layout = layout = frames.layout
        self.frames_in: dict[int, int] = {}
        ranges, count = layout.ranges, len(layout.birth_range)
        self.huge_state = bytearray(count)
        self.huge_home = list(layout.birth_range)
        self.huge_of = list(layout.first_huge)
        self.held = bytearray(len(layout.reservation_node))
        self.nr_huge = [0] * layout.nodes
        self.free_huge = [0] * layout.nodes
        self.surplus_huge = [0] * layout.nodes
        self.reserved_huge = [0] * layout.nodes
        self.huge_stage = bytearray(count)
        self.huge_target = list(range(count))
        self.range_data = list(layout.boot_range_data)
        self.huge_contents = [self.range_data[home] for home in self.huge_home]
        self.migratable = bytearray(ranges)
        self.uses = HugeUses(self)
        self._goes = -1
        """The block that goes offline."""

    def _block_of_range(self, place: int) -> int:
        return place * self.layout.range_size // self.frames.per_block

    def _node_of_range(self, place: int) -> int:
        return self.frames.node_of[self._block_of_range(place)]

    def _pool_of(self, huge: int) -> int:
        return self._node_of_range(self.huge_home[huge])

    def leaves(self, huge: int) -> bool:
        """The huge folio is in a block that goes offline, or is closed to allocation."""
        block = self._block_of_range(self.huge_home[huge])
        return block == self._goes or self.frames.freed_as[block] != FREE

    def zone_of(self, huge: int) -> int:
        """The zone of the block that the huge folio is in."""
        return self.frames.zone[self._block_of_range(self.huge_home[huge])]

    def has_sticky(self, block: int) -> bool:
        """Whether a huge folio in the block stays: too large, held for long, free but promised."""
        return any(
            self.layout.gigantic[self.huge_home[huge]]
            or self.uses.is_held_for_long(huge)
            or (self.huge_state[huge] == FREE_HUGE and self._none_to_spare(self._pool_of(huge)))
            for huge in self._inside(block)
        )

    def takes_in(self, block: int) -> bool:
        """Whether a huge folio is on its way into the block."""
        return any(self.huge_state[huge] in (INCOMING, TEMPORARY) for huge in self._inside(block))

    def _inside(self, block: int) -> list[int]:
        """The huge folios in the block, in the order of their frames."""
        if block not in self.frames_in:
            return []
        frames, size = self.frames.per_block, self.layout.range_size
        places = range(block * frames // size, (block + 1) * frames // size)
        owners = ((self.huge_of[place], place) for place in places)
        return [h for h, place in owners if self.huge_state[h] and self.huge_home[h] == place]

    def lowest_range(self, node: int) -> int:
        """The lowest range of the node that the allocator can give whole; -1 if there is none."""
        frames, size, gigantic = self.frames, self.layout.range_size, self.layout.gigantic
        block = frames.room[node].first()
        while block >= 0:
            codes = frames.mixed.get(block)
            for at in range(0, frames.per_block, size):
                free = codes is None or codes.count(FREE, at, at + size) == size
                place = (block * frames.per_block + at) // size
                if free and not gigantic[place]:
                    return place
            block = frames.room[node].first(block + 1)
        return -1

    def _none_to_spare(self, node: int) -> bool:
        return self.reserved_huge[node] >= self.free_huge[node]

    # --- pools -------------------------------------------------------------------------------

    def grow_pool(self, huge: int, place: int) -> int:
        """Make a free huge folio of a range, for the pool of the range's node."""
        error = self._make_pooled(huge, place, FREE_HUGE)
        if not error:
            self.free_huge[self._node_of_range(place)] += 1
        return error

    def take_surplus(self, huge: int, place: int) -> int:
        """Make a huge folio of a range, in use at once and on top of the pool (surplus)."""
        error = self._make_pooled(huge, place, USED)
        if not error:
            self.surplus_huge[self._node_of_range(place)] += 1
        return error

    def dissolve(self, huge: int) -> int:
        """Give the frames of a free huge folio back to the allocator."""
        error = self._cannot_take(huge)
        if not error:
            self.free_huge[self._pool_of(huge)] -= 1
            self._unmake(huge)
        return error

    def free_left_huge(self, huge: int) -> int:
        """Give frames back that a move has left, or did not need."""
        if self.huge_state[huge] != LEFT:
            return EAGAIN
        self._release(huge)
        return 0

    def reserve_huge(self, promise: int) -> int:
        """Reserve a huge folio of the promise's node."""
        node = self.layout.reservation_node[promise]
        if self.held[promise]:
            return EAGAIN
        if self._none_to_spare(node):
            return ENOMEM
        self.held[promise] = 1
        self.reserved_huge[node] += 1
        return 0

    def unreserve_huge(self, promise: int) -> int:
        """Take a reservation back."""
        if not self.held[promise]:
            return ENOENT
        self.held[promise] = 0
        self.reserved_huge[self.layout.reservation_node[promise]] -= 1
        return 0

    def take_huge(self, huge: int) -> int:
        """Use a free huge folio that is not reserved."""
        error = self._cannot_take(huge) or (ENOMEM if self.leaves(huge) else 0)
        if not error:
            self.huge_state[huge] = USED
            self.free_huge[self._pool_of(huge)] -= 1
        return error

    def take_promised(self, huge: int, promise: int) -> int:
        """Use a free huge folio against a reservation, which is gone then."""
        if self.huge_state[huge] != FREE_HUGE:
            return EAGAIN
        if not self.held[promise]:
            return ENOENT
        if self._pool_of(huge) != self.layout.reservation_node[promise]:
            return EAGAIN
        if self.leaves(huge):
            return ENOMEM
        self.huge_state[huge] = USED
        self.free_huge[self._pool_of(huge)] -= 1
        return self.unreserve_huge(promise)

    def _cannot_take(self, huge: int) -> int:
        if self.huge_state[huge] != FREE_HUGE:
            return EAGAIN
        return EBUSY if self._none_to_spare(self._pool_of(huge)) else 0

    def _make_pooled(self, huge: int, place: int, state: int) -> int:
        block = self._block_of_range(place)
        gigantic = self.layout.gigantic[place] and self.frames.zone[block] == _MOVABLE
        error = EAGAIN if self.huge_state[huge] else ENOMEM if gigantic else 0
        error = error or self._make(huge, place, state)
        if not error:
            self.nr_huge[self.frames.node_of[block]] += 1
        return error

    def _make(self, huge: int, place: int, state: int) -> int:
        """Make a huge folio of the range, which no pool counts."""
        if self.huge_state[huge]:
            return EAGAIN
        size = self.layout.range_size
        block, at = divmod(place * size, self.frames.per_block)
        codes = self.frames.mixed.get(block)
        if codes is None:
            all_free = self.frames.uniform[block] == FREE
        else:
            all_free = codes.count(FREE, at, at + size) == size
        if not all_free:
            return ENOMEM
        self.huge_state[huge] = state
        self.huge_home[huge] = place
        self.huge_of[place] = huge
        self.frames_in[block] = self.frames_in.get(block, 0) + size
        self.frames.codes_of(block)[at : at + size] = bytes((HUGE,)) * size
        self.frames.less_free(block, size)
        return 0

    def _unmake(self, huge: int) -> None:
        """Give the frames of a pool's huge folio back; surplus goes first."""
        node = self._pool_of(huge)
        self.nr_huge[node] -= 1
        self.surplus_huge[node] -= self.surplus_huge[node] > 0
        self._release(huge)

    def _release(self, huge: int) -> None:
        place, size = self.huge_home[huge], self.layout.range_size
        block, at = divmod(place * size, self.frames.per_block)
        self.huge_state[huge] = _NONE
        self.frames_in[block] -= size
        if not self.frames_in[block]:
            del self.frames_in[block]
        if block == self._goes:
            self.frames.codes_of(block)[at : at + size] = bytes((ISOLATED,)) * size
            return
        for frame in range(at, at + size):
            self.frames.give_back(block, frame)
