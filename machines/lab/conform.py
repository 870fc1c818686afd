"""A kernel held against the reference: the same operations, answer by answer.

The guest has node 0 with boot memory, and DIMMs that may come to node 1.  After each
operation everything that sysfs tells is compared with the reference: the errno, which
blocks there are, each state, the zone of an online block, the default zone of an offline
one, and the lists of nodes.

What the kernel keeps in a block of the kernel zone cannot be seen.  So such an operation is
asked in every *world*: the reference as it is, with kernel memory in those blocks, and
without.  Where all worlds agree, the answer is *determined* and must be the kernel's;
otherwise the kernel's must be that of some world (*allowed*), and the reference follows it.
No rule is stated here.

Sources: drivers/base/memory.c (state_store, valid_zones_show), drivers/base/core.c
(online_store), drivers/base/node.c (node lists), drivers/acpi/scan.c (ejection).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from errno import EBUSY, ENODEV, ENOENT, errorcode
from itertools import product

from memhp.machines.lab.devices import eject_dimm
from memhp.machines.lab.errors import GuestSilent, LabError
from memhp.machines.lab.guest import CONSOLE_LINES, Guest
from memhp.machines.lab.kernels import Kernel
from memhp.machines.lab.layout import MIB, Layout, Node
from memhp.machines.procfs import system_ram
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.reference.target import Observation
from memhp.reference.topology import Topology, Value
from memhp.spec.language.system import System

__all__ = ["Disagreement", "KernelTarget", "Report", "arrangement", "random_operation", "walk"]

BLOCK = 128 * MIB
"""The block size of a small x86-64 guest: one section."""

BOOT_BLOCKS = 4
DIMMS = 2
BLOCKS_OF_DIMM = 2
ADDED_NODE = 1
FIRST_DIMM = 4096 * MIB
"""Where QEMU's room for DIMMs begins if no boot memory lies above 4 GiB."""

WORDS = ("online", "online_kernel", "online_movable", "offline", "nonsense", "online\n")
TEXTS = ("1", "0", "y", "n", "on", "off", "2", "maybe")

_INSERTION = (0, 1)
"""The sources of an _OST that answers an insertion (ACPI specification, 6.3.5)."""
_NOT_FINAL = (0x80, 0x84)
_MEMORY = "/sys/devices/system/memory"
_NODE = "/sys/devices/system/node"
_KINDS = {"DMA": "kernel", "DMA32": "kernel", "Normal": "kernel", "Movable": "movable"}
_LOOK = (
    f"cd {_MEMORY}; for b in memory[0-9]*; do"
    " echo $b $(cat $b/state) $(cat $b/valid_zones); done;"
    f" cd {_NODE}; echo node_online $(cat online); echo has_memory $(cat has_memory)"
)

Operation = tuple[str, tuple[Value, ...]]


def layout() -> Layout:
    """The guest: boot memory on node 0, slots for the DIMMs, and nothing onlined by itself."""
    return Layout(
        nodes=(Node(memory=BOOT_BLOCKS * BLOCK, cpus=1), Node()),
        slots=DIMMS,
        options=("memhp_default_state=offline",),
    )


def arrangement(
    system: System,
    holes: frozenset[int] = frozenset(),
    multizone: frozenset[int] = frozenset([0]),
) -> Topology:
    """The same machine for the reference: device 0 is the boot memory, the others DIMMs.

    A frame stands for all of its block: it is a hole if the block has one.  The nodes'
    structures and the mem_maps of the DIMMs are taken to be in boot memory, as they are on
    x86 (the axiom `pgdat_is_on_its_own_node` asks for more than that kernel does).

    Parameters: the boot blocks with holes, and those that span several zones.
    """
    added = range(BOOT_BLOCKS, BOOT_BLOCKS + DIMMS * BLOCKS_OF_DIMM)
    blocks = range(added.stop)
    device_of = [0 if b in range(BOOT_BLOCKS) else _dimm_of(b) for b in blocks]
    return Shape(
        nodes=2,
        totals=(len(blocks),) * 3,
        added=frozenset(added),
        multizone=multizone,
        holes=holes,
        more=(("MemoryDevice", DIMMS + 1),),
        tables=(
            ("node_of", tuple(int(b in added) for b in blocks)),
            ("in_range", tuple(int(device_of[b] == m) for m in range(DIMMS + 1) for b in blocks)),
            ("memmap_host", tuple(0 if b in added else b for b in blocks)),
            ("pgdat_section", (0, 0)),
        ),
    ).build(system)


