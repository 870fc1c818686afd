"""The picture of `memhp sections --plot`: what each section size costs, a panel a cost."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.machines.reading.units import in_units

from .streams import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LAYOUTS = {"flat": ("#0072b2", "o", 8), "two-level": ("#d55e00", "s", 4)}
"""Colour, marker and its size: the larger one shows behind the other where both agree."""
_ONE_CURVE = "#009e73"
_GREY = "#d9d9d9"


def plot_sections(document: dict[str, Any], path: Path) -> None:
    """Draw the document of `memhp sections --json` into a .png or .svg file.

    Raises:
        UsageError: another kind of file, no matplotlib, or it cannot be written.
    """
    from memhp.checks.support.files import write_whole

    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise UsageError(f"cannot draw {path}: give a name that ends in .png or .svg")
    try:
        import matplotlib
    except ImportError:
        raise UsageError("--plot needs matplotlib: pip install 'memhp[plot]'") from None
    picture = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "memhp", "font.size": 9}):
        figure(document).savefig(
            picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None
        )
    try:
        write_whole(path, picture.getvalue())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path}: {getattr(error, 'strerror', error)}") from None


def figure(document: dict[str, Any]) -> Figure:
    """The four panels, as matplotlib draws them."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10, 7), layout="constrained")
    (table, waste), (removable, cycles) = drawn.subplots(2, 2, sharex=True)
    bits = [math.log2(each["section"]) for each in document["sizes"]]
    for layout, (colour, marker, size) in _LAYOUTS.items():
        values = [each[layout.replace("-", "_")] for each in document["sizes"]]
        style = {"color": colour, "marker": marker, "markersize": size, "label": layout}
        table.plot(bits, [each["table"] for each in values], **style)
        cycles.plot(bits, [each["cycles"] for each in values], **style)
    one = {"color": _ONE_CURVE, "marker": "o", "markersize": 4}
    waste.plot(bits, [each["memmap_on_holes"] for each in document["sizes"]], **one)
    removable.plot(bits, [100 * each["removable"] for each in document["sizes"]], **one)
    table.set(title="table of sections, and who has or had sections of that size")
    table.set_yscale("log", base=2)
    for at, each in zip(bits, document["sizes"], strict=True):
        _name_families(table, at, each["chosen_by"])
    most = max(1, *(each["memmap_on_holes"] for each in document["sizes"]))
    step = 1 << max(0, most.bit_length() - 3)  # ticks at round numbers of binary units
    waste.set(title="mem_map on holes", ylim=(-step / 8, most + step / 2))
    waste.set_yticks(range(0, most + 1, step))
    kernel_frames = document["kernel_frames"]
    removable.set(title=f"stays removable, with {kernel_frames} scattered kernel frames (%)")
    cycles.set(title="look-up of a section (cycles)", ylim=(0, None))
    for axes in (table, waste):
        axes.yaxis.set_major_formatter(lambda value, _: in_units(round(value)))
    for axes in (table, waste, removable, cycles):
        _mark_sizes(axes, document)
        axes.grid(color="#eeeeee")
        axes.set_axisbelow(True)
    for axes in (removable, cycles):
        axes.set_xlabel("section size")
        axes.set_xticks(bits[::2], [in_units(1 << int(each)) for each in bits[::2]], rotation=45)
    drawn.suptitle(
        f"{in_units(document['map']['memory'])} of memory, {document['map']['holes']} holes,"
        f" {document['architecture']['name']}"
    )
    drawn.legend(*table.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return drawn


def _name_families(axes: Axes, at: float, names: list[str]) -> None:
    """At the foot of the panel, upwards: the architectures, whatever their page size."""
    families = dict.fromkeys(re.sub("-[^ ]*", "", name) for name in names)
    foot = axes.get_xaxis_transform()
    axes.text(
        at - 0.1, 0.02, ", ".join(families), transform=foot, rotation=90, fontsize=6, ha="right"
    )


def _mark_sizes(axes: Axes, document: dict[str, Any]) -> None:
    """Shade the forbidden sizes; a line at the architecture's own and at the recommended one."""
    label = "forbidden"
    for each in document["sizes"]:
        if not each["feasible"]:
            at = math.log2(each["section"])
            axes.axvspan(at - 0.5, at + 0.5, color=_GREY, linewidth=0, zorder=0, label=label)
            label = "_"  # once in the legend
    name, own = document["architecture"]["name"], document["architecture"]["section"]
    axes.axvline(math.log2(own), color="black", linestyle=":", label=f"{name} has {in_units(own)}")
    best = document["recommended"]
    if best is not None:
        text = f"recommended: {in_units(best['section'])}, {best['layout']}"
        axes.axvline(math.log2(best["section"]), color="#cc79a7", linestyle="--", label=text)
