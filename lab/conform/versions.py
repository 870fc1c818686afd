"""The scenarios of what Linux chose, and since when: nodes, the order of add.

What the reference has is seen in sysfs, or in the kernel's own trace of what it entered.
"""

from __future__ import annotations

from collections.abc import Iterator

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.devices.firmware import OST_CODES

from ..guest.devices import eject_dimm, plug_dimm
from .board import DEVICES
from .follow import Follower
from .steps import (
    FIRST,
    MEMORY,
    SECOND,
    Check,
    allowed,
    contents_kept,
    hold,
    plug,
    take,
    take_steps,
)
from .traced import entered, known, trace_allocations, trace_functions

__all__ = [
    "a_node_with_movable_memory_alone",
    "added_memory_is_movable_with_movable_node",
    "an_eject_that_is_not_allowed_touches_nothing",
    "blocks_and_their_node_appear",
    "kernel_zone_contents_stay_in_kernel_zones",
    "slab_structures_come_with_memory",
]

_NODE_1 = 1
_ENABLED = "/sys/firmware/acpi/hotplug/memory/enabled"
_PATIENCE = 10
"""Seconds after which a signal ends a removal that goes on and on."""


# --- nodes --------------------------------------------------------------------------------------


def a_node_with_movable_memory_alone(follower: Follower) -> Iterator[Check]:
    """A node has memory, and normal memory only while a block of a kernel zone is in use (N1, U1).

    A block of node 1 goes online as movable, the other one in the kernel zone, and that one goes
    offline.  Seen must be: `has_memory` and `has_normal_memory` of sysfs name the node exactly if
    the reference has such blocks in use.
    """
    take_steps(follower, ("add_device", 1))
    steps = ((FIRST, "online_movable"), (SECOND, "online_kernel"), (SECOND, "offline"))
    for block, word in steps:
        take_steps(follower, ("write_state", block, word))
        machine, guest = follower.machine, follower.target.booted
        zones = {
            machine.get("zone", b)
            for b in (FIRST, SECOND)
            if machine.get("block_state", b) == "online"
        }
        for name, wanted in (("has_memory", bool(zones)), ("has_normal_memory", "kernel" in zones)):
            nodes = guest.read(f"/sys/devices/system/node/{name}").strip()
            what = f"node 1 in {name} after {word} of block {block}"
            yield Check(what, str(wanted), str("1" in nodes))


def added_memory_is_movable_with_movable_node(follower: Follower) -> Iterator[Check]:
    """A plain *online* goes to the movable zone with movable_node, where zones leave it open (A1).

    Both blocks of node 1 are told *online*; then the first is brought into the kernel zone
    instead, and the second told *online* again, both ways round.  Seen must be: the zone that the
    reference's `default_zone` names before each, in valid_zones and afterwards; and all of that
    with the movable zone at least once.
    """
    take_steps(follower, ("add_device", 1))
    chosen = []
    for way in (
        ((FIRST, "online"), (SECOND, "online"), (SECOND, "offline"), (FIRST, "offline")),
        ((FIRST, "online_kernel"), (SECOND, "online"), (SECOND, "offline")),
        ((SECOND, "online_kernel"),),
    ):
        for block, word in way:
            wanted = str(follower.machine.evaluate("default_zone", block))
            take_steps(follower, ("write_state", block, word))
            if word == "online":
                seen = follower.target.observe()["zone"][block]
                yield Check(f"zone of block {block}, told online", wanted, str(seen))
                chosen.append(wanted)
    yield Check("zones that the reference chooses", "movable", ", ".join(sorted({*chosen})))


def slab_structures_come_with_memory(follower: Follower) -> Iterator[Check]:
    """The slab allocator makes its structures of a node when its version does, and frees them (N1).

    Blocks of node 1 come and go in both zones.  Seen must be: the allocator's notifier takes
    memory exactly when the reference makes the node's structure, and gives some back exactly when
    the reference frees it.
    """
    take_steps(follower, ("add_device", 1))
    guest = follower.target.booted
    trace_allocations(guest, "slab_mem")
    for block, word in (
        (FIRST, "online_movable"),
        (SECOND, "online_kernel"),
        (SECOND, "offline"),
        (FIRST, "offline"),
        (SECOND, "online_kernel"),
    ):
        before = bool(follower.machine.get("node_structure", _NODE_1))
        take_steps(follower, ("write_state", block, word))
        now = bool(follower.machine.get("node_structure", _NODE_1))
        taken, given = trace_allocations(guest, "slab_mem")
        what = f"structures of node 1 when block {block} is told {word}"
        yield Check(what, _change(before, now), _change(given > 0, taken > 0))


def _change(before: bool, now: bool) -> str:
    return "none" if before == now else "made" if now else "freed"


# --- the order of add ---------------------------------------------------------------------------


