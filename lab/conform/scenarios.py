"""Named scenarios: what a row of the list says, done on a real kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memhp.machines.reading.errors import MachineError
from memhp.spec.language.system import System

from ..kernels.kernel import STOCK, Kernel
from ..kernels.selftest import selftest
from ..tools.errors import LabError
from ..tools.programs import tool
from .board import BOARDS
from .errors import (
    contents_leave_memory_that_is_about_to_fail,
    memory_with_an_error_goes_and_does_not_come_back,
)
from .follow import Follower
from .lmbs import lmbs_come_and_go
from .mem_maps import a_block_with_a_mem_map_of_another_stays
from .moves import huge_folios_move_whole, linux_moves_to_another_node
from .notified import (
    node_notifiers_hear_before_memory_notifiers,
    notifiers_hear_of_boot_memory,
    notifiers_hear_of_each_step,
    who_stands_behind_a_refusal_hears_the_cancel_alone,
)
from .plays import (
    a_device_goes_after_its_memory,
    a_node_goes_with_its_last_block,
    a_pin_holds_its_block,
    closed_memory_is_not_filled,
    kernel_memory_stays_out,
    lsmem_agrees,
    sizes_are_the_architectures,
    stuck_is_found_first,
    the_kernels_own_test_passes,
)
from .pools import (
    free_huge_pages_are_dissolved,
    gigantic_pages_in_movable_memory,
    promised_huge_pages_keep_their_block,
    used_huge_pages_move_without_a_pool,
)
from .report import Report
from .steps import Check
from .target import MOVABLE_NODE, KernelTarget
from .versions import (
    a_node_with_movable_memory_alone,
    added_memory_is_movable_with_movable_node,
    an_eject_that_is_not_allowed_touches_nothing,
    blocks_and_their_node_appear,
    kernel_zone_contents_stay_in_kernel_zones,
    slab_structures_come_with_memory,
)

__all__ = ["SCENARIOS", "Check", "Scenario", "run", "scenarios_of"]


@dataclass(frozen=True)
class Scenario:
    """Steps on a kernel that show rows of the list, with what must be seen on the way.

    ``rows`` are those of the list that it shows; ``arches``, the guests that can show it;
    ``checks`` takes the steps and gives the checks; ``programs`` are those of this machine that it
    runs in the guest; ``options``, words of its kernel's command line; ``selftest`` says that it
    runs the kernel's own test, ``deviates`` that it shows Linux do otherwise than the rows ask.
    """

    name: str
    doc: str
    rows: tuple[str, ...]
    arches: tuple[str, ...]
    checks: Callable[[Follower], Iterator[Check]]
    programs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    selftest: bool = False
    deviates: bool = False


def scenarios_of(kernel: Kernel) -> tuple[Scenario, ...]:
    """The scenarios that a kernel can show; the kernel's own test is for stock kernels alone.

    Raises:
        LabError: a program or the kernel's own test, which one of them needs, is not here.
    """
    scenarios = tuple(
        scenario
        for scenario in SCENARIOS
        if kernel.arch in scenario.arches and (kernel.name in STOCK or not scenario.selftest)
    )
    for scenario in scenarios:
        for program in scenario.programs:
            tool(program, program)
        if scenario.selftest:
            selftest(kernel.name)
    return scenarios


def run(scenario: Scenario, kernel: Kernel, system: System) -> tuple[Check, ...]:
    """Boot the kernel and do the scenario; returns its checks.

    What ends it early is a check that fails, and so is a step that the reference has otherwise.
    """
    checks: list[Check] = []
    report = Report()
    try:
        with KernelTarget(kernel, scenario.programs, scenario.options) as target:
            follower = Follower(target, system)
            report = follower.report
            checks.extend(scenario.checks(follower))
    except (LabError, MachineError, OSError, LookupError, ValueError) as error:
        if not report.disagreements:
            checks.append(Check("it goes on to its end", "True", f"{error!r}\n{error}"))
    unexplained = "; ".join([*map(str, report.disagreements), *report.changes, *report.deviations])
    return (*checks, Check("steps that the reference has otherwise", "none", unexplained or "none"))


_DIMMS = tuple(arch for arch, board in BOARDS.items() if board.dimms)

SCENARIOS = (
    Scenario(
        "kernel_memory_stays_out",
        "The movable zone gives the kernel nothing, and all of it can be emptied.",
        ("U1",),
        _DIMMS,
        kernel_memory_stays_out,
    ),
    Scenario(
        "stuck_is_found_first",
        "A block with kernel memory is refused, and no page of a user has moved for that.",
        ("U3",),
        _DIMMS,
        stuck_is_found_first,
    ),
    Scenario(
        "closed_memory_is_not_filled",
        "A cpuset closes a node to allocation, and opens it again.",
        ("N3",),
        _DIMMS,
        closed_memory_is_not_filled,
    ),
    Scenario(
        "a_pin_holds_its_block",
        "A block with pages of a long-term pin stays until they are given back, and from 5.13 on"
        " the movable zone has none.",
        ("U5",),
        _DIMMS,
        a_pin_holds_its_block,
    ),
    Scenario(
        "a_device_goes_after_its_memory",
        "A DIMM in use is emptied, removed and ejected, and comes back.",
        ("A1", "R4"),
        _DIMMS,
        a_device_goes_after_its_memory,
    ),
    Scenario(
        "a_node_goes_with_its_last_block",
        "A node appears with its first memory and is gone with its last.",
        ("N1",),
        _DIMMS,
        a_node_goes_with_its_last_block,
    ),
    Scenario(
        "a_block_with_a_mem_map_of_another_stays",
        "A block that holds the mem_map of a DIMM stays until the DIMM goes, offline as it is.",
        ("N1", "N2", "U1"),
        _DIMMS,
        a_block_with_a_mem_map_of_another_stays,
    ),
    Scenario(
        "linux_moves_to_another_node",
        "Linux moves contents to another node although their own has room (N4 wants it first).",
        ("N4",),
        _DIMMS,
        linux_moves_to_another_node,
        deviates=True,
    ),
    Scenario(
        "huge_folios_move_whole",
        "A huge folio in use moves whole, free ones are dissolved, and the pools count exactly.",
        ("D2",),
        _DIMMS,
        huge_folios_move_whole,
    ),
    Scenario(
        "free_huge_pages_are_dissolved",
        "Free huge pages of a block that goes offline are given back.",
        ("D2",),
        _DIMMS,
        free_huge_pages_are_dissolved,
    ),
    Scenario(
        "used_huge_pages_move_without_a_pool",
        "A huge page in use moves to a fresh one where no pool has a free one.",
        ("D2",),
        _DIMMS,
        used_huge_pages_move_without_a_pool,
    ),
    Scenario(
        "promised_huge_pages_keep_their_block",
        "A huge page that was promised is not dissolved: its block stays (EBUSY).",
        ("D2",),
        _DIMMS,
        promised_huge_pages_keep_their_block,
    ),
    Scenario(
        "gigantic_pages_in_movable_memory",
        "Gigantic pages are made of movable memory from 7.0 on, and with leave alone.",
        ("U1", "D2"),
        _DIMMS,
        gigantic_pages_in_movable_memory,
    ),
    Scenario(
        "a_node_with_movable_memory_alone",
        "A node has normal memory only while a block of a kernel zone is in use.",
        ("N1", "U1"),
        _DIMMS,
        a_node_with_movable_memory_alone,
    ),
    Scenario(
        "slab_structures_come_with_memory",
        "The slab allocator makes and frees its structures of a node as its version does.",
        ("N1",),
        _DIMMS,
        slab_structures_come_with_memory,
    ),
    Scenario(
        "blocks_and_their_node_appear",
        "A node is online before its blocks are shown from 6.18 on, and after them before.",
        ("N1",),
        _DIMMS,
        blocks_and_their_node_appear,
    ),
    Scenario(
        "notifiers_hear_of_each_step",
        "Memory notifiers hear what the reference tells them, in its order, and no more.",
        ("A1",),
        _DIMMS,
        notifiers_hear_of_each_step,
    ),
    Scenario(
        "node_notifiers_hear_before_memory_notifiers",
        "From 6.17 on node notifiers hear of a node's first and last memory, before others do.",
        ("A1", "N1"),
        _DIMMS,
        node_notifiers_hear_before_memory_notifiers,
    ),
    Scenario(
        "notifiers_hear_of_boot_memory",
        "Where boot memory stays, notifiers hear that it goes, and that it does not after all.",
        ("A1", "R5"),
        ("aarch64",),
        notifiers_hear_of_boot_memory,
    ),
    Scenario(
        "who_stands_behind_a_refusal_hears_the_cancel_alone",
        "All notifiers hear that a block stays, whether they heard that it goes or not.",
        ("A1", "R5"),
        ("aarch64",),
        who_stands_behind_a_refusal_hears_the_cancel_alone,
    ),
    Scenario(
        "an_eject_that_is_not_allowed_touches_nothing",
        "An eject that the administrator has forbidden is refused before anything goes offline.",
        ("A1",),
        _DIMMS,
        an_eject_that_is_not_allowed_touches_nothing,
    ),
    Scenario(
        "kernel_zone_contents_stay_in_kernel_zones",
        "What lies in a kernel zone does not go where all memory is movable (N4 lets it).",
        ("N4",),
        _DIMMS,
        kernel_zone_contents_stay_in_kernel_zones,
        deviates=True,
    ),
    Scenario(
        "added_memory_is_movable_with_movable_node",
        "With movable_node memory that is added becomes movable, where zones leave it open.",
        ("A1", "U1"),
        _DIMMS,
        added_memory_is_movable_with_movable_node,
        options=(MOVABLE_NODE,),
    ),
    Scenario(
        "memory_with_an_error_goes_and_does_not_come_back",
        "A block with an error goes offline, and from 6.2 on it does not come back.",
        ("U3", "A1"),
        _DIMMS,
        memory_with_an_error_goes_and_does_not_come_back,
    ),
    Scenario(
        "contents_leave_memory_that_is_about_to_fail",
        "A page that is about to fail is set aside, and what it contained goes on elsewhere.",
        ("U3",),
        _DIMMS,
        contents_leave_memory_that_is_about_to_fail,
    ),
    Scenario(
        "lsmem_agrees",
        "util-linux's lsmem counts what is online and offline as the reference does.",
        ("R4",),
        ("x86_64",),
        lsmem_agrees,
        ("lsmem",),
    ),
    Scenario(
        "the_kernels_own_test_passes",
        "mem-on-off-test.sh of the kernel's source ends as the reference says.",
        ("R4",),
        ("x86_64",),
        the_kernels_own_test_passes,
        ("bash", "bc"),
        selftest=True,
    ),
    Scenario(
        "sizes_and_rules_of_x86_64",
        "Pages and blocks have the architecture's sizes; boot memory goes or stays as it should.",
        ("R4",),
        ("x86_64",),
        sizes_are_the_architectures,
    ),
    Scenario(
        "sizes_and_rules_of_ppc64",
        "Pages have the architecture's size, and blocks are the firmware's LMBs.",
        ("R3",),
        ("ppc64le",),
        sizes_are_the_architectures,
    ),
    Scenario(
        "lmbs_come_and_go",
        "Logical memory blocks that the hypervisor offers are added and online, and go again.",
        ("R3",),
        ("ppc64le",),
        lmbs_come_and_go,
        options=(MOVABLE_NODE,),
    ),
    Scenario(
        "sizes_and_rules_of_s390x",
        "Pages and blocks have the architecture's sizes; boot memory goes or stays as it should.",
        ("R5",),
        ("s390x",),
        sizes_are_the_architectures,
    ),
    Scenario(
        "sizes_and_rules_of_arm64",
        "Pages and blocks have the architecture's sizes, and boot memory never goes.",
        ("R5",),
        ("aarch64",),
        sizes_are_the_architectures,
    ),
)
