"""Guests in which plans are made and done: what holds memory there, and what is done to them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from memhp.lab.guest.devices import add_dimm, wait_for_blocks
from memhp.lab.guest.guest import Guest, HoldKind
from memhp.lab.guest.inside import Ran, Standing
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.guest.snapshot import block_states
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import GuestDied, LabError
from memhp.machines.applying.journal import History, history_of
from memhp.machines.applying.planned import PlanError

__all__ = [
    "BLOCK",
    "JOURNAL",
    "MACHINE",
    "ORDER_STARTS",
    "PLAN",
    "STARTS",
    "Bench",
    "Start",
    "drawn_goal",
    "kill",
    "states_in",
    "zones_in",
]

BLOCK = 128 * MIB
PLAN, JOURNAL = "/tmp/it.json", "/tmp/it.journal"
FOLDER = "/sys/devices/system/memory"
_POOL = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"
_LIMIT = 7200.0
"""Seconds that anything may take: this machine may have much else to do."""
_PATIENCE, _CHMEM_PATIENCE = 3, 15
"""Seconds of the guest's that a single write has, and chmem for all blocks: one takes about one."""


MACHINE = GuestMachine(
    nodes=(Node(1792 * MIB, 1), Node()),
    slots=2,
    options=("memhp_default_state=offline",),
    memhp=True,
    programs=("chmem",),
)
"""Node 1 has no memory at boot; DIMMs bring it."""


@dataclass(frozen=True)
class Start:
    """What holds memory: holders by kind, MiB and node; and in which zone node 1 has its blocks."""

    holds: tuple[tuple[HoldKind, int, int], ...]
    online: str = "online_movable"
    huge_pages: int = 0
    thp: str = "always"


STARTS: Mapping[str, Start] = {
    "processes": Start((("anon", 300, 1), ("cache", 100, 1), ("locked", 50, 1))),
    "pins": Start(
        (("anon", 100, 1), ("spliced", 4, 1), ("anon", 200, 1), ("pinned", 4, -1)), thp="never"
    ),
    "full": Start((("locked", 560, 0), ("anon", 500, 1), ("cache", 150, 1))),
    "kernel zone": Start(
        (("anon", 150, 1), ("cache", 100, 1), ("kernel", 2, 1), ("huge", 60, 1)),
        online="online_kernel",
        huge_pages=40,
        thp="never",
    ),
}

ORDER_STARTS: Mapping[str, Start] = {
    "held early": Start((("anon", 20, 1), ("spliced", 2, 1), ("anon", 200, 1)), thp="never"),
    "held late": Start((("anon", 390, 1), ("spliced", 2, 1)), thp="never"),
    "little room": Start((("locked", 1150, 0), ("anon", 250, 1), ("cache", 60, 1)), thp="never"),
}
"""For node 1 with four blocks: memory comes from the lowest first, chmem begins with the last."""


