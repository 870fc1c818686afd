"""Wrong designs of devices that use user memory as their buffer (U5)."""

from __future__ import annotations

from ..language import DropGuard, Variant
from .sources import LIST

__all__ = ["VARIANTS"]

_INFINIBAND = LIST + ": InfiniBand and so on use user memory as DMA buffer"

VARIANTS = (
    Variant(
        name="moved-by-its-map-count-alone",
        doc="A folio that no PTE maps is copied, whatever device still writes to it.",
        covers=("U5",),
        source="mm/migrate.c: the expected reference count of folio_migrate_mapping()",
        breaks="no_device_runs_while_its_folio_is_copied",
        edits=(DropGuard("copy", "no_running_pin"),),
    ),
    Variant(
        name="pinned-folio-moved-under-its-device",
        doc="The same: the home changes, and the driver was never asked.",
        covers=("U5",),
        source=_INFINIBAND,
        breaks="a_pinned_folio_moves_only_through_its_drivers",
        edits=(DropGuard("copy", "no_running_pin"),),
    ),
    Variant(
        name="copied-with-an-unexpected-reference",
        doc="A folio is copied while somebody has a reference: a store by it is lost.",
        covers=("M1", "U5"),
        source="mm/migrate.c: folio_expected_ref_count()",
        breaks="nobody_has_a_folio_whose_frame_changes",
        edits=(DropGuard("copy", "expected_count"),),
    ),
    Variant(
        name="reference-taken-of-a-frozen-folio",
        doc="A look-up takes a reference between copy and change of home: to the frame that goes.",
        covers=("M1", "U5"),
        source="mm/migrate.c: folio_ref_freeze() in folio_migrate_mapping()",
        breaks="references_lead_to_the_folios_frame",
        edits=(DropGuard("get_reference", "not_frozen"),),
    ),
    Variant(
        name="folio-freed-under-a-reference",
        doc="The last mapping goes, and the folio with it, although a pipe still has the page.",
        covers=("M1", "U5"),
        source="fs/splice.c: iter_to_pipe() gives a pipe a reference of its own",
        breaks="references_lead_to_the_folios_frame",
        edits=(DropGuard("free_folio", "no_reference"),),
    ),
    Variant(
        name="resumed-before-the-table-is-updated",
        doc="The device goes on at the frame that its folio has left.",
        covers=("U5",),
        source=_INFINIBAND,
        breaks="devices_write_to_their_folios_home",
        edits=(DropGuard("resume_device", "table_updated"),),
    ),
    Variant(
        name="resumed-after-the-copy",
        doc="The device goes on between copy and change of home: what it writes stays behind.",
        covers=("U5",),
        source=_INFINIBAND,
        breaks="no_device_runs_while_its_folio_is_copied",
        edits=(DropGuard("resume_device", "not_copied"),),
    ),
    Variant(
        name="source-freed-under-a-stopped-device",
        doc="The migration ends while a device's table still points to the source.",
        covers=("U5",),
        source=_INFINIBAND,
        breaks="device_tables_point_to_frames_in_use",
        edits=(DropGuard("finish_migration", "devices_resumed"),),
    ),
    Variant(
        name="device-never-resumed",
        doc="A migration is given up, and the device that was stopped for it is forgotten.",
        covers=("U5",),
        source=_INFINIBAND,
        breaks="devices_stop_only_while_their_folio_moves",
        edits=(DropGuard("finish_abort", "devices_resumed"),),
    ),
    Variant(
        name="buffer-in-the-removable-area",
        doc="A long-term pin is taken where the folio lies, in the movable zone too.",
        covers=("U5", "U1"),
        source="mm/gup.c before Linux 5.13: no migration out of ZONE_MOVABLE at pin time",
        breaks="fixed_buffers_stay_out_of_the_removable_area",
        edits=(DropGuard("pin_longterm", "outside_removable_area"),),
    ),
    Variant(
        name="buffer-in-a-leaving-block",
        doc="A long-term pin begins in a block that is closed already, because it is to go.",
        covers=("U5",),
        source="mm/gup.c: folio_is_longterm_pinnable() and isolated pageblocks",
        breaks="long_term_pins_begin_where_memory_stays",
        edits=(DropGuard("pin_longterm", "block_stays"),),
    ),
    Variant(
        name="folio-freed-while-pinned",
        doc="The last mapping goes, and the folio with it; the device writes on.",
        covers=("U5",),
        source=_INFINIBAND,
        breaks="no_pin_outlives_its_folio",
        edits=(DropGuard("free_folio", "not_pinned"),),
    ),
    Variant(
        name="pinned-in-the-middle-of-a-move",
        doc="Counting references and moving are not one step: a device comes in between.",
        covers=("U5",),
        source="commit ebdf4de5642f: the same race between a buffer's count and its move",
        breaks="no_device_runs_while_its_folio_is_copied",
        edits=(DropGuard("pin_short", "folio_unlocked"),),
    ),
    Variant(
        name="used-without-a-reference",
        doc="A folio is looked up and used although nothing holds it: it is gone by then.",
        covers=("U5",),
        source="commit 773b9a6aa6d3: do_migrate_range() made the same mistake in its scan",
        breaks="no_pin_outlives_its_folio",
        edits=(DropGuard("pin_short", "folio_exists"),),
    ),
    Variant(
        name="device-writes-after-unpin",
        doc="The device is not quiet when its pin is given back: it writes where it used to.",
        covers=("U5", "M1"),
        source=_INFINIBAND,
        breaks="contents_are_never_lost",
        edits=(DropGuard("device_write", "pinned"),),
    ),
)
