"""A kernel as a target: what it is asked, and what its blocks hold.

No rule is stated here.

Sources: drivers/base/memory.c (state_store), drivers/base/core.c (online_store),
drivers/acpi/scan.c (ejection).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from errno import EBUSY, ENODEV, ENOENT
from types import MappingProxyType
from typing import Literal

from memhp.machines.judging.completions import has_hole
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.sysfs import MachineReading
from memhp.reference.target import Observation
from memhp.reference.topology import Topology, Value
from memhp.spec.language.system import System

from ..guest.devices import eject_dimm, plug_dimm
from ..guest.guest import Guest
from ..guest.machine import MIB
from ..guest.snapshot import page_sizes
from ..kernels.kernel import Kernel
from ..tools.errors import LabError, whole_number
from .board import (
    BLOCKS_OF_DEVICE,
    BOARDS,
    BOOT_BLOCKS,
    DEVICES,
    arrangement,
)
from .look import Own, frames_of, kernel_memory, listed
from .shown import observed

__all__ = [
    "HELD",
    "HOLDERS",
    "MOVABLE_NODE",
    "NOWHERE",
    "TEXTS",
    "WORDS",
    "Content",
    "KernelTarget",
    "Operation",
    "checked",
    "confine",
]

HOLDERS = 4
"""How many processes hold memory at most."""

HELD = ("anon", "locked", "cache", "pinned", "kernel")
"""What holders have: what is pinned long-term or the kernel's own does not move."""
_HELD_BYTES = 8 * MIB
_ROOM_BYTES = 8 * _HELD_BYTES
_CPUSET = "/sys/fs/cgroup/memhp"

WORDS = ("online", "online_kernel", "online_movable", "offline", "nonsense", "online\n", "")
TEXTS = ("1", "0", "y", "n", "on", "off", "2", "maybe", "")

MOVABLE_NODE = "movable_node"
"""The word of the command line with which added memory becomes movable unless asked otherwise."""

_MEMORY = "/sys/devices/system/memory"
_PATIENCE = 2
"""Seconds after which a signal ends what waits for pinned pages to go."""

_LONGEST_WORD = 100

NOWHERE = -1
"""Instead of a block that the board does not have."""

Content = Literal["free", "pinned", "kernel", "boot"]
"""What a block holds that may keep it: the kernel's memory, else pages that are pinned.  What
boot has reserved (*boot*) is the kernel's for good."""
Operation = tuple[str, tuple[Value, ...]]

_BLOCKS = range(BOOT_BLOCKS + DEVICES * BLOCKS_OF_DEVICE)
_DEVICES = range(1, DEVICES + 1)
_NODES = range(max(board.nodes for board in BOARDS.values()))
_PARAMETERS: Mapping[str, tuple[range, bool]] = MappingProxyType(
    {
        "write_state": (_BLOCKS, True),
        "write_online": (_BLOCKS, True),
        "add_device": (_DEVICES, False),
        "eject_device": (_DEVICES, False),
        "hold": (range(HOLDERS), True),
        "release": (range(HOLDERS), False),
        "close": (_NODES, False),
        "open": (_NODES, False),
    }
)
"""For each operation, what its number may be, and whether it takes a word, too."""


def checked(name: object, params: Sequence[object]) -> Operation:
    """The operation, if there is one such.

    Raises:
        ValueError: there is none; the message says what is wrong.

    >>> checked("write_state", [4, "offline"])
    ('write_state', (4, 'offline'))
    """
    if not isinstance(name, str) or name not in _PARAMETERS:
        shown = f"{name[:40]!r}" if isinstance(name, str) else "that is no word"
        raise ValueError(f"there is no operation {shown}; there are {', '.join(_PARAMETERS)}")
    numbers, word = _PARAMETERS[name]
    values = tuple(each for each in params if isinstance(each, int | str))
    kinds = [type(each) for each in params]
    words = [each for each in values if isinstance(each, str)]
    if (
        kinds != [int, *[str] * word]
        or values[0] not in numbers
        or not all(map(_can_be_sent, words))
    ):
        more = ", and a word" if word else ""
        raise ValueError(f"{name} takes a number of {numbers[0]} to {numbers[-1]}{more}")
    return name, values


