"""Profiles: real kernels' choices, and the properties they give up for them.

The checks prove every other property for each profile, and show each one that
is given up refuted; a profile that gives up what in fact holds is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from .blocks.block_states import has_memory
from .blocks.sections import Metadata, pgdat
from .folios.frames import Folio, home
from .language import (
    AddProperty,
    Bool,
    DropAction,
    DropAxiom,
    DropGuard,
    Profile,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceInitial,
    always,
    apply,
    exists,
    false,
)
from .language.edits import Edit, edited
from .language.system import System
from .machine.topology import (
    Block,
    Frame,
    Node,
    Section,
    early,
    node_of,
    node_of_frame,
)
from .system import SYSTEM
from .variants import VARIANTS

__all__ = [
    "AS_LINUX_HAS_IT",
    "BEFORE",
    "DEFAULT",
    "LINUX",
    "NODES_FROM_BOOT",
    "PROFILES",
    "as_of",
    "otherwise_before",
    "system_of",
]


def _another_node_first(o: Folio, d: Frame) -> Bool:
    """The own node serves only when no other node that stays has memory."""
    here = node_of_frame(home[o])
    alone = ~exists(Node, lambda n: (n != here) & has_memory[n])
    return (node_of_frame(d) != here) | alone


def _initialised(n: Node) -> Metadata:
    return Metadata.initialised


def _had_memory_at_boot(n: Node) -> Bool:
    return exists(Block, lambda b: (node_of[b] == n) & early[b])


def _in_no_section(s: Section, t: Section) -> Bool:
    return false


@always(covers="N1")
def pgdats_are_there_for_ever(n: Node) -> Bool:
    """A pgdat is initialised from boot on, whatever becomes of its node's memory (I12)."""
    return pgdat[n] == Metadata.initialised


NODES_FROM_BOOT = (
    ReplaceInitial("pgdat", _initialised),
    ReplaceInitial("node_online", _had_memory_at_boot),
    DropAction("allocate_pgdat"),
    DropAction("initialise_pgdat"),
    DropAction("free_pgdat"),
    ReplaceDefinition("holds_pgdat_for", _in_no_section),
    DropGuard("eject_device", "holds_no_pgdat"),
    DropGuard("ej0_fails", "holds_no_pgdat"),
    DropGuard("release_lmb", "holds_no_pgdat"),
    DropAxiom("pgdat_is_on_its_own_node"),
    DropAxiom("early_nodes_have_an_early_pgdat"),
    DropAxiom("virtio_memory_holds_no_pgdat"),
    AddProperty(pgdats_are_there_for_ever),
)
"""Every possible node has its pgdat from boot, for ever, and in no memory that is ever removed.

From 5.18 on free_area_init() (mm/mm_init.c; commit 09f49dca570a) allocates that of a node which is
not online anywhere in boot memory (alloc_offline_node_data(), mm/numa.c); the frames are reserved
(`boot_kernel`), so that the block they lie in never goes offline. Before, hotadd_new_pgdat() took
kernel memory when a node's first memory came, and since 3.9 it is not freed (try_offline_node(),
mm/memory_hotplug.c): to whoever adds and removes memory that is the same.
What is left of `pgdat_section` is where the list would have a pgdat: no action, definition,
axiom or initial value reads it.
"""


AS_LINUX_HAS_IT = (
    "s390-partial-assignment",
    "firmware-map-forgets-too-early",
    "failed-add-left-behind",
    "failed-ej0-not-undone",
    "part-of-a-device-is-success",
    "eject-told-too-early",
    "wait-without-a-budget",
    "no-giving-up-while-waiting",
)
"""The variants that say what Linux 6.12 does (docs/findings.md, S1 to S4 and below)."""


BEFORE: Mapping[str, tuple[int, int]] = MappingProxyType({"buffer-in-the-removable-area": (5, 13)})
"""The variants that say what Linux did before a version."""


def _edits(names: tuple[str, ...]) -> tuple[Edit, ...]:
    return tuple(edit for v in VARIANTS if v.name in names for edit in v.edits)


DEFAULT = "list-2004"
LINUX = "linux-6.12"

