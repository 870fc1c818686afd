"""The scenarios of who hears of what: memory notifiers, and node notifiers from 6.17 on.

What they are told is seen in the kernel's own trace of what it entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape

from ..guest.guest import Guest
from ..guest.machine import MIB
from .follow import Follower
from .steps import FIRST, MEMORY, NODE, SECOND, Check, take, take_steps
from .traced import entered, known, trace_functions
from .worlds import holds

__all__ = [
    "node_notifiers_hear_before_memory_notifiers",
    "notifiers_hear_of_boot_memory",
    "notifiers_hear_of_each_step",
    "who_stands_behind_a_refusal_hears_the_cancel_alone",
]

_NODE_1 = 1
_HUGE = 2 * MIB
"""Bytes of the usual huge page."""
_MEMORY_EVENTS = (
    "online",
    "going_offline",
    "offline",
    "going_online",
    "cancel_online",
    "cancel_offline",
)
"""Of include/linux/memory.h."""
_NODE_EVENTS = (
    "adding_first",
    "added_first",
    "cancel_adding",
    "removing_last",
    "removed_last",
    "cancel_removing",
)
"""Of include/linux/node.h."""


def notifiers_hear_of_each_step(follower: Follower) -> Iterator[Check]:
    """Memory notifiers hear what the reference tells them, in its order, and no more (A1).

    A block goes online and offline, comes back in the kernel zone, has pages pinned, and is told
    to go offline until a signal comes.  Seen must be: the events of each step, in their order.
    """
    take_steps(follower, ("add_device", 1))
    trace_functions(follower.target.booted, "memory_notify")
    for word in ("online_movable", "offline", "online_kernel"):
        yield from _heard(follower, FIRST, word)
    take_steps(follower, ("hold", 0, "pinned"))
    yield from _heard(follower, FIRST, "offline")


def node_notifiers_hear_before_memory_notifiers(follower: Follower) -> Iterator[Check]:
    """From 6.17 on node notifiers hear of a node's first and last memory, before others (A1, N1).

    The blocks of node 1 go online and offline; then the first comes back, has a huge page that was
    promised, and is told to go offline.  Seen must be: what the reference tells node notifiers,
    where it has any, and memory notifiers, all in one order.
    """
    take_steps(follower, ("add_device", 1))
    guest = follower.target.booted
    found = known(guest, "node_notify")
    has_any = "node_event" in follower.system.state
    yield Check("the kernel has node notifiers", str(has_any), str(bool(found)))
    trace_functions(guest, "memory_notify", *found)
    for block, word in (
        (FIRST, "online_movable"),
        (SECOND, "online_movable"),
        (SECOND, "offline"),
        (FIRST, "offline"),
        (FIRST, "online_movable"),
    ):
        yield from _all_heard(follower, block, word)
    yield from _cancelled(follower, FIRST)


def notifiers_hear_of_boot_memory(follower: Follower) -> Iterator[Check]:
    """Where boot memory stays, notifiers hear that it goes, and that it does not after all (A1).

    Each boot block is told to go offline.  Seen must be: the events that the reference tells, with
    the kernel's memory in the block, or without.
    """
    trace_functions(follower.target.booted, "memory_notify")
    for block in sorted(follower.target.board.kept):
        yield from _heard(follower, block, "offline")


def who_stands_behind_a_refusal_hears_the_cancel_alone(follower: Follower) -> Iterator[Check]:
    """All notifiers hear that a block stays, whether they heard that it goes or not (A1).

    Each boot block is told to go offline, which a notifier of the architecture refuses.  Seen must
    be: what the reference tells who is asked before that (mm/ksm.c), and who is behind (mm/mmap.c).
    """
    guest, asked = follower.target.booted, ("ksm_memory_callback", "reserve_mem_notifier")
    yield Check("notifiers that can be traced", str(asked), str(known(guest, *asked)))
    trace_functions(guest, *asked, argument=2)
    for block in sorted(follower.target.board.kept):
        before = follower.machine.copy()
        held = follower.target.contents([block])[block]
        entered(guest)
        take_steps(follower, ("write_state", block, "offline"))
        entries = entered(guest)
        for listener, name in enumerate(asked):
            told = {_told(before, block, "offline", each, "heard", listener) for each in held}
            heard = [entry.argument for entry in entries if entry.function == name]
            seen = _named(guest, heard, _MEMORY_EVENTS, "MEM_GOING_ONLINE")
            what = f"what {name} hears of a removal of block {block}"
            yield Check(what, _one_of(seen, told), seen)


def _all_heard(follower: Follower, block: int, word: str) -> Iterator[Check]:
    """What node notifiers and memory notifiers hear of one write, in one order."""
    guest = follower.target.booted
    told = _in_order(follower.machine, block, word, _NODE_1)
    entered(guest)
    take_steps(follower, ("write_state", block, word))
    yield Check(f"what is told of {word} of block {block}", told, _seen_in_order(guest))


def _cancelled(follower: Follower, block: int) -> Iterator[Check]:
    """What they hear when node 1 has its last block, and that has a huge page that was promised."""
    guest, number = follower.target.booted, follower.target.board.numbers()[block]
    guest.write(f"{NODE}/hugepages/hugepages-{_HUGE // 1024}kB/nr_hugepages", "1")
    mounted = guest.shell(f"mkdir -p /huge; mount -t hugetlbfs -o min_size={_HUGE} none /huge").rc
    yield Check("a mount that has the huge page promised", "0", str(mounted))
    shape = Shape(nodes=2, blocks=1, tables=(("reservation_node", (1,)),))
    machine = Machine(follower.system, shape.build(follower.system))
    take(machine, "grow_pool", 0, 1)
    take(machine, "reserve_huge", 0)
    told = _in_order(machine, 1, "offline", _NODE_1)
    wanted = Operations(machine).write_state(1, "offline").errno or 0
    entered(guest)
    answer = guest.write(f"{MEMORY}/memory{number}/state", "offline")
    yield Check("errno of the node's last block, told to go", str(wanted), str(answer))
    yield Check("what is told of its removal", told, _seen_in_order(guest))


def _in_order(machine: Machine, block: int, word: str, node: int) -> str:
    """What the reference tells both; of a step that tells both the node notifiers hear first."""
    has_any = "node_event" in machine.system.state
    whose = {**({"node": ("node_event", node)} if has_any else {}), "memory": ("event", block)}
    told = [
        f"{who} {event}"
        for step in _steps(machine, block, word, tuple(whose.values()))
        for who, event in zip(whose, step, strict=True)
        if event
    ]
    return ", ".join(told)


def _seen_in_order(guest: Guest) -> str:
    """What was traced since it was asked for last, likewise."""
    names = {
        "node_notify": ("node", _NODE_EVENTS, "NODE_ADDING_FIRST_MEMORY"),
        "memory_notify": ("memory", _MEMORY_EVENTS, "MEM_GOING_ONLINE"),
    }
    seen = [(*names[entry.function], entry.argument) for entry in entered(guest)]
    return ", ".join(f"{who} {_named(guest, [n], events, first)}" for who, events, first, n in seen)


def _heard(follower: Follower, block: int, word: str) -> Iterator[Check]:
    """What the notifiers hear of one write."""
    target, before = follower.target, follower.machine.copy()
    online = before.get("block_state", block) == "online"
    held = target.contents([block])[block] if online else ("free",)
    told = {_told(before, block, word, content) for content in held}
    entered(target.booted)
    take_steps(follower, ("write_state", block, word))
    heard = [entry.argument for entry in entered(target.booted)]
    seen = _named(target.booted, heard, _MEMORY_EVENTS, "MEM_GOING_ONLINE")
    yield Check(f"what notifiers hear of {word} of block {block}", _one_of(seen, told), seen)


def _one_of(seen: str, told: set[str]) -> str:
    """What was seen, if it is one of those; all of them otherwise."""
    return seen if seen in told else " or ".join(sorted(told))


def _named(guest: Guest, numbers: Iterable[int], names: Sequence[str], first: str) -> str:
    """The names of events; none of those with which s390 prepares and finishes.

    Args:
        guest: the guest.
        numbers: what the kernel calls them.
        names: by the number of their bit; or of the event, where they are an enumeration.
        first: a name of the kernel's, which its types have if they are an enumeration.
    """
    numbered = not guest.shell(f"grep -q {first} /sys/kernel/btf/vmlinux").rc
    places = [number if numbered else number.bit_length() - 1 for number in numbers]
    return ", ".join(names[at] for at in places if 0 <= at < len(names)) or "nothing"


def _told(
    before: Machine, block: int, word: str, held: str, variable: str = "event", *first: int
) -> str:
    """The events that the reference tells memory notifiers, one after the other."""
    world = before.copy()
    if held != "free":
        holds(world, block, "kernel" if held in ("kernel", "boot") else "pinned")
    return _changes(world, block, word, variable, *first, block)


def _changes(before: Machine, block: int, word: str, variable: str, *point: int) -> str:
    """What becomes of a variable in the steps of a write, one value after the other."""
    steps = _steps(before, block, word, ((variable, *point),))
    return ", ".join(event for (event,) in steps if event) or "nothing"


def _steps(
    before: Machine, block: int, word: str, variables: Sequence[tuple[str, *tuple[int, ...]]]
) -> Iterator[list[str]]:
    """For each step of a write what each of the variables is then, empty where it stays."""
    world, user = before.copy(), Operations(before.copy())
    user.write_state(block, word)
    last = [world.get(name, *point) for name, *point in variables]
    for action, params in user.steps:
        world.step(action, *params)
        now = [world.get(name, *point) for name, *point in variables]
        yield ["" if was == then else str(then) for was, then in zip(last, now, strict=True)]
        last = now
