"""`memhp lab`: guests with real kernels, on QEMU."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units

from . import conform
from .arguments import number_of_bytes, number_of_seconds
from .files import fail, write_file
from .kernel_target import can_be_written
from .names import choose
from .output.streams import UsageError

if TYPE_CHECKING:
    from memhp.lab.guest.guest import Guest
    from memhp.lab.guest.machine import GuestMachine
    from memhp.lab.kernels.kernel import Kernel

_EPILOG = """examples:
  memhp lab list                        the kernels that are known, and those that are here
  memhp lab fetch x86_64-6.1            one of them, through apt, into the cache
  memhp lab boot x86_64-6.1             boot it; its version, blocks and nodes
  memhp lab boot x86_64-6.12 --node 512MiB,1 --node 256MiB --snapshot guest.tar
  memhp lab boot x86_64-6.12 --node 512MiB,1 --node 256MiB --node 0 --slots 2 --distance 0,1,30
  memhp lab boot x86_64-6.12 --node 512MiB,1 --node 0 --virtio-mem 1,1GiB,256MiB
  memhp lab boot x86_64-6.12 --node 512MiB,1 --node 0 --dimm 1,256MiB \
      --run 'echo offline > /sys/devices/system/memory/memory32/state; echo $?'
  memhp lab boot --kernel vmlinuz --option movable_node
  memhp lab record                      try every block of the guests of tests/data, anew
  memhp lab conform                     hold all that are here against the reference

Node 0 has memory and a CPU; then come nodes with CPUs, those with memory alone, and at most one
with neither (--node 0), to which slots or a virtio-mem device may bring memory.
Needs qemu-system-x86, busybox-static and a C compiler; for ppc64le qemu-system-ppc and
gcc-powerpc64le-linux-gnu, likewise for aarch64 (qemu-system-arm) and s390x, whose guests have
one node and no devices.  Nothing is installed.  Kernels and what is built are kept in
MEMHP_LAB_CACHE, or else in memhp/lab of the user's cache.
"""
_LIMIT = 300.0


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "lab",
        help="guests on QEMU with Debian's kernels",
        description="Brings Debian's kernels and boots them in guests on QEMU.",
        epilog=_EPILOG,
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(parts)
    _add_fetch(parts)
    _add_boot(parts)
    _add_record(parts)
    conform.add_parser(parts, _guarded)


def _add_list(parts: Any) -> None:
    listing = parts.add_parser("list", help="the kernels that are known, and those that are here")
    listing.add_argument("--json", action="store_true", help="machine-readable output")
    listing.set_defaults(run=_guarded(_list))


def _add_fetch(parts: Any) -> None:
    fetching = parts.add_parser("fetch", help="bring kernels into the cache, through apt")
    fetching.add_argument(
        "names", nargs="*", metavar="NAME", help="default: those of this machine's architecture"
    )
    fetching.add_argument(
        "--selftest", action="store_true", help="their own tests of memory hotplug (140 MB each)"
    )
    fetching.set_defaults(run=_guarded(_fetch))


def _add_boot(parts: Any) -> None:
    booting = parts.add_parser("boot", help="boot a guest and say what it has")
    booting.add_argument("name", nargs="?", metavar="NAME", help="a kernel of `memhp lab list`")
    booting.add_argument("--kernel", type=Path, metavar="PATH", help="a kernel image of your own")
    booting.add_argument(
        "--modules", type=Path, metavar="FOLDER", help="those of that image, if not built in"
    )
    _add_machine(booting)
    booting.add_argument(
        "--run",
        dest="shell",
        action="append",
        default=[],
        metavar="COMMAND",
        help="for the guest's shell, after that and before --snapshot; what it says is shown",
    )
    booting.add_argument(
        "--option", action="append", default=[], metavar="WORD", help="for the kernel"
    )
    booting.add_argument(
        "--limit",
        type=number_of_seconds,
        default=_LIMIT,
        metavar="SECONDS",
        help=f"default: {_LIMIT:g}",
    )
    booting.add_argument("--kvm", action="store_true", help="use KVM if a probe shows it works")
    booting.add_argument(
        "--snapshot", type=Path, metavar="FILE", help="write a tar for `memhp inspect`"
    )
    booting.set_defaults(run=_guarded(_boot))


def _add_machine(booting: argparse.ArgumentParser) -> None:
    """Add the options that say what the guest's machine is made of."""
    booting.add_argument(
        "--node",
        action="append",
        type=_node,
        metavar="SIZE[,CPUS]",
        help="a node; repeat for more (default: one of 512MiB with 1 CPU)",
    )
    booting.add_argument(
        "--distance",
        action="append",
        default=[],
        type=_distance,
        metavar="FROM,TO,N",
        help="between two nodes, each way on its own (default: 20)",
    )
    booting.add_argument(
        "--slots", type=int, default=0, metavar="N", help="DIMMs that may be added (default: 0)"
    )
    booting.add_argument(
        "--virtio-mem",
        action="append",
        default=[],
        type=_virtio_mem,
        metavar="NODE,SIZE[,PLUGGED]",
        help="a virtio-mem device, of which so much is plugged (default: 0)",
    )
    booting.add_argument(
        "--dimm",
        action="append",
        default=[],
        type=_dimm,
        metavar="NODE,SIZE",
        help="a DIMM that is plugged once the guest runs; each takes a slot",
    )


