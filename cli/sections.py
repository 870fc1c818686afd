"""`memhp sections`: what each section size costs on a memory map, and which are forbidden."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .common import UsageError, choose, console, fail, in_units, number_of_bytes

if TYPE_CHECKING:
    from memhp.checks.section_size import Candidate
    from memhp.machines.memory_map import MemoryMap
    from memhp.spec.architectures import Architecture

_EPILOG = """examples:
  memhp sections                   this machine (as root it sees the holes)
  memhp sections iomem.txt         a listing of /proc/iomem, a sysfs directory or a tar of one
  memhp sections --size 1PiB --holes 1000 --hole-size 64MiB --arch ia64-16k

Sizes are powers of two: 64KiB, 64MiB, 64GiB, 64TiB; 64M means 64MiB.
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "sections",
        help="which section sizes a memory map allows, and what each costs",
        description="For a memory map, each section size: the constraint that forbids it, or"
        " its tables and the mem_map that it spends on holes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "map",
        nargs="?",
        metavar="MAP",
        help="a listing of /proc/iomem, a directory with sys/, a tar",
    )
    parser.add_argument(
        "--size", type=number_of_bytes, metavar="SIZE", help="instead of MAP: memory up to SIZE"
    )
    parser.add_argument("--holes", type=int, metavar="N", help="that many holes, spread evenly")
    parser.add_argument("--hole-size", type=number_of_bytes, metavar="SIZE", help="size of each")
    parser.add_argument(
        "--dimm-size",
        type=number_of_bytes,
        metavar="SIZE",
        help="holes begin where one ends (1GiB)",
    )
    parser.add_argument(
        "--arch", metavar="NAME", help="default: the first architecture that reaches the map"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read or make up the map, and show each size; exit 2 for what is no map."""
    from memhp.checks.section_size import candidates
    from memhp.machines.errors import MachineError

    try:
        memory_map = _map(args)
        arch = _architecture(args.arch, memory_map)
    except (MachineError, UsageError) as error:
        return fail("sections", error)
    found = candidates(arch, [(each.start, each.stop) for each in memory_map.ranges])
    if args.json:
        print(json.dumps(_document(arch, memory_map, found), indent=1))
    else:
        _show(arch, memory_map, found)
    return 0


def _map(args: argparse.Namespace) -> MemoryMap:
    from memhp.machines.memory_map import described_map, read_memory_map

    described = (args.holes, args.hole_size, args.dimm_size)
    if args.size is None:
        if any(each is not None for each in described):
            raise UsageError("--holes, --hole-size and --dimm-size describe a map: give --size too")
        return read_memory_map("/" if args.map is None else args.map)
    if args.map is not None:
        raise UsageError(f"give either a map, {args.map!r}, or --size, not both")
    return described_map(
        args.size,
        holes=args.holes or 0,
        hole_size=args.hole_size or 0,
        dimm=1 << 30 if args.dimm_size is None else args.dimm_size,
    )


def _architecture(name: str | None, memory_map: MemoryMap) -> Architecture:
    from memhp.spec.architectures import ARCHITECTURES, architecture

    end = memory_map.ranges[-1].stop
    reach = [each.name for each in ARCHITECTURES if end <= 1 << each.physmem_bits]
    if not reach:
        raise UsageError(f"no architecture reaches the end of the map, {in_units(end)}")
    if name is None:
        return architecture(reach[0])
    choose("architecture", name, [each.name for each in ARCHITECTURES])
    if name not in reach:
        raise UsageError(
            f"the map ends at {in_units(end)}, beyond the {architecture(name).physmem_bits} bits of"
            f" {name}; these reach it: {', '.join(reach)}"
        )
    return architecture(name)


def _show(arch: Architecture, memory_map: MemoryMap, found: list[Candidate]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("section", "sections", "flat table", "two-level", "mem_map on holes"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for it in found:
        table.add_row(
            in_units(it.section),
            str(it.present),
            in_units(it.flat_table),
            in_units(it.two_level_table),
            in_units(it.memmap_on_holes),
            _remark(arch, it),
        )
    out = console()
    out.print(_heading(arch, memory_map), markup=False, soft_wrap=True)
    for note in memory_map.notes:
        out.print(f"note: {note}", markup=False, soft_wrap=True)
    out.print()
    out.print(table)


def _heading(arch: Architecture, memory_map: MemoryMap) -> str:
    return (
        f"{memory_map.source}: {in_units(memory_map.memory)} of memory,"
        f" {len(memory_map.holes)} holes; {arch.name}, {arch.physmem_bits} bits of address,"
        f" pages of {in_units(arch.page)}"
    )


def _remark(arch: Architecture, it: Candidate) -> str:
    if it.forbidden_by:
        return f"[red]no[/red]: breaks {', '.join(map(repr, it.forbidden_by))}"
    own = f", [bold]{arch.name} has this[/bold]" if it.section == arch.section else ""
    return f"[green]feasible[/green]{own}"


def _document(arch: Architecture, memory_map: MemoryMap, found: list[Candidate]) -> dict[str, Any]:
    return {
        "schema": "memhp-sections/1",
        "map": {
            "source": memory_map.source,
            "memory": memory_map.memory,
            "holes": len(memory_map.holes),
            "end": memory_map.ranges[-1].stop,
            "notes": list(memory_map.notes),
        },
        "architecture": {"name": arch.name, "page": arch.page, "section": arch.section},
        "sizes": [
            {
                "section": it.section,
                "feasible": not it.forbidden_by,
                "forbidden_by": list(it.forbidden_by),
                "own": it.section == arch.section,
                "present": it.present,
                "flat_table": it.flat_table,
                "two_level_table": it.two_level_table,
                "memmap_on_holes": it.memmap_on_holes,
            }
            for it in found
        ],
    }
