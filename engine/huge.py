"""Huge folios and their pools: whole ranges of frames, counted as they come and go.

Ranges have one size and do not reach over the end of a block.
"""

from __future__ import annotations

from .codes import (
    EAGAIN,
    EBUSY,
    EINTR,
    ENOENT,
    ENOMEM,
    FREE,
    HUGE,
    ISOLATED,
    ZONES,
)
from .frames import BlockFrames

__all__ = ["HugePools"]

_MOVABLE = ZONES.index("movable")
_NONE, _FREE, _USED, _INCOMING = range(4)
"""What a huge folio is."""
_IDLE, _RESERVED, _COPIED = range(3)
"""How far its move is."""


class HugePools:
    """The pools of hugetlb folios, empty at boot; each folio takes a whole range of ``frames``.

    Operations return 0, or the errno of the first objection.

    ``frames_in`` counts, for each block with a huge folio, the frames that such folios take.
    """

    def __init__(self, frames: BlockFrames) -> None:
        self.frames = frames
        self.layout = layout = frames.layout
        self.frames_in: dict[int, int] = {}
        ranges, count = layout.ranges, len(layout.birth_range)
        self.huge_state = bytearray(count)
        self.huge_home = list(layout.birth_range)
        self.huge_of = list(layout.first_huge)
        self.surplus = bytearray(count)
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
        self._goes = -1
        """The block that goes offline."""

    def _block_of_range(self, place: int) -> int:
        return place * self.layout.range_size // self.frames.per_block

    def _node_of_range(self, place: int) -> int:
        return self.frames.node_of[self._block_of_range(place)]

    def _pool_of(self, huge: int) -> int:
        return self._node_of_range(self.huge_home[huge])

    def _leaves(self, huge: int) -> bool:
        """The huge folio is in a block that goes offline, or is closed to allocation."""
        block = self._block_of_range(self.huge_home[huge])
        return block == self._goes or self.frames.freed_as[block] != FREE

    def has_gigantic(self, block: int) -> bool:
        """Whether a part of a huge folio that is larger than a block lies in the block."""
        return any(self.layout.gigantic[self.huge_home[huge]] for huge in self._inside(block))

    def takes_in(self, block: int) -> bool:
        """Whether a huge folio is on its way into the block."""
        return any(self.huge_state[huge] == _INCOMING for huge in self._inside(block))

    def _inside(self, block: int) -> list[int]:
        """The huge folios in the block, in the order of their frames."""
        if block not in self.frames_in:
            return []
        frames, size = self.frames.per_block, self.layout.range_size
        places = range(block * frames // size, (block + 1) * frames // size)
        owners = ((self.huge_of[place], place) for place in places)
        return [h for h, place in owners if self.huge_state[h] and self.huge_home[h] == place]

    def _none_to_spare(self, node: int) -> bool:
        return self.reserved_huge[node] >= self.free_huge[node]

    # --- pools -------------------------------------------------------------------------------

    def grow_pool(self, huge: int, place: int) -> int:
        """Make a free huge folio of a range, for the pool of the range's node."""
        error = self._make(huge, place, _FREE)
        if not error:
            self.free_huge[self._node_of_range(place)] += 1
        return error

    def take_surplus(self, huge: int, place: int) -> int:
        """Make a huge folio of a range, in use at once and on top of the pool (surplus)."""
        error = self._make(huge, place, _USED)
        if not error:
            self.surplus[huge] = 1
            self.surplus_huge[self._node_of_range(place)] += 1
        return error

    def dissolve(self, huge: int) -> int:
        """Give the frames of a free huge folio back to the allocator."""
        error = self._cannot_take(huge)
        if not error:
            self.free_huge[self._pool_of(huge)] -= 1
            self._unmake(huge)
        return error

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
        error = self._cannot_take(huge) or (ENOMEM if self._leaves(huge) else 0)
        if not error:
            self.huge_state[huge] = _USED
            self.free_huge[self._pool_of(huge)] -= 1
        return error

    def take_promised(self, huge: int, promise: int) -> int:
        """Use a free huge folio against a reservation, which is gone then."""
        if self.huge_state[huge] != _FREE:
            return EAGAIN
        if not self.held[promise]:
            return ENOENT
        if self._pool_of(huge) != self.layout.reservation_node[promise]:
            return EAGAIN
        if self._leaves(huge):
            return ENOMEM
        self.huge_state[huge] = _USED
        self.free_huge[self._pool_of(huge)] -= 1
        return self.unreserve_huge(promise)

    def _cannot_take(self, huge: int) -> int:
        if self.huge_state[huge] != _FREE:
            return EAGAIN
        return EBUSY if self._none_to_spare(self._pool_of(huge)) else 0

    def _make(self, huge: int, place: int, state: int) -> int:
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
        if self.layout.gigantic[place] and self.frames.zone[block] == _MOVABLE:
            return ENOMEM
        self.huge_state[huge] = state
        self.huge_home[huge] = place
        self.huge_of[place] = huge
        self.surplus[huge] = 0
        self.nr_huge[self.frames.node_of[block]] += 1
        self.frames_in[block] = self.frames_in.get(block, 0) + size
        self.frames.codes_of(block)[at : at + size] = bytes((HUGE,)) * size
        self.frames.less_free(block, size)
        return 0

    def _unmake(self, huge: int) -> None:
        place, size = self.huge_home[huge], self.layout.range_size
        block, at = divmod(place * size, self.frames.per_block)
        self.nr_huge[self.frames.node_of[block]] -= 1
        self.huge_state[huge] = _NONE
        self.frames_in[block] -= size
        if not self.frames_in[block]:
            del self.frames_in[block]
        if block == self._goes:
            self.frames.codes_of(block)[at : at + size] = bytes((ISOLATED,)) * size
            return
        for frame in range(at, at + size):
            self.frames.give_back(block, frame)

    # --- use, and moves ----------------------------------------------------------------------

    def _cannot_use(self, huge: int) -> int:
        if self.huge_state[huge] != _USED:
            return EAGAIN
        return EBUSY if self.huge_stage[huge] else 0

    def map_huge(self, huge: int, value: int) -> int:
        """Store to a huge folio in use; from now on it can be migrated."""
        error = self._cannot_use(huge)
        if not error:
            self.range_data[self.huge_home[huge]] = value
            self.huge_contents[huge] = value
            self.migratable[self.huge_home[huge]] = 1
        return error

    def put_huge(self, huge: int) -> int:
        """Free a huge folio of the pool, in use until now: it stays in the pool."""
        error = self._cannot_use(huge) or (EAGAIN if self.surplus[huge] else 0)
        if not error:
            self.huge_state[huge] = _FREE
            self.migratable[self.huge_home[huge]] = 0
            self.free_huge[self._pool_of(huge)] += 1
        return error

    def put_surplus(self, huge: int) -> int:
        """Free a surplus huge folio: its frames go back to the allocator."""
        error = self._cannot_use(huge) or (0 if self.surplus[huge] else EAGAIN)
        if not error:
            self.migratable[self.huge_home[huge]] = 0
            self.surplus_huge[self._pool_of(huge)] -= 1
            self._unmake(huge)
        return error

    def begin_huge_migration(self, huge: int, target: int) -> int:
        """Begin to move a huge folio: a free one is set aside as its destination."""
        error = self._cannot_use(huge)
        if error or not self.migratable[self.huge_home[huge]]:
            return error or EBUSY
        gigantic, pool = self.layout.gigantic, self._pool_of(target)
        if self.huge_state[target] != _FREE or self._none_to_spare(pool) or self._leaves(target):
            return ENOMEM
        if gigantic[self.huge_home[target]] != gigantic[self.huge_home[huge]]:
            return ENOMEM
        for node in self.layout.fallback[self._pool_of(huge)]:
            if node == pool:
                break
            if self._has_one(node, gigantic[self.huge_home[huge]]):
                return ENOMEM
        self.huge_stage[huge] = _RESERVED
        self.huge_target[huge] = target
        self.huge_state[target] = _INCOMING
        self.free_huge[pool] -= 1
        return 0

    def _has_one(self, node: int, size: int) -> bool:
        """A free huge folio of that size, promised to nobody, stays on the node."""
        return not self._none_to_spare(node) and any(
            state == _FREE
            and self._pool_of(other) == node
            and self.layout.gigantic[self.huge_home[other]] == size
            and not self._leaves(other)
            for other, state in enumerate(self.huge_state)
        )

    def copy_huge(self, huge: int) -> int:
        """Copy the huge folio's range to its destination."""
        if self.huge_stage[huge] != _RESERVED:
            return EAGAIN
        self.huge_stage[huge] = _COPIED
        to = self.huge_home[self.huge_target[huge]]
        self.range_data[to] = self.range_data[self.huge_home[huge]]
        return 0

    def change_huge_home(self, huge: int) -> int:
        """End a move: the huge folio has its destination's range, and that the old one."""
        if self.huge_stage[huge] != _COPIED:
            return EAGAIN
        target = self.huge_target[huge]
        old, new = self.huge_home[huge], self.huge_home[target]
        here, there = self._node_of_range(old), self._node_of_range(new)
        self.huge_stage[huge] = _IDLE
        self.huge_home[huge], self.huge_home[target] = new, old
        self.huge_of[new], self.huge_of[old] = huge, target
        self.huge_state[target] = _FREE
        self.migratable[old], self.migratable[new] = 0, 1
        self.free_huge[here] += 1
        if self.surplus[huge]:
            self.surplus_huge[here] -= 1
            self.surplus_huge[there] += 1
        return 0

    def abort_huge_migration(self, huge: int) -> int:
        """Give a move up: its destination is a free huge folio again."""
        if not self.huge_stage[huge]:
            return EAGAIN
        target, head = self.huge_target[huge], self.huge_home[huge] * self.layout.range_size
        self.huge_stage[huge] = _IDLE
        self.huge_state[target] = _FREE
        self.free_huge[self._pool_of(target)] += 1
        self.frames.refused.setdefault(head // self.frames.per_block, set()).add(head)
        return 0

    # --- a block that goes offline -----------------------------------------------------------

    def leave(self, block: int, *, stay: bool) -> int:
        """Move the used huge folios out of the isolated block, and dissolve the free ones.

        Args:
            block: its number.
            stay: other memory stays there that could move: then no free one is dissolved.
        """
        self._goes = block
        self._move_out(block)
        error = EINTR if stay or self._is_seen(block) else self._dissolve_all(block)
        self._goes = -1
        return error

    def can_leave(self, block: int) -> bool:
        """Whether every huge folio could leave the block now: nothing is changed."""
        saved = [getattr(self, name)[:] for name in self._MOVED]
        self._goes = block
        self._move_out(block)
        inside, node = self._inside(block), self.frames.node_of[block]
        to_spare = self.free_huge[node] - self.reserved_huge[node]
        free = all(self.huge_state[huge] == _FREE for huge in inside)
        self._goes = -1
        for name, values in zip(self._MOVED, saved, strict=True):
            getattr(self, name)[:] = values
        return free and len(inside) <= to_spare

    _MOVED = (
        "huge_state",
        "huge_home",
        "huge_of",
        "huge_stage",
        "huge_target",
        "free_huge",
        "surplus_huge",
        "range_data",
        "migratable",
    )
    """What a move changes."""

    def _move_out(self, block: int) -> None:
        while any(self._move(huge) for huge in self._inside(block)):
            pass

    def _move(self, huge: int) -> bool:
        """Move a huge folio to the first place that takes it, if there is one."""
        for target in range(len(self.huge_state)):
            if not self.begin_huge_migration(huge, target):
                self.copy_huge(huge)
                self.change_huge_home(huge)
                return True
        return False

    def _is_seen(self, block: int) -> bool:
        """Whether a scan of the block finds a huge folio that is to move."""
        return any(self.migratable[self.huge_home[huge]] for huge in self._inside(block))

    def _dissolve_all(self, block: int) -> int:
        """Dissolve the huge folios of the block up to the first that refuses."""
        return EBUSY if any(map(self.dissolve, self._inside(block))) else 0
