"""What of the functions that requirements cite another kernel has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .output.terminal import tell

if TYPE_CHECKING:
    from memhp.lab.kernels.definitions import Tree

__all__ = ["Change", "changes_of", "drift_as_json", "show_drift"]

Change = Literal["changed", "moved", "gone", "new"]
"""How definitions differ: their lines, their files, or that one tree has none."""


def changes_of(base: Tree, other: Tree) -> Iterator[tuple[str, Change]]:
    """Each name whose definitions differ, and how."""
    for name, before in base.definitions.items():
        after = other.definitions[name]
        if not before or not after:
            if before or after:
                yield name, "gone" if before else "new"
        elif sorted(each.digest for each in before) != sorted(each.digest for each in after):
            yield name, "changed"
        elif {each.file for each in before} != {each.file for each in after}:
            yield name, "moved"


def _neither(base: Tree, other: Tree) -> list[str]:
    return [n for n, each in base.definitions.items() if not each and not other.definitions[n]]


def drift_as_json(
    base: Tree,
    other: Tree,
    changes: Sequence[tuple[str, Change]],
    citing: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The document of schema ``memhp-drift/1`` (cli/schema/drift.json).

    Args:
        base: the tree that was read.
        other: the other tree.
        changes: what `changes_of` says of both.
        citing: the requirements that cite each name.
    """
    return {
        "schema": "memhp-drift/1",
        "from": base.version,
        "to": other.version,
        "changes": [
            {
                "name": name,
                "change": change,
                "from": [str(each) for each in base.definitions[name]],
                "to": [str(each) for each in other.definitions[name]],
                "requirements": list(citing.get(name, ())),
            }
            for name, change in changes
        ],
        "not_found": _neither(base, other),
    }


def show_drift(
    base: Tree,
    other: Tree,
    changes: Sequence[tuple[str, Change]],
    citing: Mapping[str, Sequence[str]],
) -> None:
    """Print the same for a person.

    Args:
        base: the tree that was read.
        other: the other tree.
        changes: what `changes_of` says of both.
        citing: the requirements that cite each name.
    """
    neither = _neither(base, other)
    for name, change in changes:
        before, after = (
            ", ".join(map(str, tree.definitions[name])) or "nowhere" for tree in (base, other)
        )
        tell(f"{change} {name}: {before} -> {after}")
        names = citing.get(name, ())
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        if names:
            tell(f"    cited by {', '.join(names[:_MOST])}{more}")
    same = len(base.definitions) - len(changes) - len(neither)
    tell(
        f"from Linux {base.version} to {other.version}: {len(changes)} of {len(base.definitions)}"
        f" that are cited are not the same, {same} are"
    )
    if neither:
        tell(f"not found in either: {', '.join(neither)}")


_MOST = 6
"""So many requirements are named for each function; --json names all."""