def _dimm_of(block: int) -> int:
    return 1 + (block - BOOT_BLOCKS) // BLOCKS_OF_DIMM


def _numbers() -> list[int]:
    """The guest's number of each block of the reference, in ascending order."""
    return [*range(BOOT_BLOCKS)] + [
        FIRST_DIMM // BLOCK + at for at in range(DIMMS * BLOCKS_OF_DIMM)
    ]


class KernelTarget:
    """A kernel in a guest as a `Target`: a reset boots.  Use it as a context manager."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.guest: Guest | None = None

    def __enter__(self) -> KernelTarget:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the guest."""
        if self.guest is not None:
            self.guest.close()
            self.guest = None

    def reset(self, topology: Topology) -> None:
        """Boot.  Raises LabError for another machine than `arrangement`."""
        if topology.sizes["Block"] != len(_numbers()):
            raise LabError("a kernel boots the machine of `arrangement` alone")
        self.close()
        self.guest = Guest.boot(self.kernel, layout())

    @property
    def _booted(self) -> Guest:
        if self.guest is None:
            raise LabError("the guest is not booted: call `reset` first")
        return self.guest

    def do(self, operation: str, *params: Value) -> int | None:
        """Do it.  Raises ValueError for an operation that a kernel cannot be asked."""
        number = int(params[0])
        if operation == "write_state":
            return self._write(number, "state", str(params[1]))
        if operation == "write_online":
            return self._write(number, "online", str(params[1]))
        if operation == "add_device":
            return self._add(number)
        if operation == "eject_device":
            return None if eject_dimm(self._booted, f"dimm{number}").gone else EBUSY
        raise ValueError(f"a kernel cannot be asked for {operation!r}")

    def _write(self, block: int, name: str, text: str) -> int | None:
        errno = self._booted.write(f"{_MEMORY}/memory{_numbers()[block]}/{name}", text)
        return ENODEV if errno == ENOENT else errno or None

    def _add(self, device: int) -> int | None:
        """Plug the DIMM at its place, and wait for what the guest tells the firmware."""
        guest, name, size = self._booted, f"dimm{device}", BLOCKS_OF_DIMM * BLOCK
        guest.events()
        guest.qmp("object-add", qom_type="memory-backend-ram", id=f"{name}-ram", size=size)
        guest.qmp(
            "device_add",
            driver="pc-dimm",
            id=name,
            memdev=f"{name}-ram",
            node=ADDED_NODE,
            addr=FIRST_DIMM + (device - 1) * size,
        )
        deadline = time.monotonic() + guest.command_limit
        while (left := deadline - time.monotonic()) > 0:
            for event in guest.events(wait=left):
                info = event.get("data", {}).get("info", {})
                about = event["event"] == "ACPI_DEVICE_OST" and info.get("device") == name
                if about and info["source"] in _INSERTION and info["status"] not in _NOT_FINAL:
                    return EBUSY if info["status"] else None
        raise GuestSilent(f"{name} was not taken", guest.console(CONSOLE_LINES))

    def arranged(self, system: System) -> Topology:
        """The `arrangement` with what only a booted guest tells: holes, and blocks of no zone."""
        ranges = system_ram(self._booted.read("/proc/iomem")) or ()
        full = {
            block
            for block in range(BOOT_BLOCKS)
            if any(r.start <= block * BLOCK and (block + 1) * BLOCK <= r.stop for r in ranges)
        }
        zones = self.observe()["zone"]
        several = [block for block in range(BOOT_BLOCKS) if zones[block] == "none"]
        return arrangement(system, frozenset(range(BOOT_BLOCKS)) - full, frozenset(several))

    def observe(self) -> Observation:
        """What sysfs tells, in the words of `expected`."""
        return read_listing(self._booted.shell(_LOOK).out)