def blocks_and_their_node_appear(follower: Follower) -> Iterator[Check]:
    """A node that comes with its first memory is online before its blocks, or after them (N1).

    A DIMM is added to node 1, which is not there.  Seen must be: the kernel makes the block
    devices before the node's own only if the reference allows a device on a node that is offline.
    """
    world = follower.machine.copy()
    take(world, "insert_device", 1)
    sections = world.topology.tables["block_of_section"]
    for section in (s for s, block in enumerate(sections) if block == FIRST):
        take(world, "allocate_memmap", section)
        take(world, "add_section", section)
    wanted = allowed(world, "create_block_device", FIRST)
    guest = follower.target.booted
    node = known(guest, "__register_one_node", "register_node")[:1]
    trace_functions(guest, "create_memory_block_devices", *node)
    take_steps(follower, ("add_device", 1))
    order = [entry.function for entry in entered(guest)]
    yield Check("devices of blocks and of the node, made", "2", str(len({*order})))
    early = order[:1] == ["create_memory_block_devices"]
    yield Check("block devices of a node that is offline", wanted, "done" if early else "refused")


# --- the firmware's requests --------------------------------------------------------------------


def an_eject_that_is_not_allowed_touches_nothing(follower: Follower) -> Iterator[Check]:
    """An eject that the administrator has forbidden is declined before anything goes offline (A1).

    A DIMM is online, ejecting memory is forbidden (`hotplug/memory/enabled`), and the firmware
    asks for the DIMM; then it is allowed again.  Seen must be: the answer and the status that the
    reference gives, and the states of both blocks; and with leave the DIMM goes as the reference
    has it.
    """
    guest = plug(follower, "online_movable")
    devices = range(1, DEVICES + 1)  # one switch for all that is memory
    for device in devices:
        take(follower.machine, "forbid_eject", device)
    guest.write(_ENABLED, "0")
    world = Operations(follower.machine.copy())
    wanted = "done" if world.eject_device(1) else "refused"
    status = OST_CODES[str(world.machine.get("told", 1))]
    ejection = eject_dimm(guest, "dimm1")
    yield Check("an eject that is forbidden", wanted, "done" if ejection.gone else "refused")
    yield Check("the status that the guest tells", str(status), str(ejection.status))
    states = follower.target.observe()["block_state"]
    seen = [states[block] for block in (FIRST, SECOND)]
    kept = [world.machine.get("block_state", block) for block in (FIRST, SECOND)]
    yield Check("blocks of the DIMM", str(kept), str(seen))
    for device in devices:
        take(follower.machine, "allow_eject", device)
    guest.write(_ENABLED, "1")
    take_steps(follower, ("eject_device", 1))


# --- where contents go --------------------------------------------------------------------------


def kernel_zone_contents_stay_in_kernel_zones(follower: Follower) -> Iterator[Check]:
    """What lies in a kernel zone does not go where all memory is movable (N4).

    A process has memory of node 1, all of which is movable.  Node 0 gets blocks in its kernel
    zone, and the contents come there; then one of them without memory of the kernel's is told to
    go offline, first with movable memory alone on node 1, then with a kernel zone alone there.
    Seen must be: what the reference answers, each time, and the contents unchanged.
    """
    guest, target = plug(follower, "online_movable"), follower.target
    size, numbers = target.board.block, target.board.numbers()
    user = hold(guest, "anon", size + size // 4)  # what maps it is in boot memory, and stays there
    own = target.board.blocks_of(2)
    plug_dimm(guest, "own", 0, len(own) * size, place=numbers[own[0]] * size)
    # From here on the reference is alone: it has the second DIMM on node 1.
    way = [(block, "online_kernel") for block in own]
    way += [(block, word) for word in ("offline", "online_movable") for block in (FIRST, SECOND)]
    answers = [_write(follower, block, word) for block, word in way]
    yield Check("errnos on the way", str([0] * len(way)), str(answers))
    block = next((b for b, held in target.contents(own).items() if "free" in held), own[0])
    for zone, patience in (("movable", _PATIENCE), ("kernel", None)):
        for leaving in (FIRST, SECOND) if zone == "kernel" else ():
            _write(follower, leaving, "offline")
            _write(follower, leaving, "online_kernel")
        movable = frozenset([1] if zone == "movable" else [])
        shape = Shape(nodes=2, blocks=1, movable=movable)
        reference = Operations(Machine(follower.system, shape.build(follower.system)))
        take(reference.machine, "alloc_folio", 0, 0, "anonymous")
        wanted = reference.write_state(0, "offline").errno or 0
        answer = _write(follower, block, "offline", patience)
        what = f"errno of a block in the kernel zone, told to go; the {zone} zone alone elsewhere"
        yield Check(what, str(wanted), str(answer))
    yield contents_kept(guest, user)


def _write(follower: Follower, block: int, word: str, patience: int | None = None) -> int:
    """The errno of a write to a block, which the reference does not follow."""
    path = f"{MEMORY}/memory{follower.target.board.numbers()[block]}/state"
    return follower.target.booted.write(path, word, patience=patience)
