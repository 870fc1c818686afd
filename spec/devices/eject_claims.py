"""What is true while a memory device is ejected, and when it stays after all (A1, R4)."""

from __future__ import annotations

from ..blocks.block_states import (
    BlockState,
    MemoryEvent,
    block_state,
    changing,
    event,
    hwpoison,
    knows_of_errors,
)
from ..blocks.sections import (
    Metadata,
    block_device,
    inserted,
    memmap,
    pgdat,
)
from ..language import (
    Bool,
    after,
    always,
    any_of,
    definition,
    exists,
    implies,
    sometimes,
    step,
)
from ..machine.firmware_request import (
    Found,
    Request,
    eject_forbidden,
    found,
    going_back,
    request,
)
from ..machine.topology import (
    Block,
    Frame,
    MemoryDevice,
    Node,
    Section,
    block_of,
    block_of_section,
    demands_offline,
    early,
    in_range,
    lacks_ej0,
    may_be_forbidden,
    memmap_host,
    node_of_section,
    pgdat_block,
    vetoes_online,
)
from .firmware import Ost, is_back, told
from .firmware_claims import hears


@definition
def on_its_way_out(m: MemoryDevice) -> Bool:
    """The device is being ejected, or was, and its memory comes back."""
    return (request[m] == Request.ejecting) | going_back(m)


@always(covers="A1")
def devices_that_stay_are_there(m: MemoryDevice) -> Bool:
    """A device is refused, or its _EJ0 failed, while it is there."""
    return implies(going_back(m), inserted[m])


@always(covers="A1")
def ejects_leave_offline_blocks_offline(m: MemoryDevice, b: Block) -> Bool:
    """A block that was offline before the eject is not put online, refused or not."""
    idle = on_its_way_out(m) & in_range[m, b] & (found[b] != Found.online)
    return implies(idle, block_state[b] == BlockState.offline)


# --- what may not go, or cannot -----------------------------------------------------------------


@always(covers="A1 R4")
def what_is_forbidden_is_not_being_ejected(m: MemoryDevice) -> Bool:
    """No block goes offline, or away, for an eject that somebody has forbidden."""
    return implies(eject_forbidden[m], ~on_its_way_out(m))


@always(covers="A1 R4")
def nothing_is_forbidden_that_nobody_may_forbid(m: MemoryDevice) -> Bool:
    """Where there is no such switch an eject is never declined for it."""
    return implies(eject_forbidden[m], may_be_forbidden[m])


@always(covers="A1 R4")
def what_cannot_go_is_left_alone(m: MemoryDevice) -> Bool:
    """No block goes offline, or away, for an eject that the firmware has no method for."""
    return implies(lacks_ej0[m], ~on_its_way_out(m))


@step(covers="A1 R4", using="what_is_forbidden_is_not_being_ejected")
def a_device_stays_until_it_may_go(m: MemoryDevice) -> Bool:
    """What may not be ejected is there until somebody allows it; what cannot is for ever."""
    return implies(inserted[m] & (eject_forbidden[m] | lacks_ej0[m]), after(inserted[m]))


@always(covers="A1 R4")
def an_eject_takes_nothing_offline_that_was_to_be_before(m: MemoryDevice, b: Block) -> Bool:
    """A device that demands its memory offline keeps what is online, as it is."""
    asked = on_its_way_out(m) & demands_offline[m] & in_range[m, b]
    return implies(asked & (found[b] == Found.online), block_state[b] == BlockState.online)


def _declined(m: MemoryDevice) -> Bool:
    """The firmware hears that it may not eject the device."""
    return (told[m] != Ost.not_supported) & after(told[m] == Ost.not_supported)


@step(covers="A1 R4")
def only_what_is_forbidden_is_not_supported(m: MemoryDevice) -> Bool:
    """The firmware hears so of a device that it may not eject, in answer to no other request."""
    return implies(_declined(m), eject_forbidden[m] & (request[m] == Request.none))


@sometimes(covers="A1 R4")
def an_eject_begins_once_it_is_allowed(m: MemoryDevice) -> Bool:
    """The firmware was told that it may not eject the device, asks again, and may."""
    return (told[m] == Ost.not_supported) & after(request[m] == Request.ejecting)


@sometimes(covers="A1 R4")
def an_eject_is_declined_whose_memory_is_not_added(m: MemoryDevice, b: Block) -> Bool:
    """Nobody has added the memory of a device of which the firmware hears so."""
    return _declined(m) & in_range[m, b] & ~block_device[b]


@sometimes(covers="A1 R4")
def an_eject_without_a_method_is_declined(m: MemoryDevice) -> Bool:
    """The firmware hears that a device is not ejected which it has no method for."""
    return (told[m] == Ost.not_ejected) & lacks_ej0[m]