def _add_record(parts: Any) -> None:
    recording = parts.add_parser(
        "record", help="boot guests, try to take each of their blocks offline, and keep that"
    )
    recording.add_argument(
        "names", nargs="*", metavar="NAME", help="default: all; a wrong name lists them"
    )
    recording.add_argument(
        "--into",
        type=Path,
        default=Path("tests/data"),
        metavar="FOLDER",
        help="default: tests/data",
    )
    recording.set_defaults(run=_guarded(_record))


def _node(text: str) -> tuple[int, int]:
    """An argument such as 512MiB,1; argparse says so when it is none."""
    size, _, cpus = text.partition(",")
    if cpus and not re.fullmatch("[0-9]{1,3}", cpus):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a size and a number of CPUs")
    return (0 if size == "0" else number_of_bytes(size), int(cpus or "0"))


def _distance(text: str) -> tuple[int, int, int]:
    """An argument such as 0,1,30; argparse says so when it is none."""
    match = re.fullmatch(r"([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not two nodes and their distance")
    return (int(match[1]), int(match[2]), int(match[3]))


def _dimm(text: str) -> tuple[int, int]:
    """An argument such as 1,256MiB; argparse says so when it is none."""
    node, _, size = text.partition(",")
    if not re.fullmatch("[0-9]{1,3}", node) or not size:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a node and a size")
    return (int(node), number_of_bytes(size))


def _virtio_mem(text: str) -> tuple[int, int, int]:
    """An argument such as 1,1GiB,256MiB; argparse says so when it is none."""
    node, _, sizes = text.partition(",")
    size, _, plugged = sizes.partition(",")
    if not re.fullmatch("[0-9]{1,3}", node) or not size:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a node and a size")
    return (int(node), number_of_bytes(size), number_of_bytes(plugged) if plugged else 0)