@dataclass
class Bench:
    """A guest of a start, with memhp standing in it, and who holds memory there.

    ``uptime``: seconds of its own from its kernel's first instruction until it answered.
    """

    guest: Guest
    memhp: Standing
    holders: list[int] = field(default_factory=list)
    uptime: float = 0.0

    @classmethod
    @contextmanager
    def of(cls, kernel: Kernel, machine: GuestMachine = MACHINE, dimms: int = 8) -> Iterator[Bench]:
        """A guest whose node 1 has so many blocks, offline, and in which memhp stands."""
        with _booted(kernel, machine) as guest:
            uptime = float(guest.read("/proc/uptime").split()[0])
            before = len(states_in(guest))
            add_dimm(guest, "dimm", 1, dimms * BLOCK)
            wait_for_blocks(guest, before + dimms)
            memhp = Standing(guest, "plan", "--blocks", "3-4", "--json")
            yield cls(guest, memhp, uptime=uptime)

    @property
    def own(self) -> list[int]:
        """The blocks of node 1."""
        listed = self.guest.shell("ls -d /sys/devices/system/node/node1/memory[0-9]*").out.split()
        return sorted(int(path.rpartition("memory")[2]) for path in listed)

    @contextmanager
    def started(self, start: Start) -> Iterator[Bench]:
        """This guest with the holders of a start; afterwards without, node 1 offline if it goes.

        Raises:
            LabError: they cannot hold that, or node 1 is not offline.
        """
        guest = self.guest
        for block in self.own:
            error = guest.write(f"{FOLDER}/memory{block}/state", start.online)
            if error:  # or it did not go after the start before
                raise LabError(f"block {block} does not come online: errno {error}")
        guest.write("/sys/kernel/mm/transparent_hugepage/enabled", start.thp)
        self.hold(start)
        yield self
        self.intact()
        for node in (0, 1):
            guest.write(_POOL.format(node), "0")
        for block in self.own:
            self.try_one(block)

    def hold(self, start: Start) -> None:
        """Have memory held as the start says.

        Raises:
            LabError: it cannot be.
        """
        for node in (0, 1):  # a pool shrinks with a block that goes
            self.guest.write(_POOL.format(node), str(start.huge_pages))
        for kind, mib, node in start.holds:
            error, holder = self.guest.hold(kind, mib * MIB, node=node)
            if error:
                raise LabError(f"{mib} MiB of kind {kind} cannot be held: errno {error}")
            self.holders.append(holder)

    def plan(self, *words: str) -> dict[str, Any]:
        """The document of a plan that is made in the guest.

        Raises:
            LabError: it is not made.
        """
        self.guest.shell(f"rm -f {PLAN} {JOURNAL}")
        ran = self.memhp("plan", *words, f"--reboot={self.uptime}", "--out", PLAN)
        if ran.code not in (0, 1, 3):
            raise LabError(f"memhp plan {' '.join(words)}: {ran}")
        document: dict[str, Any] = json.loads(self.guest.read(PLAN))
        return document

    def apply(self, *words: str, meanwhile: str = "") -> Ran:
        """What comes of doing the plan that was made last."""
        return self.memhp("apply", PLAN, "--yes", "--journal", JOURNAL, *words, meanwhile=meanwhile)

    def take_up(self, how: str, meanwhile: str = "") -> Ran:
        """What comes of `--resume` or `--undo` on the journal."""
        return self.memhp("apply", f"--{how}", JOURNAL, "--yes", meanwhile=meanwhile)

    def history(self) -> History | None:
        """What the journal tells; None if not even its first line was written.

        Raises:
            PlanError: the file is no journal.
        """
        try:
            text = self.guest.read(JOURNAL)
        except FileNotFoundError:
            return None
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            try:
                return history_of(Path(file.name))
            except PlanError:
                if "\n" not in text:
                    return None
                raise

    def seconds(self) -> float:
        """The guest's seconds from the first write of the journal to the end of the last."""
        history = self.history()
        ats = [e.at for e in history.entries if e.block is not None] if history else []
        return ats[-1] - ats[0] if ats else 0.0

    def intact(self) -> bool:
        """End all holders: whether each found its memory as it had left it."""
        found = [self.guest.release(holder) for holder in self.holders]
        self.holders.clear()
        return not any(found)

    def chmem(self, *words: str) -> set[int]:
        """Which blocks `chmem -d` took offline, within its time."""
        before = states_in(self.guest)
        command = f"busybox timeout -s INT {_CHMEM_PATIENCE} chmem -d {' '.join(words)}"
        self.guest.shell(f"{command} >/dev/null 2>&1")
        return _went(before, states_in(self.guest))

    def try_one(self, block: int) -> bool:
        """Whether a block goes offline when it is asked to."""
        path = f"{FOLDER}/memory{block}/state"
        return self.guest.write(path, "offline", patience=_PATIENCE) == 0

    def ended_by_the_kernel(self) -> int:
        """How many processes the kernel has ended for want of memory."""
        return int(self.guest.shell("grep '^oom_kill ' /proc/vmstat").out.split()[1])

    def as_it_was(self, states: Mapping[int, str], zones: Mapping[int, str]) -> None:
        """Bring back online what is not as it was.

        Raises:
            LabError: a block does not come back.
        """
        for block in sorted(_went(states, states_in(self.guest))):
            word = "online_movable" if zones[block] == "Movable" else "online_kernel"
            if error := self.guest.write(f"{FOLDER}/memory{block}/state", word):
                raise LabError(f"block {block} does not come back: errno {error}")


