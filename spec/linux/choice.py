"""A choice that Linux made, and the versions that have it."""

from __future__ import annotations

from dataclasses import dataclass

from ..language.edits import Edit
from ..variants import VARIANTS

__all__ = ["Choice", "Version", "edits_of"]

Version = tuple[int, int]
"""As in Linux 6.12."""


@dataclass(frozen=True)
class Choice:
    """What Linux does otherwise than the list: edits, and the properties that it gives up.

    `gives_up` has a reason with its source for each. Versions before `since` do not have it, nor
    do `before` and later ones (None: every later one has it).
    """

    name: str
    doc: str
    edits: tuple[Edit, ...]
    gives_up: tuple[tuple[str, str], ...] = ()
    since: Version = (0, 0)
    before: Version | None = None

    def is_of(self, version: Version) -> bool:
        """Whether Linux of that version has it."""
        return self.since <= version and (self.before is None or version < self.before)


def edits_of(name: str) -> tuple[Edit, ...]:
    """The edits of the wrong design of that name, which Linux has.

    Raises:
        StopIteration: there is no such variant.
    """
    return next(variant.edits for variant in VARIANTS if variant.name == name)