PROFILES = (
    Profile(DEFAULT, "What the list asks for: every property holds.", (), ()),
    Profile(
        name=LINUX,
        doc="Linux 6.12: contents of a leaving block go to another node whenever there is one;"
        " removal tries and waits without limit, and moves before it knows that all can move; what"
        " firmware and s390 asked for is not undone when it fails half-way; pgdats are there from"
        " boot and for ever, so that no block of a node waits for another. What is said of a pgdat"
        " that is allocated or freed says nothing here.",
        edits=(
            *NODES_FROM_BOOT,
            ReplaceGuard("reserve_destination", "nearest_with_room", _another_node_first),
            *_edits(AS_LINUX_HAS_IT),
            DropGuard("reserve_destination", "try_paid_for"),
            DropGuard("reserve_destination", "vetted"),
        ),
        gives_up=(
            (
                "pgdat_section_leaves_last",
                "there is no such section: free_area_init() allocates every node's pgdat at boot"
                " (mm/mm_init.c), and added memory goes in any order",
            ),
            (
                "pgdats_lie_in_plugged_memory",
                "the pgdat of a node whose memory is not there lies elsewhere"
                " (alloc_offline_node_data(), mm/numa.c)",
            ),
            (
                "ej0_comes_after_the_pgdat",
                "nothing asks where the pgdat of the node is: it is in no memory that can be"
                " ejected (drivers/acpi/scan.c, mm/mm_init.c)",
            ),
            (
                "a_whole_node_is_gone",
                "try_offline_node() leaves the pgdat where it is, for others may hold a pointer"
                " to it (mm/memory_hotplug.c)",
            ),
            (
                "contents_stay_on_their_node_while_it_has_room",
                "do_migrate_range() takes the own node out of the allowed nodes"
                " (mm/memory_hotplug.c)",
            ),
            (
                "no_free_frame_that_is_nearer_is_passed_over",
                "free frames of the own node are nearer, and it is taken out (mm/memory_hotplug.c)",
            ),
            (
                "the_nearest_node_with_room_is_chosen",
                "the own node is the nearest, and it is taken out (mm/memory_hotplug.c)",
            ),
            (
                "offline_blocks_have_no_assigned_increment",
                "memory_block_online() sends no MEM_FINISH_OFFLINE when MEM_PREPARE_ONLINE"
                " fails (drivers/base/memory.c, drivers/s390/char/sclp_cmd.c)",
            ),
            (
                "the_firmware_map_names_the_blocks",
                "try_remove_memory() calls firmware_map_remove() before it looks at the altmaps,"
                " which can refuse (mm/memory_hotplug.c)",
            ),
            (
                "a_failed_add_leaves_no_block",
                "acpi_memory_enable_device() leaves the ranges added before one that cannot be"
                " bound (drivers/acpi/acpi_memhotplug.c)",
            ),
            (
                "a_failed_add_leaves_no_section",
                "the sections of those ranges stay as well (drivers/acpi/acpi_memhotplug.c)",
            ),
            (
                "an_eject_that_fails_removes_nothing",
                "_EJ0 comes last: when it fails all is removed already (drivers/acpi/scan.c)",
            ),
            (
                "a_failed_ej0_leaves_online_blocks_online",
                "acpi_scan_hot_remove() returns -EIO after the removal, and nobody adds the memory"
                " again (drivers/acpi/scan.c)",
            ),
            (
                "success_of_an_add_means_all_there",
                "one usable range is enough for acpi_memory_enable_device()"
                " (drivers/acpi/acpi_memhotplug.c)",
            ),
            (
                "success_of_an_eject_means_gone",
                "acpi_scan_hot_remove() only warns when _STA still shows the device"
                " (drivers/acpi/scan.c)",
            ),
            (
                "waiting_for_a_store_ends",
                "folio_wait_writeback() waits as long as it takes (mm/migrate.c)",
            ),
            (
                "giving_up_is_always_possible",
                "no signal reaches who waits in folio_wait_writeback() (mm/migrate.c)",
            ),
            (
                "another_try_is_paid_for",
                "offline_pages() tries again until a signal comes (mm/memory_hotplug.c)",
            ),
            (
                "leaving_blocks_get_no_more_work",
                "what refused is tried again and again, and nothing is counted"
                " (mm/memory_hotplug.c)",
            ),
            (
                "each_stage_uses_work_up",
                "another try after a refusal is no work that was counted (mm/memory_hotplug.c)",
            ),
            (
                "draining_ends",
                "when the other nodes have memory but no free page, the room on the own node is"
                " not used (do_migrate_range(), mm/memory_hotplug.c)",
            ),
            (
                "sticky_memory_is_found_before_the_work",
                "has_unmovable_pages() sees neither long-term pins nor private data that stays"
                " (mm/page_isolation.c)",
            ),
        ),
    ),
)


@cache
def system_of(name: str = DEFAULT) -> System:
    """The specification with a profile applied: one object for each name.

    Args:
        name: of one of `PROFILES`.

    Raises:
        ValueError: if there is no such profile.

    >>> system_of("linux-6.12").name
    'memhp+linux-6.12'
    """
    for profile in PROFILES:
        if profile.name == name:
            return apply(SYSTEM, profile) if profile.edits else SYSTEM
    raise ValueError(f"no profile {name[:60]!r}; there are {', '.join(p.name for p in PROFILES)}")


def as_of(system: System, version: tuple[int, int] | None) -> System:
    """The system with Linux's profile, and what Linux of that version did otherwise.

    Args:
        system: the specification, without a profile.
        version: as in Linux 5.10; None of one that is not known: only the profile.

    >>> guards = as_of(SYSTEM, (5, 10)).action_by_name["pin_longterm"].guards
    >>> "outside_removable_area" in [guard.name for guard in guards]
    False
    """
    linux = next(profile for profile in PROFILES if profile.name == LINUX)
    names = () if version is None else otherwise_before(version)
    broken = {variant.breaks for variant in VARIANTS if variant.name in names}
    older = edited(apply(system, linux), _edits(names))
    return replace(older, given_up=older.given_up | broken)


def otherwise_before(version: tuple[int, int]) -> tuple[str, ...]:
    """The names of the variants that say what Linux of that version did otherwise than the profile.

    >>> otherwise_before((5, 10)), otherwise_before((6, 1))
    (('buffer-in-the-removable-area',), ())
    """
    return tuple(name for name, since in BEFORE.items() if version < since)