def _booted(kernel: Kernel, machine: GuestMachine) -> Guest:
    """A guest; once more if it died at boot."""

    def boot() -> Guest:
        return Guest.boot(kernel, machine, limit=_LIMIT, command_limit=_LIMIT, accel="counted")

    try:
        return boot()
    except GuestDied:
        return boot()


def states_in(guest: Guest) -> dict[int, str]:
    """The state of each block."""
    return block_states(guest)


def zones_in(guest: Guest) -> dict[int, str]:
    """The zone of each block that is online in one."""
    listed = guest.shell(f"cd {FOLDER}; grep . memory[0-9]*/valid_zones").out.splitlines()
    pairs = (line.removeprefix("memory").split("/valid_zones:") for line in listed)
    return {int(block): told.split()[0] for block, told in pairs if told.strip()}


def _went(before: Mapping[int, str], after: Mapping[int, str]) -> set[int]:
    return {block for block, state in before.items() if state == "online" != after.get(block)}


def kill(bench: Bench, delay: int, *, back: bool) -> dict[str, Any]:
    """What came of one kill of the plan that was made last.

    Args:
        bench: the guest.
        delay: microseconds from its begin.
        back: take it back then, else go on.
    """
    steps = [step["block"] for step in json.loads(bench.guest.read(PLAN))["steps"]]
    bench.guest.shell(f"rm -f {JOURNAL}")
    before = states_in(bench.guest)
    ran = bench.apply(meanwhile=f"usleep {delay}; kill -9 $pid 2>/dev/null")
    history = bench.history()
    record: dict[str, Any] = {"goal": "kill", "delay": delay, "code": ran.code, "back": back}
    if history is None:
        return {**record, "described": states_in(bench.guest) == before, "ended": True}
    doubt = history.doubt.block if history.doubt else None
    states = states_in(bench.guest)
    record["doubt"] = doubt
    record["described"] = all(
        (states[block] == "offline") == (block in history.offline)
        for block in steps
        if block != doubt
    )
    ran = bench.take_up("undo" if back else "resume")
    after = states_in(bench.guest)
    wanted = before if back else {**before, **dict.fromkeys(steps, "offline")}
    told = [] if ran.code == 0 else (ran.out + ran.err).splitlines()[-4:]
    return {**record, "ended": ran.code == 0 and after == wanted, "told": told}


def drawn_goal(draw: Random, blocks: Sequence[int], others: Sequence[int]) -> list[str]:
    """The words of a goal.

    Args:
        draw: what is drawn from.
        blocks: those of node 1.
        others: all others.
    """
    size = draw.randint(1, len(blocks) + 2) * 128
    first = draw.choice(blocks)
    last = min(first + draw.randint(0, 4), blocks[-1])
    kept = sorted(draw.sample(blocks, len(blocks) // 2))
    kinds: list[Callable[[], list[str]]] = [
        lambda: [f"{size}MiB"],
        lambda: [f"{min(size, 128 * len(blocks))}MiB", "--node", "1"],
        lambda: ["--node", "1"],
        lambda: ["--blocks", f"{first}-{last}"],
        lambda: ["--blocks", str(draw.choice(others))],
        lambda: [f"{size}MiB", "--keep", ",".join(map(str, kept))],
        lambda: ["--blocks", f"{first}-{last}", "--to", "0"],
    ]
    return draw.choice(kinds)()