@sometimes(covers="A1 R4")
def an_eject_is_refused_for_memory_that_is_online(m: MemoryDevice, b: Block) -> Bool:
    """A device that demands its memory offline stays, and is busy, where some of it is online."""
    return hears(m, Ost.busy) & demands_offline[m] & in_range[m, b] & (found[b] == Found.online)


@sometimes(covers="A1 R4")
def memory_that_went_offline_before_is_ejected(m: MemoryDevice, b: Block) -> Bool:
    """A device that demands its memory offline gives up a block that is."""
    goes = block_device[b] & ~after(block_device[b])
    return (request[m] == Request.ejecting) & demands_offline[m] & in_range[m, b] & goes


# --- what goes, or stays after all --------------------------------------------------------------


@step(covers="A1 R4")
def success_of_an_eject_means_gone(m: MemoryDevice) -> Bool:
    """The firmware hears of success when the device is not there any more."""
    return implies(hears(m, Ost.ejected), ~after(inserted[m]))


def _online_again(b: Block) -> Bool:
    """The block is online if it was, or may not, for itself or for where its mem_map lies."""

    def host_is_offline(s: Section) -> Bool:
        host = block_of_section[memmap_host[s]]
        return (block_of_section[s] == b) & (block_state[host] == BlockState.offline)

    may_not = any_of(
        vetoes_online[b],
        exists(Frame, lambda f: (block_of(f) == b) & hwpoison[f]),
        exists(Section, lambda s: host_is_offline(s) & (block_of_section[memmap_host[s]] != b)),
    )
    return (found[b] != Found.online) | (block_state[b] == BlockState.online) | may_not


@step(covers="A1 R4")
def a_refused_eject_leaves_online_blocks_online(m: MemoryDevice, b: Block) -> Bool:
    """When the firmware hears "busy", what was online is online.

    Unless a notifier forbids it, or an error, or that it lacks its mem_map.
    """
    busy = hears(m, Ost.busy)
    return implies(busy & in_range[m, b], _online_again(b))


@step(
    covers="A1 R4",
    using="ejects_leave_offline_blocks_offline one_request_at_a_time "
    "requests_change_their_own_blocks the_firmware_waits_while_a_request_runs",
)
def a_failed_ej0_leaves_online_blocks_online(m: MemoryDevice, b: Block) -> Bool:
    """When the firmware hears that _EJ0 failed, the kernel uses the memory as it did before."""
    failed = hears(m, Ost.not_ejected)
    return implies(failed & in_range[m, b], _online_again(b))


@step(covers="A1 R4")
def ejects_are_concluded_when_their_blocks_have_settled(m: MemoryDevice, b: Block) -> Bool:
    """The firmware hears of a device that stays when no block of it is on its way."""
    stays = hears(m, Ost.busy) | hears(m, Ost.not_ejected)
    return implies(stays & in_range[m, b], ~changing(b))


@step(covers="A1")
def an_eject_that_fails_removes_nothing(m: MemoryDevice, b: Block) -> Bool:
    """A device that stays keeps every block that sysfs showed."""
    stays = hears(m, Ost.busy) | hears(m, Ost.not_ejected)
    return implies(stays & in_range[m, b] & (found[b] != Found.absent), block_device[b])


@step(covers="A1 R4")
def ej0_comes_after_the_removal(m: MemoryDevice, s: Section) -> Bool:
    """_EJ0 is evaluated, well or ill, when no section of the device is left."""
    failed = (request[m] != Request.ej0_failed) & (after(request[m]) == Request.ej0_failed)
    evaluated = failed | (inserted[m] & ~after(inserted[m]))
    return implies(evaluated & in_range[m, block_of_section[s]], memmap[s] == Metadata.absent)


@step(covers="A1 R4")
def ej0_comes_after_the_pgdat(m: MemoryDevice, n: Node) -> Bool:
    """_EJ0 is evaluated, well or ill, when the device holds no pgdat."""
    failed = (request[m] != Request.ej0_failed) & (after(request[m]) == Request.ej0_failed)
    evaluated = failed | (inserted[m] & ~after(inserted[m]))
    return implies(evaluated & in_range[m, pgdat_block(n)], pgdat[n] == Metadata.absent)


@sometimes(covers="A1 R4")
def a_device_is_ejected(m: MemoryDevice, b: Block) -> Bool:
    """A device with memory from boot goes, and the firmware is told."""
    return (told[m] == Ost.ejected) & in_range[m, b] & early[b] & ~inserted[m]


