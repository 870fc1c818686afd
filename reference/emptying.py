"""How what is in a block leaves it: folios migrate, one by one, and huge folios whole.

A folio that refuses is made ready for another try, where the removal's budget has one left.
"""

from __future__ import annotations

from errno import EAGAIN

from .kernel_pages import KernelPages
from .page_errors import PageErrors
from .steps import SUCCESS, Result

__all__ = ["Emptying"]


class Emptying(KernelPages, PageErrors):
    """A folio's migration, and a block's: what the operations of a user share."""

    def migrate_folio(self, folio: int, frame: int) -> Result:
        """Move the folio to the frame, or leave everything as it was.

        Source: mm/migrate.c, migrate_pages for one folio.
        """
        result = self._try("reserve_destination", folio, frame)
        if not result:
            return result
        result = self._try("begin_unmap", folio)
        for _, params in list(self.machine.enabled("replace_pte")):
            if params["o"] == folio:
                self._try("replace_pte", params["p"], folio)
        for action in ("copy", "change_home"):
            result = result and self._try(action, folio)
        if result.guard == "private_moved":
            result = self._try("move_private", folio) and self._try("change_home", folio)
        if not result:
            self._try("abort_migration", folio)
        for _, params in list(self.machine.enabled("restore_pte")):
            if self.machine.get("pte_folio", params["p"]) == folio:
                self._try("restore_pte", params["p"])
        self._try("finish_migration" if result else "finish_abort", folio)
        return result

    def soft_offline_page(self, frame: int) -> Result:
        """Set the frame aside before it fails: its contents move out first.

        Source: mm/memory-failure.c, soft_offline_page.
        """
        if self._has_error(frame):
            return SUCCESS
        for _, params in list(self.machine.enabled("reserve_destination")):
            if self.machine.get("home", params["o"]) == frame:
                self.migrate_folio(int(params["o"]), int(params["d"]))
                break
        if self.machine.get("frame_state", frame) == "huge":
            self._send_huge_folio(int(self.machine.get("huge_of", self._table("range_of", frame))))
        self._dissolve_around(frame)
        return self._try("soft_offline", frame)

    def _empty(self, block: int) -> Result:
        """Move what moves out of the block, dissolve what is left of huge folios: it is offline."""
        result = self._try("finish_offline", block)
        while result.guard == "empty" and self._move_something(block):
            result = self._try("finish_offline", block)
        if result.guard != "empty" or self._holds_what_moves(block):
            return result
        return self._dissolve_huge_folios(block) and self._try("finish_offline", block)

    def _move_something(self, block: int) -> bool:
        """Migrate the folio in the lowest frame that can move, or help it to; or another page.

        What has an error does not move, and is set aside first.
        """
        if self._set_something_aside(block):
            return True
        homes = (
            (int(self.machine.get("home", params["o"])), int(params["d"]), int(params["o"]))
            for _, params in self.machine.enabled("reserve_destination")
        )
        choices = sorted(choice for choice in homes if self._block_of(choice[0]) == block)
        moved = any(self._migrate(folio, frame) for _, frame, folio in choices)
        return moved or self._move_huge_folio(block) or self._move_kernel_page(block)

    def _migrate(self, folio: int, frame: int) -> bool:
        """Move the folio to the frame; if it refuses, do what makes it ready for another try."""
        result = self.migrate_folio(folio, frame)
        if not result and result.refusal and result.refusal.action == "reserve_destination":
            return False
        return bool(result) or (self._make_ready(folio, result) and self._pay(folio))

    def _make_ready(self, folio: int, result: Result) -> bool:
        """What the kernel does about a folio that refused to move, if there is anything.

        What is told to try again (EAGAIN) it helps; what is refused it leaves to others.

        Source: mm/migrate.c, migrate_folio_unmap and fallback_migrate_folio.
        """
        if result.guard == "no_writeback":
            return self._wait_for_writeback(folio)
        steps = {"clean_or_method": "begin_writeback", "private_known": "release_private"}
        step = steps.get(result.guard) if result.errno == EAGAIN else None
        return step is not None and bool(self._try(step, folio))

    def _wait_for_writeback(self, folio: int) -> bool:
        """Wait one tick of the budget; meanwhile the store gets the data, if it answers."""
        block = self._block_of(int(self.machine.get("home", folio)))
        waited = any(self._try("wait_for_writeback", block, folio, tick) for tick in self._ticks)
        if waited:
            self._try("end_writeback", folio)
        return waited

    def _pay(self, folio: int) -> bool:
        """Spend a tick of the removal's budget on another try, if one is left."""
        frame = int(self.machine.get("home", folio))
        return any(self._try("try_again", frame, tick) for tick in self._ticks)

    @property
    def _ticks(self) -> range:
        return range(self.machine.topology.sizes["Tick"])