def read_listing(text: str) -> Observation:
    """What the guest listed: a line a block, and the two lists of nodes.

    >>> seen = read_listing("memory33 offline Normal Movable\\nnode_online 0\\nhas_memory 0")
    >>> seen["block_state"][5], seen["default_zone"][5], seen["node_online"]
    ('offline', 'kernel', (True, False))
    """
    place = {number: block for block, number in enumerate(_numbers())}
    count = len(place)
    there = [False] * count
    states: list[str | None] = [None] * count
    zones: list[str | None] = [None] * count
    defaults: list[str | None] = [None] * count
    nodes: dict[str, tuple[bool, ...]] = {}
    for line in text.splitlines():
        name, *words = line.split()
        if found := re.fullmatch(r"memory(\d+)", name):
            block = place[int(found[1])]
            there[block], states[block] = True, words[0]
            told = _KINDS.get(words[1], "none")
            (zones if words[0] == "online" else defaults)[block] = told
        else:
            nodes[name] = _listed(words)
    return {
        "block_device": there,
        "block_state": states,
        "zone": zones,
        "default_zone": defaults,
        **nodes,
    }


def _listed(words: Sequence[str]) -> tuple[bool, ...]:
    """Which of the two nodes a list such as `0-1` names."""
    listed: set[int] = set()
    for part in ",".join(words).split(","):
        first, _, last = part.partition("-")
        if first:
            listed |= set(range(int(first), int(last or first) + 1))
    return tuple(node in listed for node in range(2))


def expected(machine: Machine) -> Observation:
    """What sysfs would tell of the reference's state; None where it tells nothing."""
    blocks = range(machine.topology.sizes["Block"])
    there = [bool(machine.get("block_device", b)) for b in blocks]
    states = [machine.get("block_state", b) if there[b] else None for b in blocks]
    return {
        "block_device": there,
        "block_state": states,
        "zone": [machine.get("zone", b) if states[b] == "online" else None for b in blocks],
        "default_zone": [
            machine.evaluate("default_zone", b) if states[b] == "offline" else None for b in blocks
        ],
        "node_online": tuple(machine.get("node_online", n) for n in range(2)),
        "has_memory": tuple(machine.get("has_memory", n) for n in range(2)),
    }


def differences(wanted: Observation, seen: Observation) -> list[str]:
    """Where the two differ, in words.

    >>> differences({"zone": ("kernel", None)}, {"zone": ("movable", None)})
    ['zone of 0: kernel expected, movable seen']
    """
    return [
        f"{name} of {at}: {want} expected, {got} seen"
        for name in wanted
        for at, (want, got) in enumerate(zip(wanted[name], seen[name], strict=True))
        if want != got
    ]


@dataclass(frozen=True)
class Disagreement:
    """A step on which the kernel and every world of the reference differ."""

    step: int
    operation: Operation
    kernel: int | None
    reference: tuple[int | None, ...]
    differs: tuple[str, ...]
    console: tuple[str, ...]

    def __str__(self) -> str:
        name, params = self.operation
        answers = " or ".join(_said(errno) for errno in self.reference)
        lines = [f"step {self.step}: {name}({', '.join(map(repr, params))})"]
        lines += [f"  the kernel: {_said(self.kernel)}; the reference: {answers}"]
        lines += [f"  {line}" for line in (*self.differs, *self.console)]
        return "\n".join(lines)


def _said(errno: int | None) -> str:
    return "ok" if errno is None else errorcode.get(errno, str(errno))


@dataclass
class Report:
    """How a walk went: steps whose answer was determined, only allowed, and disagreements."""

    determined: int = 0
    allowed: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"{self.determined} determined, {self.allowed} allowed"
        return "\n".join(
            [f"{counts}, {len(self.disagreements)} disagreed", *map(str, self.disagreements)]
        )


