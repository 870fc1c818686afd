"""What memhp says inside real kernels of each block, against what happens when it is tried.

Guests of each kernel here, with page cache and slabs, with memory of processes, with pins, and
with DIMMs.  Who holds what is known: so what is found held and pinned is counted as well.

What each guest showed is kept, a line a guest, and not measured again as long as the code that
judges is the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from memhp.checks.support.store import code_digest
from memhp.lab.guest.devices import add_dimm, wait_for_blocks
from memhp.lab.guest.guest import Guest, HoldKind
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.kernels.kernel import STOCK, Kernel, load
from memhp.lab.records.judged import JudgedBlock, judged_blocks
from memhp.lab.tools.errors import GuestDied, LabError

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kept import keep, kept

__all__ = ["WORKLOADS", "Workload", "measured"]

PATIENCE = 60
"""Seconds: many times what the pages of a block take to move, without KVM."""
LIMIT = 3600.0
PAGES = MIB >> 12


@dataclass(frozen=True)
class Workload:
    """A machine, what is done in it, and how many frames of which kind that must show at least."""

    machine: GuestMachine
    prepare: Callable[[Guest], None]
    shows: Mapping[str, int]


def hold(guest: Guest, *pieces: tuple[HoldKind, int]) -> None:
    """Hold pieces of memory, in MiB, one after the other."""
    for kind, mib in pieces:
        error, _ = guest.hold(kind, mib * MIB)
        if error:
            raise LabError(f"the guest cannot hold {mib} MiB of kind {kind} (errno {error})")


def files(guest: Guest) -> None:
    for number in range(3):
        hold(guest, ("cache", 290))
        guest.shell(f"mkdir /tmp/{number}; for i in $(seq 4000); do : > /tmp/{number}/$i; done")


def processes(guest: Guest) -> None:
    guest.write("/proc/sys/vm/nr_hugepages", "100")
    hold(guest, ("anon", 300), ("spliced", 20), ("huge", 100), ("kernel", 10), ("locked", 300))


def pins(guest: Guest) -> None:
    guest.write("/sys/kernel/mm/transparent_hugepage/enabled", "never")
    hold(guest, ("anon", 300), ("pinned", 8), ("cache", 200), ("spliced", 20), ("pinned", 4))


def large_pins(guest: Guest) -> None:
    guest.write("/sys/kernel/mm/transparent_hugepage/enabled", "always")
    hold(guest, ("anon", 300), ("pinned", 8), ("cache", 200), ("spliced", 20), ("pinned", 4))


def dimms(guest: Guest) -> None:
    add_dimm(guest, "kernel", 0, 256 * MIB)
    online(guest, 26, "online_kernel")
    add_dimm(guest, "movable", 0, 512 * MIB)
    online(guest, 30, "online_movable")
    hold(guest, ("anon", 600), ("spliced", 20), ("kernel", 10), ("anon", 600))


def online(guest: Guest, blocks: int, word: str) -> None:
    """Wait until the guest has so many blocks, and bring those online that are not."""
    for block, state in wait_for_blocks(guest, blocks).items():
        if state == "offline":
            guest.write(f"/sys/devices/system/memory/memory{block}/state", word)


PLAIN = GuestMachine(nodes=(Node(3072 * MIB, 2),), memhp=True)
NODES = GuestMachine(nodes=(Node(2048 * MIB, 1), Node(1024 * MIB, 1)), memhp=True)
SLOTS = GuestMachine(
    nodes=(Node(3072 * MIB, 2),),
    slots=2,
    options=("memhp_default_state=offline", "memory_hotplug.memmap_on_memory=1"),
    memhp=True,
)

WORKLOADS: Mapping[str, Workload] = {
    "files": Workload(NODES, files, {"kernel": 1}),
    "processes": Workload(PLAIN, processes, {"held": 16, "huge": 50 * 512}),
    "pins": Workload(PLAIN, pins, {"pinned": 12 * PAGES, "held": 16}),
    "large pins": Workload(PLAIN, large_pins, {"pinned": 12 * PAGES, "held": 16}),
    "dimms": Workload(SLOTS, dimms, {"held": 16}),
}


def measured(kernel: Kernel, name: str) -> list[JudgedBlock]:
    """Each block of a fresh guest, judged and tried."""
    workload = WORKLOADS[name]
    with booted(kernel, workload.machine) as guest:
        workload.prepare(guest)
        blocks = judged_blocks(guest, patience=PATIENCE, limit=LIMIT)
        if any(each.agrees is False for each in blocks):
            for line in guest.console()[-40:]:
                print(f"    console: {line}")
        return blocks


def booted(kernel: Kernel, machine: GuestMachine) -> Guest:
    """A guest; once more if it died at boot, as one in some dozens does without KVM."""
    try:
        return Guest.boot(kernel, machine, command_limit=600)
    except GuestDied:
        return Guest.boot(kernel, machine, command_limit=600)


def main() -> int:
    """Measure, and print a row for each guest; returns 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    own = [name for name, kernel in STOCK.items() if kernel.arch == os.uname().machine]
    parser.add_argument("--kernel", choices=own, action="append")
    parser.add_argument("--workload", choices=list(WORKLOADS), action="append")
    parser.add_argument("--results", type=Path, default=Path("build/why.jsonl"))
    args = parser.parse_args()
    code = code_digest(*_DECISIVE)
    total: Counter[str] = Counter()
    for kernel in args.kernel or own:
        for name in args.workload or WORKLOADS:
            asked = {"kernel": kernel, "workload": name, "code": code}
            blocks = _found(args.results, asked)
            if blocks is None:
                blocks = measured(load(kernel), name)
                keep(args.results, {**asked, "blocks": [asdict(block) for block in blocks]})
            total += row(f"{kernel} {name}", blocks, WORKLOADS[name].shows)
    blocks_, open_ = total["blocks"], total["cannot tell"]
    print(f"{blocks_} blocks: {total['wrong']} wrong, {open_} cannot tell", end=" ")
    print(f"({100 * open_ / max(1, blocks_):.2f} %), {total['not shown']} guests show too little")
    return 1 if total["wrong"] or total["not shown"] else 0


