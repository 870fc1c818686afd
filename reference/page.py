"""A machine as HTML, for a notebook: what it is, and what has changed since boot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from .outcome import Change

__all__ = ["page"]

_MOST_ROWS = 200


def page(title: str, sizes: Mapping[str, int], changes: Sequence[Change]) -> str:
    """The HTML of a machine: a heading, its sizes, and a table of what has changed.

    Args:
        title: the name of its system.
        sizes: the number of elements of each sort, by name.
        changes: between boot and now.
    """
    what = ", ".join(f"{size} {name}" for name, size in sizes.items())
    lines = [f"<b>{escape(title)}</b>: {escape(what)}"]
    if not changes:
        return "".join((*lines, "; as at boot"))
    cells = ("variable", "at boot", "now")
    lines.append("<table><tr>" + "".join(f"<th>{cell}</th>" for cell in cells) + "</tr>")
    for change in changes[:_MOST_ROWS]:
        point = f"{change.variable}[{', '.join(change.args)}]"
        row = (point, change.before, change.after)
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
    lines.append("</table>")
    if len(changes) > _MOST_ROWS:
        lines.append(f"and {len(changes) - _MOST_ROWS} more")
    return "".join(lines)