def _guarded(part: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Say what is missing (exit 2), or how a guest failed (exit 3), without a traceback."""

    def run(args: argparse.Namespace) -> int:
        from memhp.lab.tools.errors import GuestDied, GuestSilent, LabError

        try:
            return part(args)
        except (GuestDied, GuestSilent) as error:
            print(f"memhp lab: {error}", file=sys.stderr)
            return 3
        except (LabError, UsageError, OSError) as error:
            return fail("lab", error)

    return run


def _list(args: argparse.Namespace) -> int:
    from memhp.lab.kernels.kernel import STOCK, load

    kernels = {name: load(name) for name in STOCK}
    if args.json:
        listed: list[dict[str, str | None]] = [
            {
                "name": name,
                "architecture": stock.arch,
                "release": stock.release,
                "version": kernel.version if (kernel := kernels[name]) else None,
            }
            for name, stock in STOCK.items()
        ]
        print(json.dumps({"schema": "memhp-lab/1", "kernels": listed}, indent=1))
        return 0
    for name, stock in STOCK.items():
        kernel = kernels[name]
        here = "not here" if kernel is None else f"{kernel.version}"
        print(f"{name:16} {stock.release:9} {here}")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from memhp.lab.kernels.kernel import STOCK
    from memhp.lab.kernels.packages import fetch
    from memhp.lab.kernels.selftest import fetch_selftest

    arch = os.uname().machine
    for name in args.names or [each.name for each in STOCK.values() if each.arch == arch]:
        what = fetch_selftest(name) if args.selftest else fetch(name).version
        print(f"{name}: {what}", flush=True)
    return 0


def _boot(args: argparse.Namespace) -> int:
    from memhp.lab.guest.guest import Guest
    from memhp.lab.guest.probe import usable_accelerator
    from memhp.lab.guest.snapshot import snapshot
    from memhp.lab.tools.errors import printable

    if args.snapshot is not None:
        can_be_written("--snapshot", args.snapshot)
    kernel, machine = _kernel(args), _machine(args)
    accel = usable_accelerator(kernel) if args.kvm else "tcg"
    if args.kvm:
        print(f"accelerator: {accel}")
    with Guest.boot(kernel, machine, limit=args.limit, accel=accel) as guest:
        _plug(guest, args.dimm)
        _show(guest)
        status = 0
        for command in args.shell:
            reply = guest.shell(command)
            print(f"$ {command}\n{printable(reply.out)}", end="")
            status = status or reply.rc
        if args.snapshot is not None:
            write_file(args.snapshot, snapshot(guest))
            print(f"written: {args.snapshot}")
    return 1 if status else 0


def _plug(guest: Guest, dimms: Iterable[tuple[int, int]]) -> None:
    """Plug the DIMMs, and wait until their blocks are there."""
    from memhp.lab.guest.devices import add_dimm, wait_for_blocks
    from memhp.lab.guest.snapshot import block_states, page_sizes

    for number, (node, size) in enumerate(dimms):
        wanted = len(block_states(guest)) + size // page_sizes(guest)[1]
        add_dimm(guest, f"dimm{number}", node, size)
        wait_for_blocks(guest, wanted)


def _record(args: argparse.Namespace) -> int:
    from collections import Counter

    from memhp.lab.records.recordings import RECORDINGS, record
    from memhp.machines.reading.sysfs import read_machine

    if not args.into.is_dir():
        raise UsageError(f"{args.into} is no folder; --into names the one to write to")
    for name in args.names or RECORDINGS:
        recording = RECORDINGS[choose("recording", name, RECORDINGS)]
        path = args.into / f"{name}.tar.gz"
        write_file(path, record(recording, _stock(recording.kernel)))
        ends = Counter((read_machine(path).outcomes or {}).values())
        shown = ", ".join(f"{how} {count}" for how, count in ends.most_common())
        print(f"{path}: {recording.kernel}: {shown}", flush=True)
    return 0


def _kernel(args: argparse.Namespace) -> Kernel:
    from memhp.lab.kernels.kernel import own

    if (args.name is None) == (args.kernel is None):
        raise UsageError("name one kernel: a NAME of `memhp lab list`, or --kernel PATH")
    if args.kernel is not None:
        return own(args.kernel, args.modules)
    if args.modules is not None:
        raise UsageError("--modules goes with --kernel: a stock kernel has its own")
    return _stock(args.name)


def _stock(name: str) -> Kernel:
    from memhp.lab.kernels.kernel import STOCK, load

    kernel = load(choose("kernel", name, STOCK))
    if kernel is None:
        raise UsageError(f"{name} is not here, or not whole; bring it: memhp lab fetch {name}")
    return kernel


def _machine(args: argparse.Namespace) -> GuestMachine:
    from memhp.lab.guest.machine import MIB, GuestMachine, Node, VirtioMem

    return GuestMachine(
        nodes=tuple(Node(*each) for each in args.node or [(512 * MIB, 1)]),
        distances=tuple(args.distance),
        slots=max(args.slots, len(args.dimm)),
        virtio_mem=tuple(VirtioMem(*each) for each in args.virtio_mem),
        options=tuple(args.option),
    )


def _show(guest: Guest) -> None:
    from memhp.lab.tools.errors import printable, whole_number

    folder = "/sys/devices/system"
    print(f"{guest.kernel.name}: booted in {guest.boot_seconds:.1f} s")
    print(f"kernel: {printable(guest.shell('uname -r').out.strip())}")
    size = whole_number(guest.read(f"{folder}/memory/block_size_bytes"), 16)
    listed = guest.shell(f"ls -d {folder}/memory/memory[0-9]* {folder}/node/node[0-9]*/memory*")
    blocks = re.findall(r"(?m)/memory/memory(\d+)$", listed.out)
    print(f"blocks: {len(blocks)} of {in_units(size)}")
    for node in guest.shell(f"ls {folder}/node").out.split():
        if re.fullmatch(r"node\d+", node):
            own = len(re.findall(rf"(?m)/{node}/memory\d+$", listed.out))
            distance = guest.read(f"{folder}/node/{node}/distance").strip()
            cpus = guest.read(f"{folder}/node/{node}/cpulist").strip() or "none"
            print(printable(f"{node}: {own} blocks, CPUs {cpus}, distances {distance}"))