_DECISIVE = ("spec/**/*.py", "reference/*.py", "machines/[jr]*/*.py", "lab/records/*.py")
"""The code that says what is said of a block: that of judging and reading, and what it asks."""


def _found(path: Path, asked: Mapping[str, str]) -> list[JudgedBlock] | None:
    """What was found when the same was asked of the same code; None if it was not."""
    for entry in kept(path):
        if asked.items() <= entry.items():
            return [JudgedBlock(**{**each, "notes": (*each["notes"],)}) for each in entry["blocks"]]
    return None


def row(name: str, blocks: list[JudgedBlock], shows: Mapping[str, int]) -> Counter[str]:
    """Print what was found in a guest; returns it as counts."""
    counts = Counter(each.verdict for each in blocks)
    kinds: Counter[str] = Counter()
    for each in blocks:
        kinds.update(each.kinds)
    counts["wrong"] = sum(each.agrees is False for each in blocks)
    counts["blocks"] = len(blocks)
    counts["not shown"] = int(any(kinds[kind] < least for kind, least in shows.items()))
    seen = ", ".join(f"{kind} {kinds[kind]}" for kind in ("held", "pinned", *shows) if kinds[kind])
    print(f"{name}: {len(blocks)} blocks, yes {counts['yes']}, no {counts['no']},", end=" ")
    print(f"cannot tell {counts['cannot tell']}, wrong {counts['wrong']}; {seen}", flush=True)
    for each in blocks:
        if each.agrees is not True:
            print(f"  block {each.number} {each.verdict}, {each.outcome}: {each.why} {each.kinds}")
    for note in sorted({note for each in blocks for note in each.notes}):
        print(f"  note: {note}", flush=True)
    return counts


if __name__ == "__main__":
    sys.exit(main())
