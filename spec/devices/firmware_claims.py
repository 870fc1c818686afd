"""What is true of memory devices, whatever the firmware asks for (A1, R4)."""

from __future__ import annotations

from ..blocks.block_removal import delete_block_device
from ..blocks.block_states import (
    BlockState,
    block_state,
    changing,
)
from ..blocks.sections import (
    Metadata,
    block_device,
    inserted,
    memmap,
    node_online,
    plugged,
    present,
)
from ..language import (
    Bool,
    after,
    all_of,
    always,
    ends,
    exists,
    implies,
    ite,
    sometimes,
    step,
)
from ..machine.bookkeeping import file_held
from ..machine.firmware_request import (
    Found,
    Request,
    found,
    going_back,
    node_found,
    request,
)
from ..machine.platform_state import reserved_lmb
from ..machine.topology import (
    Block,
    MemoryDevice,
    Node,
    Section,
    block_of_section,
    early,
    early_device,
    in_range,
    lacks_ej0,
    node_of,
    node_of_section,
)
from .firmware import Ost, how_it_is, told


@always(covers="A1 R4")
def a_shared_block_keeps_all_its_devices(s: Section, m: MemoryDevice) -> Bool:
    """While a section is present, every device that its block lies in is there."""
    return implies(present[s] & in_range[m, block_of_section[s]], inserted[m])


@always(covers="A1")
def one_request_at_a_time(m: MemoryDevice, other: MemoryDevice) -> Bool:
    """device_hotplug_lock: a request is concluded before the next begins."""
    both = (request[m] != Request.none) & (request[other] != Request.none)
    return implies(both, m == other)


@always(covers="A1")
def requests_change_their_own_blocks(m: MemoryDevice, b: Block) -> Bool:
    """While a request runs, no block of another device goes online or offline."""
    return implies((request[m] != Request.none) & changing(b), in_range[m, b])


@always(covers="A1 R4")
def the_firmware_waits_while_a_request_runs(m: MemoryDevice) -> Bool:
    """The last word on a device is "in progress" exactly until its request is concluded."""
    return (told[m] == Ost.in_progress) == (request[m] != Request.none)


@step(covers="A1 R4")
def requests_remember_what_they_found(m: MemoryDevice, b: Block) -> Bool:
    """A request begins with how each block of its device is: a roll-back goes by that."""
    begins = (request[m] == Request.none) & after(request[m] != Request.none)
    return implies(begins & in_range[m, b], after(found[b]) == how_it_is(b))


@step(covers="A1")
def requests_leave_other_blocks_alone(m: MemoryDevice, b: Block) -> Bool:
    """While a request runs, no block of another device changes its state, comes or goes."""
    same = (after(block_state[b]) == block_state[b]) & (after(block_device[b]) == block_device[b])
    return implies((request[m] != Request.none) & ~in_range[m, b], same)


@step(covers="A1")
def requests_go_one_way(m: MemoryDevice, b: Block) -> Bool:
    """Blocks come while a device is added or brought back, and leave while it is taken away."""
    leaves = (request[m] == Request.ejecting) | (request[m] == Request.add_failed)
    comes = (request[m] == Request.adding) | going_back(m)
    came = ~block_device[b] & after(block_device[b])
    left = block_device[b] & ~after(block_device[b])
    return implies(leaves, ~came) & implies(comes, ~left)


@step(covers="A1")
def blocks_of_a_request_turn_one_way(m: MemoryDevice, b: Block) -> Bool:
    """Blocks go offline while their device is ejected, and online while it is brought back."""
    runs = (request[m] != Request.none) & in_range[m, b]
    state, then = block_state[b], after(block_state[b])
    offline = (state != BlockState.going_offline) & (then == BlockState.going_offline)
    online = (state != BlockState.going_online) & (then == BlockState.going_online)
    back = (request[m] == Request.refused) | (request[m] == Request.ej0_failed)
    return implies(runs & offline, request[m] == Request.ejecting) & implies(runs & online, back)


def _begins(m: MemoryDevice) -> Bool:
    return (request[m] == Request.none) & (after(request[m]) != Request.none)


def _has_a_section(n: Node) -> Bool:
    return exists(Section, lambda s: (node_of_section(s) == n) & present[s])


def _asks(m: MemoryDevice) -> Bool:
    """The firmware asks for something: a request begins, or is declined."""
    return _begins(m) | ((told[m] != Ost.in_progress) & (told[m] != after(told[m])))


@step(covers="A1")
def requests_are_about_devices_that_are_there(m: MemoryDevice) -> Bool:
    """Neither an add nor an eject of a device begins, or is declined, that is not in its slot."""
    return implies(_asks(m), inserted[m])


@step(covers="A1")
def requests_begin_when_all_is_settled(m: MemoryDevice, s: Section) -> Bool:
    """A request finds no memory half added or half removed."""
    return implies(_asks(m) & (memmap[s] != Metadata.absent), block_device[block_of_section[s]])


