"""Designs of one's own, joined to memhp's specification: a file of Python says what is different.

Nothing is read here: whoever calls has imported the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from .language import Design, MakeVariable, Profile, SpecificationError, System, designed
from .profiles import PROFILES, system_of
from .rows import ROWS

__all__ = ["OwnDesign", "own_design"]


@dataclass(frozen=True)
class OwnDesign:
    """A design that somebody wrote in a file.

    ``base`` is the profile that it begins with, in the design's symbols: what the design makes a
    variable is one there, too, that never changes. ``profile`` has what the design gives up, the
    reasons of its own and those of the profile.
    """

    doc: str
    design: Design
    base: System
    system: System
    profile: Profile


def own_design(module: ModuleType, *, name: str) -> OwnDesign:
    """The design of a module.

    Args:
        module: the file, imported; its docstring says what the design is.
        name: of the design, in the names of its system and of traces.

    Raises:
        SpecificationError: for the first mistake in it; with file and line, unless there is none.
    """
    design = getattr(module, "DESIGN", None)
    if not isinstance(design, Design):
        raise SpecificationError("it has no DESIGN = Design(…), which says what it changes")
    doc = (module.__doc__ or "").strip()
    if not doc:
        raise SpecificationError("it has no docstring that says in words what the design is")
    begun = next((each for each in PROFILES if each.name == design.profile), None)
    if begun is None:
        there_are = ", ".join(each.name for each in PROFILES)
        raise SpecificationError(f"there is no profile {design.profile!r}; there are: {there_are}")
    base = system_of(begun.name)
    full_name = f"{base.name}+{name}"
    rows = {row.id for row in ROWS}
    system = designed(base, module, design, name=full_name, rows=rows)
    mine = {claim for claim, _ in design.gives_up}
    before = (pair for pair in begun.gives_up if pair[0] in system.given_up - mine)
    gives_up = (*before, *design.gives_up)
    for edit in design.edits:
        if isinstance(edit, MakeVariable):
            base = edit.apply(base)
    return OwnDesign(doc, design, base, system, Profile(name, doc, (), gives_up))
