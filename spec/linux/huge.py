"""Huge folios: what Linux lets them do that the list does not.

Sources: mm/hugetlb.c, include/linux/hugetlb.h (hugepage_movable_supported), mm/hugetlb_sysctl.c.
"""

from __future__ import annotations

from ..language import DropGuard
from .choice import Choice

__all__ = ["CHOICES"]

CHOICES = (
    Choice(
        name="movable-gigantic-pages",
        doc="Gigantic folios lie in the movable zone, if vm.movable_gigantic_pages allows it.",
        since=(7, 0),
        edits=(
            DropGuard("grow_pool", "gigantic_outside_removable_area"),
            DropGuard("take_surplus", "gigantic_outside_removable_area"),
        ),
        gives_up=(
            (
                "gigantic_folios_stay_out_of_the_removable_area",
                "hugepage_movable_supported() asks vm.movable_gigantic_pages, which is 0 unless"
                " an administrator writes 1 (include/linux/hugetlb.h)",
            ),
            (
                "only_private_data_that_stays_breaks_the_removable_area",
                "a gigantic page moves only where another of its size is free already"
                " (alloc_migrate_hugetlb_folio(), mm/hugetlb.c)",
            ),
            (
                "blocks_of_the_removable_area_can_be_vetted",
                "a block that holds such a page stays (mm/hugetlb.c)",
            ),
        ),
    ),
)
