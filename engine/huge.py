"""Huge folios in use, how they move, and how a block is left by them.

What they are, and how they are counted, is in `huge_pools`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from .codes import EAGAIN, EBUSY, EINTR, ENOMEM
from .huge_pools import FREE_HUGE, INCOMING, LEFT, TEMPORARY, USED, Pools

__all__ = ["HugePools"]

_IDLE, _RESERVED, _COPIED, _SETTLED = range(4)
"""How far a huge folio's move is."""


class HugePools(Pools):
    """Huge folios as whoever uses them sees them, and a removal.

    Operations return 0, or the errno of the first objection.
    """

    # --- use, and moves ----------------------------------------------------------------------

    def cannot_use(self, huge: int) -> int:
        """Why nobody can do anything with the huge folio now; 0 where everybody can."""
        if self.huge_state[huge] != USED:
            return EAGAIN
        return EBUSY if self.huge_stage[huge] else 0

    def awaits_copy(self, huge: int) -> bool:
        """Whether the huge folio has a destination, and is not copied yet."""
        return self.huge_stage[huge] == _RESERVED

    def has_settled(self, huge: int) -> bool:
        """Whether a move of the huge folio is over, but for its entries."""
        return self.huge_stage[huge] == _SETTLED

    def _cannot_let_go(self, huge: int) -> int:
        used = self.uses.map_count(huge) or self.uses.pins_on(huge)
        return self.cannot_use(huge) or (EAGAIN if used else 0)

    def put_huge(self, huge: int) -> int:
        """Free a huge folio in use, where nothing is surplus: it stays in the pool."""
        on_top = self.surplus_huge[self._pool_of(huge)]
        error = self._cannot_let_go(huge) or (EAGAIN if on_top else 0)
        if not error:
            self.huge_state[huge] = FREE_HUGE
            self.migratable[self.huge_home[huge]] = 0
            self.free_huge[self._pool_of(huge)] += 1
        return error

    def lose(self, frame: int, value: int) -> int:
        """A frame of a huge folio has an error, so that the folio is no more, in use or free."""
        place = frame // self.layout.range_size
        huge = self.huge_of[place]
        if self.huge_home[huge] != place:
            return EBUSY
        is_free = self.huge_state[huge] == FREE_HUGE
        if self.dissolve(huge) if is_free else self._cannot_give_up(huge):
            return EBUSY
        if not is_free:
            self.uses.unmap_all(huge)
            self.migratable[place] = 0
            self._unmake(huge)
        self.range_data[place] = value
        self.frames.set_aside(frame)
        return 0

    def _cannot_give_up(self, huge: int) -> int:
        return self.cannot_use(huge) or (EBUSY if self.uses.pins_on(huge) else 0)

    def put_surplus(self, huge: int) -> int:
        """Free a huge folio while there is surplus: its frames go back to the allocator."""
        on_top = self.surplus_huge[self._pool_of(huge)]
        error = self._cannot_let_go(huge) or (0 if on_top else EAGAIN)
        if not error:
            self.migratable[self.huge_home[huge]] = 0
            self._unmake(huge)
        return error

    def begin_huge_migration(self, huge: int, target: int) -> int:
        """Begin to move a huge folio: a free one is set aside as its destination."""
        error = self.cannot_use(huge)
        if error or not self.migratable[self.huge_home[huge]]:
            return error or EBUSY
        gigantic, pool = self.layout.gigantic, self._pool_of(target)
        if self.huge_state[target] != FREE_HUGE or self._none_to_spare(pool) or self.leaves(target):
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
        self.huge_state[target] = INCOMING
        self.free_huge[pool] -= 1
        return 0

    def begin_huge_migration_afresh(self, huge: int, target: int, place: int) -> int:
        """Begin to move a huge folio where no pool has one: its destination is made of free frames.

        Args:
            huge: its number.
            target: the number of the destination, which does not exist yet.
            place: the range that it takes.
        """
        error = self.cannot_use(huge)
        home, gigantic = self.huge_home[huge], self.layout.gigantic
        if error or not self.migratable[home]:
            return error or EBUSY
        if any(self._has_one(node, gigantic[home]) for node in range(self.layout.nodes)):
            return EAGAIN
        if gigantic[home] or gigantic[place]:
            return ENOMEM
        if self.huge_state[target]:
            return EAGAIN
        for node in self.layout.fallback[self._pool_of(huge)]:
            if node == self._node_of_range(place):
                break
            if self.lowest_range(node) >= 0:
                return ENOMEM
        error = self._make(target, place, TEMPORARY)
        if not error:
            self.huge_stage[huge] = _RESERVED
            self.huge_target[huge] = target
        return error

    def _has_one(self, node: int, size: int) -> bool:
        """A free huge folio of that size, promised to nobody, stays on the node."""
        return not self._none_to_spare(node) and any(
            state == FREE_HUGE
            and self._pool_of(other) == node
            and self.layout.gigantic[self.huge_home[other]] == size
            and not self.leaves(other)
            for other, state in enumerate(self.huge_state)
        )

    def copy_huge(self, huge: int) -> int:
        """Copy the huge folio's range to its destination; nobody must reach it meanwhile."""
        if not self.awaits_copy(huge) or self.uses.entries_of(huge) or self.uses.pins_on(huge):
            return EAGAIN
        self.huge_stage[huge] = _COPIED
        to = self.huge_home[self.huge_target[huge]]
        self.range_data[to] = self.range_data[self.huge_home[huge]]
        return 0

    def change_huge_home(self, huge: int) -> int:
        """The huge folio gets its destination's range; a pool gets the old one, or it is left."""
        if self.huge_stage[huge] != _COPIED:
            return EAGAIN
        target = self.huge_target[huge]
        old, new = self.huge_home[huge], self.huge_home[target]
        here, there = self._node_of_range(old), self._node_of_range(new)
        self.huge_stage[huge] = _SETTLED
        self.huge_home[huge], self.huge_home[target] = new, old
        self.huge_of[new], self.huge_of[old] = huge, target
        self.migratable[old], self.migratable[new] = 0, 1
        on_top = int(self.surplus_huge[here] > 0)
        if self.huge_state[target] == TEMPORARY:
            self.huge_state[target] = LEFT
            self._count(here, -1, -on_top)
            self._count(there, 1, on_top)
        elif on_top:
            self.huge_state[target] = LEFT
            self._count(here, -1, -1)
        else:
            self.huge_state[target] = FREE_HUGE
            self.free_huge[here] += 1
        return 0

    def _count(self, node: int, more: int, on_top: int) -> None:
        self.nr_huge[node] += more
        self.surplus_huge[node] += on_top

    def abort_huge_migration(self, huge: int) -> int:
        """Give a move up: its destination is a free huge folio again, or not needed."""
        if self.huge_stage[huge] not in (_RESERVED, _COPIED):
            return EAGAIN
        target, head = self.huge_target[huge], self.huge_home[huge] * self.layout.range_size
        self.huge_stage[huge] = _SETTLED
        if self.huge_state[target] == TEMPORARY:
            self.huge_state[target] = LEFT
        else:
            self.huge_state[target] = FREE_HUGE
            self.free_huge[self._pool_of(target)] += 1
        self.frames.refused.setdefault(head // self.frames.per_block, set()).add(head)
        return 0

    def finish_huge_migration(self, huge: int) -> int:
        """Unlock a huge folio that has settled, when all its entries have come back."""
        if not self.has_settled(huge) or self.uses.map_count(huge) > len(
            self.uses.entries_of(huge)
        ):
            return EAGAIN
        self.huge_stage[huge] = _IDLE
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
        copied: Any = deepcopy(self.frames, {id(self.layout): self.layout})
        copied.isolate(block)
        copied.empty(block, self.layout.fallback[copied.node_of[block]])
        return not copied.pools.leave(block, stay=copied.user[block] > 0)

    def _move_out(self, block: int) -> None:
        while any(self._move(huge) for huge in self._inside(block)):
            pass

    def _move(self, huge: int) -> bool:
        """Move a huge folio to the first place that takes it, if there is one.

        One that a device uses is tried once, and stays.
        """
        head = self.huge_home[huge] * self.layout.range_size
        if head in self.frames.refused.get(head // self.frames.per_block, ()):
            return False
        for target in range(len(self.huge_state)):
            if not self.begin_huge_migration(huge, target):
                return self._move_to_target(huge)
        target = self.huge_state.find(0)
        if target >= 0:
            places = map(self.lowest_range, self.layout.fallback[self._pool_of(huge)])
            place = next((place for place in places if place >= 0), -1)
            if place >= 0 and not self.begin_huge_migration_afresh(huge, target, place):
                return self._move_to_target(huge)
        return False

    def _move_to_target(self, huge: int) -> bool:
        entries = self.uses.entries_of(huge)
        for pte in entries:
            self.uses.replace_huge_pte(pte, huge)
        moves = not self.copy_huge(huge)
        if moves:
            self.change_huge_home(huge)
        else:
            self.abort_huge_migration(huge)
        for pte in entries:
            self.uses.restore_huge_pte(pte)
        self.finish_huge_migration(huge)
        self.free_left_huge(self.huge_target[huge])
        return moves

    def _is_seen(self, block: int) -> bool:
        """Whether a scan of the block finds a huge folio that is to move."""
        return any(self.migratable[self.huge_home[huge]] for huge in self._inside(block))

    def _dissolve_all(self, block: int) -> int:
        """Give back the huge folios of the block up to the first that refuses."""
        gone = (not self.free_left_huge(h) or not self.dissolve(h) for h in self._inside(block))
        return 0 if all(gone) else EBUSY