@sometimes(covers="A1 R4")
def other_memory_keeps_no_device(m: MemoryDevice, s: Section) -> Bool:
    """A device goes while mem_maps and a pgdat lie in memory that is no part of it."""
    b, n = block_of_section[s], node_of_section(s)
    described = (memmap[s] != Metadata.absent) & (pgdat[n] != Metadata.absent)
    elsewhere = ~in_range[m, b] & ~in_range[m, pgdat_block(n)]
    return inserted[m] & ~after(inserted[m]) & described & elsewhere


@sometimes(covers="A1 R4")
def a_refused_device_is_in_use(m: MemoryDevice, b: Block) -> Bool:
    """An eject can give up a block after the notifiers were told, and leave it online."""
    gave_up = event[b] == MemoryEvent.cancel_offline
    return in_range[m, b] & (told[m] == Ost.busy) & gave_up


@sometimes(covers="A1 R4")
def a_notifier_keeps_a_block_of_a_refused_device_offline(m: MemoryDevice, b: Block) -> Bool:
    """A refused eject is concluded although a block that it took offline may not come back."""
    was_online = in_range[m, b] & (found[b] == Found.online)
    stays = vetoes_online[b] & (block_state[b] == BlockState.offline)
    return hears(m, Ost.busy) & was_online & stays


@sometimes(covers="A1 R4")
def an_error_keeps_a_block_of_a_refused_device_offline(m: MemoryDevice, f: Frame) -> Bool:
    """A refused eject is concluded although new struct pages would not know of an error."""
    b = block_of(f)
    was_online = in_range[m, b] & (found[b] == Found.online)
    stays = hwpoison[f] & (block_state[b] == BlockState.offline)
    return hears(m, Ost.busy) & was_online & stays


@sometimes(covers="A1 R4")
def a_block_of_a_refused_device_lacks_its_memmap(m: MemoryDevice, s: Section) -> Bool:
    """A refused eject is concluded although a block's mem_map lies where nothing is online."""
    b, host = block_of_section[s], block_of_section[memmap_host[s]]
    was_online = in_range[m, b] & (found[b] == Found.online)
    stays = (block_state[b] == BlockState.offline) & (block_state[host] == BlockState.offline)
    may = ~vetoes_online[b] & ~knows_of_errors(b)
    return hears(m, Ost.busy) & was_online & stays & (host != b) & may


@sometimes(covers="A1 R4")
def an_eject_removes_a_block(m: MemoryDevice, b: Block) -> Bool:
    """A request that takes a device away takes its blocks away."""
    goes = block_device[b] & ~after(block_device[b])
    return (request[m] == Request.ejecting) & in_range[m, b] & goes


@sometimes(covers="A1 R4")
def a_refused_eject_brings_its_blocks_back(m: MemoryDevice, b: Block) -> Bool:
    """A block that the eject took offline begins to go online again when it is refused."""
    offline = (found[b] == Found.online) & (block_state[b] == BlockState.offline)
    comes = offline & after(block_state[b] == BlockState.going_online)
    return (request[m] == Request.refused) & in_range[m, b] & comes


@sometimes(covers="A1 R4")
def a_refused_eject_leaves_what_was_offline(m: MemoryDevice, b: Block) -> Bool:
    """A refused eject is concluded, and a block that was offline before is offline."""
    return hears(m, Ost.busy) & in_range[m, b] & (found[b] == Found.offline)


@sometimes(covers="A1")
def a_refused_eject_waits_for_no_other_device(m: MemoryDevice, b: Block) -> Bool:
    """It is concluded whatever has become, meanwhile, of a block of another device."""
    return hears(m, Ost.busy) & ~in_range[m, b] & ~is_back(b)


@sometimes(covers="A1")
def a_failed_ej0_is_concluded(m: MemoryDevice) -> Bool:
    """_EJ0 can fail, and the firmware is told when all is as before."""
    return hears(m, Ost.not_ejected) & inserted[m]


@sometimes(covers="A1")
def a_failed_ej0_is_concluded_with_its_blocks(m: MemoryDevice, b: Block) -> Bool:
    """The firmware hears of it when a block of the device is in sysfs again."""
    return hears(m, Ost.not_ejected) & in_range[m, b] & block_device[b]


@sometimes(covers="A1")
def a_failed_ej0_waits_for_no_other_device(m: MemoryDevice, b: Block) -> Bool:
    """It is concluded whatever has become, meanwhile, of a block of another device."""
    return hears(m, Ost.not_ejected) & ~in_range[m, b] & ~is_back(b)


@sometimes(covers="A1")
def a_failed_ej0_brings_its_blocks_back(m: MemoryDevice, b: Block) -> Bool:
    """When _EJ0 fails, a block that the eject had removed is added again."""
    failed = (request[m] == Request.ej0_failed) & in_range[m, b]
    return failed & ~block_device[b] & after(block_device[b])