@step(covers="A1 R4")
def only_an_unfinished_add_fails(m: MemoryDevice) -> Bool:
    """An add fails for a block that is there and is not added."""
    fails = (request[m] == Request.adding) & (after(request[m]) == Request.add_failed)
    missing = exists(Block, lambda b: in_range[m, b] & plugged(b) & ~block_device[b])
    return implies(fails, missing)


@step(covers="A1 R4")
def only_adds_are_taken_back(m: MemoryDevice) -> Bool:
    """A request is taken back only if it was an add."""
    fails = (request[m] != Request.add_failed) & after(request[m] == Request.add_failed)
    return implies(fails, request[m] == Request.adding)


@step(covers="A1 R4")
def every_request_is_concluded_once(m: MemoryDevice) -> Bool:
    """Between two requests the firmware is told exactly one result, or declined at once."""
    change = told[m] != after(told[m])
    waits, then = told[m] == Ost.in_progress, after(told[m])
    declined = (then == Ost.not_supported) | ((then == Ost.not_ejected) & lacks_ej0[m])
    result = (then != Ost.none) & (then != Ost.in_progress) & (then != Ost.not_supported)
    return implies(change, ite(waits, result, (then == Ost.in_progress) | declined))


def hears(m: MemoryDevice, result: Ost) -> Bool:
    """The step that concludes a request with this result."""
    return (told[m] == Ost.in_progress) & (after(told[m]) == result)


@step(covers="A1 R4")
def the_firmware_hears_how_its_own_request_ended(m: MemoryDevice) -> Bool:
    """A result is that of the request that runs: an add's of an add, an eject's of an eject."""
    was = request[m]
    return all_of(
        implies(hears(m, Ost.added), was == Request.adding),
        implies(hears(m, Ost.not_added), was == Request.add_failed),
        implies(hears(m, Ost.ejected), was == Request.ejecting),
        implies(hears(m, Ost.busy), was == Request.refused),
        implies(hears(m, Ost.not_ejected), was == Request.ej0_failed),
    )


@step(covers="A1 R4")
def success_of_an_add_means_all_there(m: MemoryDevice, b: Block) -> Bool:
    """The firmware hears of success when every block that can be there is in sysfs."""
    success = hears(m, Ost.added)
    return implies(success & in_range[m, b] & plugged(b), after(block_device[b]))


@step(covers="A1", using="devices_have_their_sections present_sections_have_a_memmap")
def a_failed_add_leaves_no_block(m: MemoryDevice, s: Section) -> Bool:
    """After a failed add, every block that was not in sysfs is not: no range stays added."""
    b = block_of_section[s]
    failed = hears(m, Ost.not_added) & in_range[m, b]
    return implies(failed & (found[b] == Found.absent), ~after(block_device[b]))


@always(covers="A1")
def what_an_add_brings_stays_offline(m: MemoryDevice, b: Block) -> Bool:
    """No block goes online before the add that brings it is concluded."""
    runs = (request[m] == Request.adding) | (request[m] == Request.add_failed)
    brought = runs & in_range[m, b] & (found[b] == Found.absent)
    return implies(brought, block_state[b] == BlockState.offline)


@ends(by=delete_block_device, covers="A1 R4")
def taking_a_failed_add_back_ends(m: MemoryDevice, b: Block) -> tuple[Bool, Bool]:
    """What a failed add brought can go, wherever its mem_map lies, once nobody holds its file."""
    brought = in_range[m, b] & (found[b] == Found.absent) & ~reserved_lmb[b]
    return (request[m] == Request.add_failed) & brought & ~file_held[b], block_device[b]


@step(covers="A1")
def a_failed_add_leaves_no_section(m: MemoryDevice, s: Section) -> Bool:
    """After a failed add, no section that was not there before is there."""
    b = block_of_section[s]
    failed = hears(m, Ost.not_added) & in_range[m, b]
    return implies(failed & (found[b] == Found.absent), after(memmap[s]) == Metadata.absent)


@step(covers="A1 N1")
def a_failed_add_leaves_no_empty_node(m: MemoryDevice, b: Block) -> Bool:
    """A node that was not there before a failed add is not left online without memory."""
    n = node_of[b]
    failed = hears(m, Ost.not_added) & in_range[m, b] & ~node_found[n]
    return implies(failed & after(node_online[n]), _has_a_section(n))


@step(covers="A1 N1")
def requests_find_the_nodes_that_there_are(m: MemoryDevice, n: Node) -> Bool:
    """A request takes note of the nodes that are online when it begins."""
    return implies(_begins(m), after(node_found[n]) == node_online[n])


@step(covers="A1 R4")
def a_failed_online_keeps_the_memory(m: MemoryDevice, b: Block) -> Bool:
    """When a block fails to go online, it stays added, and the firmware hears nothing of it."""
    state = block_state[b]
    gave_up = (state == BlockState.going_online) & (after(state) == BlockState.offline)
    kept = after(block_device[b]) == block_device[b]
    return implies(gave_up, kept & (after(told[m]) == told[m]))