def random_operation(machine: Machine, choose: random.Random) -> Operation:
    """An operation on something that is there, or a DIMM that comes or goes."""
    blocks = [b for b in range(machine.topology.sizes["Block"]) if machine.get("block_device", b)]
    kind = choose.random()
    if kind < 0.2:
        device = choose.randrange(1, DIMMS + 1)
        return ("eject_device" if machine.get("inserted", device) else "add_device", (device,))
    added = [block for block in blocks if block >= BOOT_BLOCKS]
    block = choose.choice(added if added and choose.random() < 0.85 else blocks)
    if kind < 0.8:
        return "write_state", (block, choose.choice(WORDS))
    return "write_online", (block, choose.choice(TEXTS))


def walk(target: KernelTarget, system: System, steps: int, seed: int) -> Report:
    """Random operations, each compared; after a disagreement the reference begins anew.

    Raises:
        GuestDied, GuestSilent: the guest ended or hangs; both carry its console.
    """
    choose, report = random.Random(seed), Report()
    target.reset(arrangement(system))
    fresh = Machine(system, target.arranged(system))
    machine = started_from(fresh, target.observe())
    for step in range(steps):
        operation, params = random_operation(machine, choose)
        worlds = [
            (world, getattr(Operations(world), operation)(*params).errno)
            for world in _worlds(machine, operation, int(params[0]))
        ]
        answer = target.do(operation, *params)
        seen = target.observe()
        outcomes = [(errno, expected(world)) for world, errno in worlds]
        fits = [
            world
            for (world, errno), (_, wanted) in zip(worlds, outcomes, strict=True)
            if errno == answer and not differences(wanted, seen)
        ]
        if not fits:
            answers = tuple(dict.fromkeys(errno for errno, _ in outcomes))
            closest = next((wanted for errno, wanted in outcomes if errno == answer), None)
            differs = differences(closest or outcomes[0][1], seen)
            console = target._booted.console(8)
            report.disagreements.append(
                Disagreement(step, (operation, params), answer, answers, tuple(differs), console)
            )
            try:
                machine = started_from(fresh, seen)
            except LabError:
                target.reset(fresh.topology)
                machine = started_from(fresh, target.observe())
            continue
        machine = fits[0]
        if all(outcome == outcomes[0] for outcome in outcomes):
            report.determined += 1
        else:
            report.allowed += 1
    return report


def _worlds(machine: Machine, operation: str, subject: int) -> Iterator[Machine]:
    """The reference as it is, then with and without kernel memory where that cannot be seen."""
    device = operation in ("add_device", "eject_device")
    blocks = range(machine.topology.sizes["Block"])
    asked = [b for b in blocks if (b >= BOOT_BLOCKS and _dimm_of(b) == subject)] if device else []
    asked = asked if device else [subject]
    yield machine.copy()
    for steps in product(("", "alloc_kernel", "free_kernel"), repeat=len(asked)):
        world = machine.copy()
        taken = [
            bool(world.step(step, frame)) for step, frame in zip(steps, asked, strict=True) if step
        ]
        if taken and all(taken):
            yield world


def started_from(fresh: Machine, seen: Observation) -> Machine:
    """The reference, led from boot to what the guest shows.

    Raises:
        LabError: no operations lead there: the message names what differs.
    """
    machine = fresh.copy()
    user = Operations(machine)
    if not seen["node_online"][ADDED_NODE]:
        machine.step("set_node_offline", ADDED_NODE)
        machine.step("free_pgdat", ADDED_NODE)
    for block, there in enumerate(seen["block_device"]):
        if there and not machine.get("block_device", block):
            user.add_device(_dimm_of(block))
    states: Mapping[int, Value | None] = dict(enumerate(seen["block_state"]))
    for block, state in states.items():
        if state == "offline" and machine.get("block_state", block) == "online":
            user.write_state(block, "offline")
        if state == "online" and seen["zone"][block] != machine.get("zone", block):
            user.write_state(block, "offline")
            user.write_state(block, f"online_{seen['zone'][block]}")
    left = differences(expected(machine), seen)
    if left:
        raise LabError(f"the reference cannot be led to what the guest shows: {'; '.join(left)}")
    return machine
