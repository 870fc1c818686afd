"""A machine or a run as HTML, for a notebook: what it is, and what has changed or is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from .outcome import Change

__all__ = ["page", "run"]

_MOST_ROWS = 200


def page(title: str, sizes: Mapping[str, int], changes: Sequence[Change]) -> str:
    """The HTML of a machine: a heading, its sizes, and a table of what has changed.

    Args:
        title: the name of its system.
        sizes: the number of elements of each sort, by name.
        changes: between boot and now.
    """
    head = _head(title, sizes)
    if not changes:
        return f"{head}; as at boot"
    rows = [
        (f"{each.variable}[{', '.join(each.args)}]", each.before, each.after) for each in changes
    ]
    return head + _table(("variable", "at boot", "now"), rows)


def run(title: str, sizes: Mapping[str, int], steps: Sequence[tuple[str, str]], end: str) -> str:
    """The HTML of a run: a heading, the sizes of its machine, and a table of its steps.

    Args:
        title: the name of its system.
        sizes: the number of elements of each sort, by name.
        steps: of each the action, and its parameters in a text.
        end: what there is to say after the last one.
    """
    rows = [(str(number), *step) for number, step in enumerate(steps, 1)]
    return _head(title, sizes) + _table(("step", "action", "of"), rows) + escape(end)


def _head(title: str, sizes: Mapping[str, int]) -> str:
    what = ", ".join(f"{size} {name}" for name, size in sizes.items())
    return f"<b>{escape(title)}</b>: {escape(what)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{cell}</th>" for cell in heads) + "</tr>"]
    for row in rows[:_MOST_ROWS]:
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
    lines.append("</table>")
    if len(rows) > _MOST_ROWS:
        lines.append(f"and {len(rows) - _MOST_ROWS} more")
    return "".join(lines)