@step(covers="A1 R4")
def requests_find_online_what_is_online(m: MemoryDevice, b: Block) -> Bool:
    """A request takes note of the blocks that are online when it begins, and of no other."""
    begins = (request[m] == Request.none) & after(request[m] != Request.none)
    online = block_device[b] & (block_state[b] == BlockState.online)
    return implies(begins & in_range[m, b], after(found[b] == Found.online) == online)


@step(covers="A1 R4")
def requests_find_the_blocks_that_there_are(m: MemoryDevice, b: Block) -> Bool:
    """A request takes note of the blocks that sysfs shows when it begins."""
    begins = (request[m] == Request.none) & after(request[m] != Request.none)
    return implies(begins & in_range[m, b], after(found[b] != Found.absent) == block_device[b])


@sometimes(covers="A1 R4")
def a_request_adds_a_block(m: MemoryDevice, b: Block) -> Bool:
    """A block comes into sysfs for the firmware's request."""
    comes = ~block_device[b] & after(block_device[b])
    return (request[m] == Request.adding) & in_range[m, b] & comes


@sometimes(covers="A1 R4")
def a_device_is_added(m: MemoryDevice, b: Block) -> Bool:
    """A device is added, and the firmware is told, while its blocks wait to go online."""
    added = (told[m] == Ost.added) & in_range[m, b] & ~early_device[m]
    return added & block_device[b] & (block_state[b] == BlockState.offline)


@sometimes(covers="A1 R4")
def memory_is_added_without_the_firmware(m: MemoryDevice, b: Block) -> Bool:
    """A driver, or a write to /sys/devices/system/memory/probe, adds memory: nobody is told."""
    silent = in_range[m, b] & inserted[m] & (told[m] == Ost.none)
    return silent & ~early[b] & block_device[b]


@sometimes(covers="A1")
def a_failed_add_is_taken_back(m: MemoryDevice) -> Bool:
    """An add can fail and leave nothing."""
    return told[m] == Ost.not_added


@sometimes(covers="A1")
def a_failed_add_leaves_what_it_found(m: MemoryDevice, b: Block) -> Bool:
    """A block that was in sysfs before an add that fails stays there."""
    return hears(m, Ost.not_added) & in_range[m, b] & block_device[b]


@sometimes(covers="A1 N1")
def a_failed_add_takes_its_node_back(m: MemoryDevice, b: Block) -> Bool:
    """A node comes online for an add, and goes again when the add has failed."""
    n = node_of[b]
    failed = (request[m] == Request.add_failed) & in_range[m, b] & ~node_found[n]
    return failed & node_online[n] & after(~node_online[n])


@sometimes(covers="A1 N1")
def a_failed_add_leaves_a_node_without_memory_that_it_found(m: MemoryDevice, b: Block) -> Bool:
    """A node that was online without memory before a failed add stays so."""
    n = node_of[b]
    return hears(m, Ost.not_added) & in_range[m, b] & node_online[n] & ~_has_a_section(n)


@sometimes(covers="A1 N1")
def a_failed_add_brings_no_node(m: MemoryDevice, b: Block) -> Bool:
    """An add fails before its node comes online."""
    n = node_of[b]
    return hears(m, Ost.not_added) & in_range[m, b] & ~node_found[n] & ~node_online[n]


@sometimes(covers="A1 N1")
def a_failed_add_leaves_its_node_to_others(m: MemoryDevice, b: Block) -> Bool:
    """A node that came online for an add that failed stays for memory of another device."""
    n = node_of[b]
    return hears(m, Ost.not_added) & in_range[m, b] & ~node_found[n] & node_online[n]


@sometimes(covers="A1 N1")
def a_failed_add_waits_for_no_other_node(m: MemoryDevice, n: Node) -> Bool:
    """An add has failed, and a node of other memory came online meanwhile that has none yet."""
    own = exists(Block, lambda b: in_range[m, b] & (node_of[b] == n))
    came = node_online[n] & ~node_found[n] & ~own & ~_has_a_section(n)
    return hears(m, Ost.not_added) & came


@sometimes(covers="A1 R4")
def an_add_waits_for_no_other_block(m: MemoryDevice, b: Block) -> Bool:
    """An add succeeds while a block that is no part of the device is there, but not in sysfs."""
    return hears(m, Ost.added) & ~in_range[m, b] & plugged(b) & ~block_device[b]


@sometimes(covers="A1 R4")
def a_device_is_added_whose_block_waits_for_another(m: MemoryDevice, b: Block) -> Bool:
    """An add succeeds, and a block that is shared with a device which is missing is not there."""
    return (told[m] == Ost.added) & in_range[m, b] & ~plugged(b)