def _can_be_sent(word: str) -> bool:
    return len(word) <= _LONGEST_WORD and word.isascii()


def confine(guest: Guest, nodes: str) -> int:
    """Confine the agent, and who it starts, to memory of these nodes (cpuset(7)).

    What they have on other nodes moves, if it can.

    Args:
        guest: the guest.
        nodes: a list such as ``0-1``.

    Returns:
        0 or an errno.
    """
    guest.shell(
        f"test -d {_CPUSET} || {{ mount -t cgroup2 none /sys/fs/cgroup; cd /sys/fs/cgroup;"
        f" echo +cpuset > cgroup.subtree_control; mkdir {_CPUSET};"
        f" echo 1 > {_CPUSET}/cgroup.procs; }}"
    )
    return guest.write(f"{_CPUSET}/cpuset.mems", nodes)


class KernelTarget:
    """A kernel in a guest: what can be done there, and what is seen.  A context manager.

    Args:
        kernel: of an architecture of `BOARDS`.
        programs: those of this machine that can be run in the guest.
        options: words of the kernel's command line, besides the board's.

    Raises:
        LabError: no board has the kernel's architecture.
    """

    def __init__(
        self, kernel: Kernel, programs: tuple[str, ...] = (), options: tuple[str, ...] = ()
    ) -> None:
        if kernel.arch not in BOARDS:
            names = ", ".join(BOARDS)
            raise LabError(f"{kernel.name}: conformance knows guests of {names}, not {kernel.arch}")
        self.kernel = kernel
        self.board = replace(BOARDS[kernel.arch], linux=kernel.linux)
        self.programs, self.options = programs, options
        self.guest: Guest | None = None
        self.at_boot: MachineReading
        self.reading: MachineReading
        self.page = self.frames_of_block = 0
        self.holders: dict[int, int] = {}
        self.pinned: dict[int, frozenset[int]] = {}

    def __enter__(self) -> KernelTarget:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the guest."""
        if self.guest is not None:
            self.guest.close()
            self.guest = None

    def boot(self) -> None:
        """Boot a new guest.

        Raises:
            LabError: that fails, or it shows no memory blocks, or blocks of another size.
        """
        self.close()
        self.holders, self.pinned = {}, {}
        machine = self.board.guest_machine()
        options = (*machine.options, *self.options)
        machine = replace(machine, programs=self.programs, options=options)
        self.guest = Guest.boot(self.kernel, machine)
        try:
            self.at_boot = self.reading = listed(self.guest, "iomem")
            self.page, size = page_sizes(self.guest)
        except (MachineError, OSError) as error:
            raise LabError(
                f"{self.kernel.name} does not show its memory blocks as conformance reads them"
                f" (it needs MEMORY_HOTREMOVE): {error}"
            ) from None
        self.frames_of_block = size // self.page
        if size != self.board.block:
            raise LabError(
                f"{self.kernel.name} has blocks of {size // MIB} MiB; conformance knows"
                f" {self.board.architecture} with {self.board.block // MIB} MiB"
            )

    @property
    def booted(self) -> Guest:
        """The booted guest.

        Raises:
            LabError: there is none.
        """
        if self.guest is None:
            raise LabError("the guest is not booted: call `boot` first")
        return self.guest

    def do(self, operation: str, *params: Value) -> int | None:
        """Do an operation; returns the errno of its answer, None if it succeeds.

        Raises:
            ValueError: it cannot be done: a holder's number that is taken, or is not.
        """
        number = int(params[0])
        if operation == "write_state":
            return self._write(number, "state", str(params[1]))
        if operation == "write_online":
            return self._write(number, "online", str(params[1]))
        if operation == "add_device":
            return self._add(number)
        if operation == "eject_device":
            return None if eject_dimm(self.booted, f"dimm{number}").gone else EBUSY
        if operation == "hold" and number not in self.holders:
            return self._hold(number, str(params[1]))
        if operation == "release" and number in self.holders:
            self.pinned.pop(number, None)
            return self.booted.release(self.holders.pop(number)) or None
        if operation in ("close", "open"):
            return confine(self.booted, "0" if operation == "close" else "0-1") or None
        raise ValueError(f"the kernel cannot be asked for {operation!r} {params}")

    def has_room(self) -> bool:
        """Whether the last node has memory free that suffices for several holders."""
        last = self.board.nodes - 1
        free = [node.mem_free_kib or 0 for node in self.reading.nodes if node.number == last]
        if not free:  # without NUMA, no node tells
            sizes = re.findall(r"(?m)^MemFree: +(\d+) kB", self.booted.read("/proc/meminfo"))
            free = [whole_number(kib) for kib in sizes]
        return sum(free) * 1024 >= _ROOM_BYTES

    def holds_pinned(self, block: int) -> bool:
        """Whether pages that a holder has pinned are in the block."""
        return any(block in blocks for blocks in self.pinned.values())

    def holds_pinned_of(self, device: int) -> bool:
        """Whether pinned pages are in the device, so that its ejection would never end."""
        return any(map(self.holds_pinned, self.board.blocks_of(device)))

    def _hold(self, number: int, kind: str) -> int | None:
        """Have a process of that number hold memory of the last node."""
        node = self.board.nodes - 1 or -1  # of one node alone it has any: mbind(2) takes NUMA
        answer = self.booted.agent("hold", kind, str(node), str(_HELD_BYTES))
        if answer.code:
            return answer.code
        self.holders[number] = holder = whole_number(answer.data.decode("ascii", "replace"))
        if kind == "pinned":
            numbers = {at: block for block, at in enumerate(self.board.numbers())}
            frames = frames_of(self.booted, holder, self.page)
            self.pinned[number] = frozenset(
                numbers.get(frame // self.frames_of_block, NOWHERE) for frame in frames
            )
        return None

    def _write(self, block: int, name: str, text: str) -> int | None:
        patience = _PATIENCE if self.holds_pinned(block) else None
        path = f"{_MEMORY}/memory{self.board.numbers()[block]}/{name}"
        errno = self.booted.write(path, text, patience=patience)
        return ENODEV if errno == ENOENT else errno or None

    def _add(self, device: int) -> int | None:
        """Plug the DIMM at its place, and wait for what the guest tells the firmware."""
        size = BLOCKS_OF_DEVICE * self.board.block
        place = self.board.more * self.board.block + (device - 1) * size
        status = plug_dimm(self.booted, f"dimm{device}", self.board.nodes - 1, size, place=place)
        return EBUSY if status else None

    def arranged(self, system: System) -> Topology:
        """The `arrangement` with the holes and zones that the guest's boot blocks have.

        And with what its command line says of memory that is added.
        """
        boot = {number: b for b, number in enumerate(self.board.numbers())}
        boot = {number: b for number, b in boot.items() if b not in self.board.added}
        here = [block for block in self.at_boot.blocks if block.number in boot]
        whole = {boot[b.number] for b in here if has_hole(self.at_boot, b) == (False,)}
        zones = observed(self.at_boot, self.board)["zone"]
        several = frozenset(block for block in boot.values() if zones[block] == "none")
        holes, movable = frozenset(boot.values()) - whole, MOVABLE_NODE in self.options
        return arrangement(system, self.board, holes, several, movable_node=movable)

    def observe(self) -> Observation:
        """What sysfs shows now, in the words of `expected`."""
        self.reading = listed(self.booted)
        return observed(self.reading, self.board)

    def contents(self, blocks: Iterable[int]) -> dict[int, tuple[Content, ...]]:
        """What each of these online blocks may hold; several things, if nothing tells which."""
        return {
            block: tuple(self._content(block, own) for own in choices)
            for block, choices in self.kernel_memory(blocks).items()
        }

    def _content(self, block: int, own: Own) -> Content:
        if own == "nothing":
            return "pinned" if self.holds_pinned(block) else "free"
        return own

    def kernel_memory(self, blocks: Iterable[int]) -> dict[int, tuple[Own, ...]]:
        """What the kernel may have of its own in each of these online blocks."""
        numbers = {self.board.numbers()[block]: block for block in blocks}
        memory = kernel_memory(self.booted, numbers, self.frames_of_block)
        return {numbers[number]: choices for number, choices in memory.items()}
