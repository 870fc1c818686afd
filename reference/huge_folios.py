"""How huge folios leave a block that goes offline: used ones move, free ones are dissolved."""

from __future__ import annotations

from errno import EBUSY

from .steps import SUCCESS, Result, Steps

__all__ = ["HugeFolios"]


class HugeFolios(Steps):
    """What a removal does with the huge folios of a block.  It states no rule: steps refuse."""

    def _move_huge_folio(self, block: int) -> bool:
        """Move the huge folio in the lowest frames of the block that can go somewhere, whole.

        Source: mm/memory_hotplug.c, do_migrate_range.
        """
        here = self._huge_folios_in(block)
        return any(map(self._send_huge_folio, sorted(here, key=here.__getitem__)))

    def _send_huge_folio(self, folio: int) -> bool:
        """Move the huge folio to where it can go: to one of a pool, else to one made for it.

        Source: mm/hugetlb.c, alloc_hugetlb_folio_nodemask.
        """
        for begin in ("begin_huge_migration", "begin_huge_migration_afresh"):
            for _, params in self.machine.enabled(begin):
                if params["h"] == folio and self._try(begin, *params.values()):
                    return self._migrate_huge_folio(folio, int(params["t"]))
        return False

    def _migrate_huge_folio(self, folio: int, target: int) -> bool:
        """Move the huge folio, which has a destination, or leave everything as it was.

        Source: mm/migrate.c, unmap_and_move_huge_page.
        """
        for _, params in list(self.machine.enabled("replace_huge_pte")):
            if params["h"] == folio:
                self._try("replace_huge_pte", params["p"], folio)
        moved = self._try("copy_huge", folio) and self._try("change_huge_home", folio)
        if not moved:
            self._try("abort_huge_migration", folio)
        for _, params in list(self.machine.enabled("restore_huge_pte")):
            if self.machine.get("huge_pte_folio", params["p"]) == folio:
                self._try("restore_huge_pte", params["p"])
        self._try("finish_huge_migration", folio)
        self._try("free_left_huge", target)
        return bool(moved)

    def _dissolve_huge_folios(self, block: int) -> Result:
        """Give the frames of the block's free huge folios back; EBUSY where one refuses.

        Source: mm/hugetlb.c, dissolve_free_hugetlb_folios.
        """
        here = self._huge_folios_in(block)
        for folio in sorted(here, key=here.__getitem__):
            result = self._try("free_left_huge", folio) or self._try("dissolve", folio)
            if not result:
                return Result(EBUSY, result.refusal)
        return SUCCESS

    def _holds_what_moves(self, block: int) -> bool:
        """Whether a scan finds something to move: a folio, or a huge folio that it can see.

        Source: mm/memory_hotplug.c, scan_movable_pages.
        """
        frames = range(self.machine.topology.sizes["Frame"])
        if any(
            self.machine.get("frame_state", frame) == "user" and self._block_of(frame) == block
            for frame in frames
        ):
            return True
        homes = (self.machine.get("huge_home", folio) for folio in self._huge_folios_in(block))
        return any(self.machine.get("migratable", home) for home in homes)

    def _huge_folios_in(self, block: int) -> dict[int, int]:
        """The huge folios that have frames of the block, each with the lowest of these."""
        first: dict[int, int] = {}
        for frame, its in enumerate(self.machine.topology.tables["range_of"]):
            if self.machine.get("frame_state", frame) == "huge" and self._block_of(frame) == block:
                first.setdefault(int(self.machine.get("huge_of", its)), frame)
        return first
