"""A block leaves sysfs: whoever writes to its file, and what the firmware map says (A1).

A write to a file of sysfs holds a reference on it, and whoever deletes the file's
device waits for that while it holds device_hotplug_lock.  So a writer must never
wait for this lock with the file in its hands: it tries, and when it fails it lets
go of the file and the system call begins anew.

Sources: drivers/base/core.c (lock_device_hotplug_sysfs), fs/kernfs/dir.c
(kernfs_drain), mm/memory_hotplug.c (try_remove_memory, memory_blocks_have_altmaps),
drivers/firmware/memmap.c.
"""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENODEV

from ..language import (
    Bool,
    action,
    after,
    always,
    definition,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from ..machine.bookkeeping import FileUse, file_held, firmware_map, state_file
from ..machine.firmware_request import Request, a_writer_has_the_lock, lock_allows_removal, request
from ..machine.platform_state import reserved_lmb
from ..machine.section_parts import (
    Altmap,
    Look,
    Reader,
    altmap,
    looks_at,
    watched,
)
from ..machine.topology import Block, MemoryDevice, block_of_section, in_range
from .block_states import BlockState, block_state, changing
from .sections import block_device


@definition
def lock_is_free() -> Bool:
    """Nobody has device_hotplug_lock: no request, no writer, nobody who changes a block."""
    asked = exists(MemoryDevice, lambda m: request[m] != Request.none)
    return ~asked & ~a_writer_has_the_lock() & ~exists(Block, lambda b: changing(b))


@definition
def removal_waits(m: MemoryDevice, b: Block) -> Bool:
    """The block's deletion is all that is left to do, and waits for the file (kernfs_drain).

    Whoever takes the device away has device_hotplug_lock.
    """
    leaving = (request[m] == Request.ejecting) | (request[m] == Request.add_failed)
    busy = exists(Block, lambda c: in_range[m, c] & (block_state[c] != BlockState.offline))
    return in_range[m, b] & leaving & ~busy & block_device[b] & file_held[b]


@definition
def one_way(b: Block, c: Block) -> Bool:
    """Both blocks have their mem_map in themselves, or neither has."""
    return (altmap[b] == Altmap.held) == (altmap[c] == Altmap.held)


@definition
def share_a_device(b: Block, c: Block) -> Bool:
    """The blocks are parts of one range that comes and goes."""
    return exists(MemoryDevice, lambda m: in_range[m, b] & in_range[m, c])


@definition
def is_taken_back(b: Block) -> Bool:
    """An add that failed had brought the block, or found it: it goes as it came, by itself."""
    return exists(MemoryDevice, lambda m: in_range[m, b] & (request[m] == Request.add_failed))


@definition
def altmaps_differ(b: Block) -> Bool:
    """Of the blocks that are to go together, some have their mem_map in themselves, some not."""
    mixed = exists(Block, lambda c: share_a_device(b, c) & block_device[c] & ~one_way(b, c))
    return mixed & ~is_taken_back(b)


@action
def open_state_file(b: Block) -> None:
    """Somebody begins to write to the block's ``state``, or begins anew (kernfs_get_active)."""
    guard("has_device", block_device[b], errno=ENODEV, why="there is no such memory block")
    guard("file_idle", ~file_held[b], why="the other write comes first")
    state_file[b] = FileUse.open
    file_held[b] = true


@action
def lock_for_write(b: Block) -> None:
    """The writer gets the lock (lock_device_hotplug_sysfs)."""
    guard("opened", state_file[b] == FileUse.open, why="nobody wants to write")
    guard("lock_is_free", lock_is_free(), why="somebody else has device_hotplug_lock")
    state_file[b] = FileUse.locked


@action
def begin_write_anew(b: Block) -> None:
    """The writer does not get the lock, and lets go of the file (restart_syscall)."""
    guard("opened", state_file[b] == FileUse.open, why="nobody wants to write")
    guard("lock_is_taken", ~lock_is_free(), why="the writer can have the lock")
    state_file[b] = FileUse.turned_away
    file_held[b] = false


@action
def end_write(b: Block) -> None:
    """The write is over; lock and file are free."""
    guard("locked", state_file[b] == FileUse.locked, why="no write goes on")
    guard("settled", ~changing(b), why="the write has not changed the block yet")
    state_file[b] = FileUse.none
    file_held[b] = false


@action
def delete_block_device(b: Block) -> None:
    """Take the block out of sysfs (remove_memory_block_devices)."""
    guard(
        "device_hotplug_lock",
        lock_allows_removal(b),
        why="somebody else has the lock: a request of the firmware, a write to sysfs",
    )
    guard("has_device", block_device[b], errno=ENODEV, why="there is no such memory block")
    guard(
        "not_reserved",
        ~reserved_lmb[b],
        errno=EINVAL,
        why="the hypervisor keeps the logical memory block where it is",
    )
    guard(
        "block_offline",
        block_state[b] == BlockState.offline,
        errno=EBUSY,
        why="the block is not offline",
    )
    guard(
        "one_kind_of_memmap",
        ~altmaps_differ(b),
        errno=EINVAL,
        why="some blocks of the range have their mem_map in themselves, and some have not",
    )
    guard(
        "file_idle",
        ~file_held[b],
        why="somebody writes to the block's file (the caller waits)",
    )
    block_device[b] = false
    firmware_map[b] = false


# --- what is true -------------------------------------------------------------------------------


@always(covers="A1")
def the_firmware_map_names_the_blocks(b: Block) -> Bool:
    """A removal that is refused leaves the map as it is."""
    return firmware_map[b] == block_device[b]


@always(covers="A1")
def files_in_use_have_their_device(b: Block) -> Bool:
    """No device goes while somebody writes to its file."""
    return implies(file_held[b], block_device[b])


@always(covers="A1")
def files_are_held_by_who_writes(b: Block) -> Bool:
    """A file is held from the try to get the lock to the end of the write, or until it fails."""
    writes = (state_file[b] == FileUse.open) | (state_file[b] == FileUse.locked)
    return file_held[b] == writes


@always(covers="A1")
def removal_and_write_never_wait_for_each_other(m: MemoryDevice, b: Block) -> Bool:
    """A removal that waits for a file has the lock; who holds the file does not wait for that."""
    return implies(removal_waits(m, b), state_file[b] != FileUse.turned_away)


@always(covers="A1")
def one_writer_has_the_lock(b: Block, c: Block) -> Bool:
    """Writes to sysfs files of blocks happen one after another."""
    both = (state_file[b] == FileUse.locked) & (state_file[c] == FileUse.locked)
    return implies(both, b == c)


@always(covers="A1")
def requests_and_writers_exclude_each_other(m: MemoryDevice, b: Block) -> Bool:
    """While a request of the firmware runs, no write to a block's file goes on."""
    return implies(request[m] != Request.none, state_file[b] != FileUse.locked)


@always(covers="A1")
def a_writer_keeps_other_blocks_from_changing(b: Block, c: Block) -> Bool:
    """While a write has the lock, no other block goes online or offline."""
    return implies((state_file[b] == FileUse.locked) & changing(c), b == c)


@step(covers="A1")
def blocks_come_and_go_when_no_writer_has_the_lock(b: Block, c: Block) -> Bool:
    """While a write has the lock, no block comes into sysfs or leaves it."""
    same = block_device[c] == after(block_device[c])
    return implies(state_file[b] == FileUse.locked, same)


@step(covers="A1")
def a_write_ends_when_its_block_has_settled(b: Block) -> Bool:
    """A writer keeps the lock until its block is online or offline, or as it was."""
    over = (state_file[b] == FileUse.locked) & after(state_file[b] != FileUse.locked)
    return implies(over, ~changing(b))


@step(covers="A1")
def no_writer_is_turned_away_without_need(b: Block) -> Bool:
    """A write begins anew only when somebody else has the lock."""
    turned_away = (state_file[b] == FileUse.open) & (after(state_file[b]) == FileUse.turned_away)
    return implies(turned_away, ~lock_is_free())


@step(covers="A1")
def ranges_go_in_one_way(b: Block, c: Block) -> Bool:
    """When a range goes, what is left of it has its mem_maps where the block has its own."""
    gone = block_device[b] & ~after(block_device[b]) & ~is_taken_back(b)
    return implies(gone & share_a_device(b, c) & block_device[c], one_way(b, c))


@step(covers="A1")
def blocks_of_a_device_go_in_one_way(m: MemoryDevice, b: Block, c: Block) -> Bool:
    """Where a block has its mem_map in itself, what is left of its device has so, too."""
    gone = in_range[m, b] & block_device[b] & ~after(block_device[b])
    failed = exists(MemoryDevice, lambda x: in_range[x, b] & (request[x] == Request.add_failed))
    alike = (altmap[b] == Altmap.held) == (altmap[c] == Altmap.held)
    return implies(gone & in_range[m, c] & block_device[c] & ~failed, alike)


@sometimes(covers="A1")
def a_writer_lets_go_of_a_device_that_goes(b: Block, m: MemoryDevice) -> Bool:
    """While a device is being ejected, a write to the file of one of its blocks begins anew."""
    ejected = in_range[m, b] & (request[m] == Request.ejecting)
    return ejected & (state_file[b] == FileUse.open) & ~after(file_held[b])


@sometimes(covers="A1")
def a_removal_waits_for_a_writer(m: MemoryDevice, b: Block) -> Bool:
    """All of a device is offline, and the deletion of a block waits for its file."""
    return removal_waits(m, b)


@sometimes(covers="A1")
def a_block_goes_after_its_writer_let_go(b: Block) -> Bool:
    """A write was turned away, and when it is to begin anew its block is gone."""
    return (state_file[b] == FileUse.turned_away) & ~block_device[b]


@sometimes(covers="A1")
def a_write_takes_a_block_offline(b: Block) -> Bool:
    """A writer has the lock, and the block goes offline."""
    leaving = block_state[b] == BlockState.going_offline
    gone = after(block_state[b]) == BlockState.offline
    return (state_file[b] == FileUse.locked) & leaving & gone


@sometimes(covers="A1")
def a_block_goes_while_another_has_its_memmap_elsewhere(
    m: MemoryDevice, b: Block, c: Block
) -> Bool:
    """What blocks of another device do with their mem_maps keeps no block."""
    unlike = (altmap[b] == Altmap.held) & (altmap[c] != Altmap.held)
    others = in_range[m, c] & ~in_range[m, b] & block_device[c] & unlike
    return block_device[b] & ~after(block_device[b]) & others


@sometimes(covers="A1")
def a_block_goes_after_another_of_its_device(m: MemoryDevice, b: Block, c: Block) -> Bool:
    """What a block that is not there did with its mem_map keeps no block of its device."""
    alone = in_range[m, b] & in_range[m, c] & (b != c) & ~block_device[c]
    gone = block_device[b] & ~after(block_device[b]) & (request[m] == Request.none)
    return alone & gone & (altmap[b] == Altmap.held)


@sometimes(covers="N1")
def an_offline_block_is_found(r: Reader) -> Bool:
    """Somebody takes a reference to a block that is not in use."""
    begins = (looks_at[r] != Look.block) & after(looks_at[r] == Look.block)
    return begins & (block_state[block_of_section[watched[r]]] == BlockState.offline)


@sometimes(covers="A1")
def a_write_to_an_offline_block_begins(b: Block) -> Bool:
    """Somebody opens the file of a block that is offline."""
    opened = ~file_held[b] & after(file_held[b])
    return opened & (block_state[b] == BlockState.offline)


@sometimes(covers="A1")
def a_write_is_over(b: Block) -> Bool:
    """A writer gets the lock, and gives it back."""
    return (state_file[b] == FileUse.locked) & (after(state_file[b]) == FileUse.none)
