"""`memhp sections`: what each section size costs on a memory map, and which are forbidden."""

from __future__ import annotations

import argparse
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units
from memhp.spec.numbers.architectures import chosen_by
from memhp.spec.numbers.section_size import CONSTRAINTS, LOOK_UP_LOADS

from .arguments import Once, number_of_bytes
from .files import fail
from .names import choose
from .output.sections_plot import plot_sections
from .output.sections_tables import Findings, by_size, caches_table, sizes_table
from .output.streams import UsageError
from .output.terminal import console, say
from .sections_blocks import blocks_document, blocks_text, hot_add_of

if TYPE_CHECKING:
    from memhp.checks.numbers.section_choice import Choice
    from memhp.machines.reading.memory_map import MemoryMap
    from memhp.spec.numbers.architectures import Architecture

_EPILOG = """examples:
  memhp sections                   this machine (as root it sees the holes)
  memhp sections iomem.txt         a listing of /proc/iomem, a sysfs directory or a tar of one
  memhp sections --size 1PiB --holes 1000 --hole-size 64MiB --arch ia64-16k
  memhp sections --add 12GiB       is there room for the mem_map of so much more?
  memhp sections --size 4TiB --kernel-frames 100000 --weights removable=5,lookup=0

columns: section, its size; sections, how many are present; mem_map on holes, bytes that describe
  no memory; removable, the share of memory that can be removed; flat table and two-level table, its
  size (*: no other choice is better in every cost), each with the cycles of a look-up; at last no,
  with the rule that forbids it, yes or best, and own, what Linux has
columns with -v: loads of a look-up; lines, cache lines of the table; looked up, bytes of them; L1,
  L2, L3, the share that each cache holds

The weights say how much each cost counts, as a share of the worst feasible one: bytes of
table, mem_map wasted on holes, memory not removable, cycles of a look-up. One left out is 1.

Sizes are powers of two: 64KiB, 64MiB, 64GiB, 64TiB; 64M means 64MiB.
"""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "sections",
        help="which section sizes a memory map allows, and what each costs",
        description="For a memory map, each section size: the constraint that forbids it, or"
        " its tables, the mem_map that it spends on holes, the share of memory that stays"
        " removable and the cycles of a look-up; and which size and table to choose.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "map",
        nargs="?",
        metavar="MAP",
        help="a listing of /proc/iomem, a directory with sys/, a tar",
    )
    _add_description(parser)
    parser.add_argument(
        "--arch", metavar="NAME", help="default: the first architecture that reaches the map"
    )
    parser.add_argument(
        "--kernel-frames",
        type=int,
        default=1000,
        metavar="N",
        help="kernel frames scattered over memory (1000)",
    )
    parser.add_argument(
        "--weights",
        default="",
        metavar="NAME=W,...",
        help="of table, waste, removable and lookup (each 1)",
    )
    parser.add_argument(
        "--add", type=number_of_bytes, metavar="SIZE", help="what adding so much memory takes"
    )
    parser.add_argument(
        "--free", type=number_of_bytes, metavar="SIZE", help="with --add: so much is free now"
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        type=Path,
        action=Once,
        help="also draw it, as .png or .svg (needs matplotlib: pip install 'memhp[plot]')",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def _add_description(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a map."""
    parser.add_argument(
        "--size", type=number_of_bytes, metavar="SIZE", help="instead of MAP: memory up to SIZE"
    )
    parser.add_argument("--holes", type=int, metavar="N", help="that many holes, spread evenly")
    parser.add_argument("--hole-size", type=number_of_bytes, metavar="SIZE", help="size of each")
    parser.add_argument(
        "--dimm-size",
        type=number_of_bytes,
        metavar="SIZE",
        help="what is added and removed at once; holes begin where one ends (1GiB)",
    )


def run(args: argparse.Namespace) -> int:
    """Read or make up the map, and show each size; the exit code is 2 for what is no map."""
    from memhp.checks.support.verdicts import Verdict
    from memhp.machines.reading.errors import MachineError

    try:
        findings = _find(args)
        hot_add = hot_add_of(findings.memory_map, findings.arch, args.add, args.free)
        if args.plot is not None:
            plot_sections(_document(findings), args.plot)
    except (MachineError, UsageError) as error:
        return fail("sections", error)
    if args.json:
        blocks = blocks_document(findings.memory_map, hot_add)
        print(json.dumps({**_document(findings), "hot_add": blocks}, indent=1))
    else:
        _show(findings)
        for line in blocks_text(findings.memory_map, findings.arch, hot_add):
            say(console(), line)
    return (Verdict.proved if findings.best is None else findings.best.verdict).exit_code


def _find(args: argparse.Namespace) -> Findings:
    from memhp.checks.numbers.section_choice import choices, optimum, pareto_front, weighted_costs
    from memhp.checks.numbers.section_size import candidates, memory_of

    weights = _weights(args.weights)
    if args.free is not None and args.add is None:
        raise UsageError("--free is about --add: give that as well")
    memory_map = _map(args)
    arch = _architecture(args.arch, memory_map)
    frames = memory_map.memory // arch.page
    if not 0 <= args.kernel_frames <= frames:
        raise UsageError(f"--kernel-frames: the map has {frames} frames, give 0 to {frames}")
    ranges = [(each.start, each.stop) for each in memory_map.ranges]
    device = args.dimm_size or 0
    sizes = candidates(arch, ranges, kernel_frames=args.kernel_frames, device=device)
    table_choices = choices(arch, sizes)
    return Findings(
        arch,
        memory_map,
        args.kernel_frames,
        weights,
        table_choices,
        weighted_costs(table_choices, weights),
        pareto_front(table_choices),
        optimum(arch, memory_of(ranges, device), table_choices, weights),
    )


def _weights(text: str) -> dict[str, Fraction]:
    from memhp.checks.numbers.section_choice import CRITERIA

    weights = dict.fromkeys(CRITERIA, Fraction(1))
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        name = choose("weight", name[:40], CRITERIA)
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value, re.ASCII) is None:
            raise UsageError(
                f"the weight of {name}, {value[:40]!r}, is not a number such as 2 or 0.5"
            )
        weights[name] = Fraction(value)
    if not any(weights.values()):
        raise UsageError("every weight is 0: give one of them more")
    return weights


def _map(args: argparse.Namespace) -> MemoryMap:
    from memhp.machines.reading.memory_map import described_map, read_memory_map

    described = (args.holes, args.hole_size, args.dimm_size)
    if args.size is None:
        if any(each is not None for each in described):
            raise UsageError("--holes, --hole-size and --dimm-size describe a map: give --size too")
        return read_memory_map("/" if args.map is None else args.map)
    if args.map is not None:
        raise UsageError(f"give either a map, {args.map[:40]!r}, or --size, not both")
    return described_map(
        args.size,
        holes=args.holes or 0,
        hole_size=args.hole_size or 0,
        dimm=1 << 30 if args.dimm_size is None else args.dimm_size,
    )


def _architecture(name: str | None, memory_map: MemoryMap) -> Architecture:
    from memhp.spec.numbers.architectures import ARCHITECTURES, architecture

    end = memory_map.ranges[-1].stop
    reach = [each.name for each in ARCHITECTURES if end <= 1 << each.physmem_bits]
    if not reach:
        raise UsageError(f"no architecture reaches the end of the map, {in_units(end)}")
    if name is None:
        return architecture(reach[0])
    name = choose("architecture", name, [each.name for each in ARCHITECTURES])
    if name not in reach:
        raise UsageError(
            f"the map ends at {in_units(end)}, beyond the {architecture(name).physmem_bits} bits of"
            f" {name}; these reach it: {', '.join(reach)}"
        )
    return architecture(name)


def _show(findings: Findings) -> None:
    from memhp.checks.numbers.section_choice import ITANIUM2

    arch, out = findings.arch, console()
    say(
        out,
        f"{findings.memory_map.source}: {_extent(findings.memory_map)}; {arch.name},"
        f" {arch.physmem_bits} bits of address, pages of {in_units(arch.page)}",
    )
    for note in _notes(findings):
        say(out, f"note: {note}")
    out.print()
    out.print(sizes_table(findings))
    out.print()
    for number, name in enumerate(CONSTRAINTS, 1):
        if any(name in each.candidate.forbidden_by for each in findings.choices):
            say(out, f"no {number}: breaks '{name}'")
    say(out, "*: front, no feasible choice is as good in every cost and better in one")
    say(out, f"own: {arch.name} has this; best: recommended")
    frames = findings.kernel_frames
    say(out, f"removable: share of memory, with {frames} kernel frames scattered over it")
    say(out, f"cycles: of the look-up's loads from the table; {ITANIUM2.source}")
    say(out, f"chosen: {'; '.join(_chosen(findings))}")
    if findings.best is not None:
        out.print()
        say(out, "what a look-up loads, and how much of what look-ups load each cache holds:")
        out.print(caches_table(findings))
        out.print()
    say(out, _recommendation(findings))


def _extent(memory_map: MemoryMap) -> str:
    """From the first byte of memory to the last, and the holes between."""
    first, last = memory_map.ranges[0].start, memory_map.ranges[-1].stop
    if not memory_map.holes:
        return f"{in_units(memory_map.memory)} of memory, no hole"
    lost = in_units(last - first - memory_map.memory)
    holes = len(memory_map.holes)
    return f"{in_units(last - first)}, {lost} of it in {holes} hole{'s' if holes > 1 else ''}"


def _chosen(findings: Findings) -> list[str]:
    """Who has or had each size, for the sizes that somebody has."""
    sizes = [flat.candidate.section for flat, _ in by_size(findings.choices)]
    return [f"{in_units(each)} {', '.join(chosen_by(each))}" for each in sizes if chosen_by(each)]


def _notes(findings: Findings) -> list[str]:
    notes = list(findings.memory_map.notes)
    if not findings.arch.boot_memory_removable:
        notes.append(
            f"{findings.arch.name} never removes boot memory: what is removable counts for memory"
            " that is added later"
        )
    return notes


def _recommendation(findings: Findings) -> str:
    if findings.best is None:
        return "recommended: nothing, no size is feasible"
    it = findings.best.choice
    weights = ", ".join(f"{name}={float(weight):g}" for name, weight in findings.weights.items())
    return (
        f"recommended: {in_units(it.candidate.section)} with a {it.layout} table; that no feasible"
        f" choice costs less than {float(findings.best.cost):.4g} with weights {weights} is"
        f" {findings.best.verdict.value} (z3)"
    )


def _document(findings: Findings) -> dict[str, Any]:
    from memhp.checks.numbers.section_choice import ITANIUM2

    memory_map, arch, best = findings.memory_map, findings.arch, findings.best
    layouts = [
        _layout(findings, *each) for each in zip(findings.choices, findings.costs, strict=True)
    ]
    return {
        "schema": "memhp-sections/2",
        "map": {
            "source": memory_map.source,
            "memory": memory_map.memory,
            "holes": len(memory_map.holes),
            "hole_bytes": sum(hole.stop - hole.start for hole in memory_map.holes),
            "end": memory_map.ranges[-1].stop,
        },
        "notes": _notes(findings),
        "architecture": {"name": arch.name, "page": arch.page, "section": arch.section},
        "kernel_frames": findings.kernel_frames,
        "weights": {name: float(weight) for name, weight in findings.weights.items()},
        "look_up": {
            "loads": LOOK_UP_LOADS,
            "levels": [
                {"name": level.name, "size": level.size, "cycles": level.cycles}
                for level in ITANIUM2.levels
            ],
            "line": ITANIUM2.line,
            "memory": ITANIUM2.memory,
            "usable": float(ITANIUM2.usable),
            "translated": ITANIUM2.translated,
            "translation": ITANIUM2.translation,
            "source": ITANIUM2.source,
        },
        "sizes": [
            _size(arch, flat, layouts[2 * i], layouts[2 * i + 1])
            for i, (flat, _) in enumerate(by_size(findings.choices))
        ],
        "recommended": None
        if best is None
        else {
            "section": best.choice.candidate.section,
            "layout": best.choice.layout,
            "cost": float(best.cost),
            "verdict": best.verdict.value,
        },
    }


def _layout(findings: Findings, it: Choice, cost: Fraction) -> dict[str, Any]:
    return {
        "table": it.table,
        "loads": it.loads,
        "lines": it.lines,
        "looked_up": it.looked_up,
        "held": {level: float(share) for level, share in it.held.items()},
        "cycles": float(it.cycles),
        "cost": None if it.candidate.forbidden_by else float(cost),
        "front": it in findings.front,
    }


def _size(
    arch: Architecture, choice: Choice, flat: dict[str, Any], two_level: dict[str, Any]
) -> dict[str, Any]:
    it = choice.candidate
    return {
        "section": it.section,
        "feasible": not it.forbidden_by,
        "forbidden_by": list(it.forbidden_by),
        "own": it.section == arch.section,
        "chosen_by": chosen_by(it.section),
        "present": it.present,
        "memmap_on_holes": it.memmap_on_holes,
        "removable": it.removable,
        "flat": flat,
        "two_level": two_level,
    }
