"""How adding memory looks: what it takes, where it goes, and whether it could go again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units

from .terminal import coloured, say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.planning.addition import Addition

__all__ = ["addition_document", "show_addition"]

_COLOURS = {"can": "green", "cannot": "red", "may": "yellow"}


def addition_document(made: Addition, source: str) -> dict[str, Any]:
    """The document of schema ``memhp-addition/1`` (cli/schema/addition.json)."""
    return {"schema": "memhp-addition/1", "source": source, **asdict(made)}


def show_addition(out: Console, made: Addition, source: str) -> None:
    """Print what adding memory comes to.

    Args:
        out: where to print.
        made: what it comes to.
        source: the machine.
    """
    size = in_units(made.block_size)
    say(out, f"{source}: add {made.words}, in blocks of {size}")
    verdict = coloured(made.verdict, _COLOURS[made.verdict])
    out.print(verdict, _words(made), sep="", soft_wrap=not out.is_terminal)
    out.print()
    for line in _lines(made):
        say(out, line)
    if made.blocks and made.steps:
        out.print()
        out.print("so that it can go again:")
        for step in made.steps:
            say(out, f"  {step}")


def _words(made: Addition) -> str:
    size = in_units(made.blocks * made.block_size)
    if not made.blocks:
        return ": not one whole block of it"
    if made.there:
        return f": {size} is there and offline, {len(made.there)} blocks"
    doubt = "" if made.verdict == "can" else ", if the kernel finds memory for its mem_map"
    return f": {made.blocks} blocks, {size}{doubt}"


def _lines(made: Addition) -> Iterator[str]:
    lost = [in_units(each) for each in (made.before, made.behind) if each]
    if lost:
        yield f"lost, for it begins or ends within a block: {' and '.join(lost)}"
    if made.memmap:
        free = "not told" if made.free is None else in_units(made.free)
        where = "in its own blocks (memmap_on_memory)" if made.own else f"of {free} that is free"
        yield f"mem_map first: {in_units(made.memmap)}, {where}"
    for way in made.online:
        zone = {
            "kernel": "a kernel zone",
            "movable": "ZONE_MOVABLE",
            None: "a zone that its policy chooses",
        }[way.zone]
        again = {"yes": "it could go again", "no": "it could not go again"}.get(
            way.again, "whether it could go again depends on what comes there"
        )
        now = " (as it is set)" if way.word == made.policy else ""
        yield f"{way.word}{now}: {zone}; {again}"
