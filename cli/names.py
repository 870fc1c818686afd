"""Names that a user gives: of properties, rows, variants, profiles and systems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from .output.streams import UsageError

if TYPE_CHECKING:
    from memhp.spec.language import Profile, System, Variant


_MOST_LISTED = 24


def choose(what: str, name: str, choices: Iterable[str], *, listed: str = "") -> str:
    """The name, if it is one of the choices, in capitals or not.

    Args:
        what: what has such a name, for the message.
        name: what the user typed.
        choices: the names that there are.
        listed: where all are, in a few words; "": the message names them, if they are few.

    Raises:
        UsageError: it is none of them; the message suggests the closest.
    """
    names = list(choices)
    if name in names:
        return name
    folded = {each.casefold(): each for each in names}
    if name.casefold() in folded:
        return folded[name.casefold()]
    raise UsageError(f"there is no {what} {name!r}; {_hint(name, folded, listed)}")


def _hint(name: str, folded: Mapping[str, str], listed: str) -> str:
    """What to type instead, else where the names are."""
    if close := get_close_matches(name.casefold(), folded, n=1):
        return f"did you mean {folded[close[0]]}?"
    if listed:
        return listed
    names = list(folded.values())
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"there are: {', '.join(names[:_MOST_LISTED])}{more}"


def properties_named(names: Iterable[str], system: System) -> set[str]:
    """The names of the properties that have those names or rows, in capitals or not.

    Raises:
        UsageError: a name is neither, or no property says the row.
    """
    from memhp.spec.rows import ROWS

    chosen: set[str] = set()
    for name in names:
        row, own = name.upper(), name.lower()
        if own in system.property_by_name:
            chosen.add(own)
        elif row in system.rows:
            chosen |= {claim.name for claim in system.properties if row in claim.covers}
        elif table := next((each for each in ROWS if each.id == row), None):
            raise UsageError(
                f"no property says row {row}: its claims are on numbers; memhp explain {row} lists"
                f" them, memhp coverage proves them, memhp {table.command} uses them"
            )
        elif re.fullmatch("[A-Z][0-9]{1,3}", row):
            raise UsageError(f"there is no row {name}; there are: {', '.join(system.rows)}")
        else:
            choose("property or row", name, [*system.property_by_name, *system.rows])
    return chosen


def find_variant(name: str) -> Variant:
    """The variant of that name.

    Raises:
        UsageError: there is none.
    """
    from memhp.spec.variants import VARIANTS

    by_name = {variant.name: variant for variant in VARIANTS}
    return by_name[choose("variant", name, by_name)]


def find_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UsageError: there is none.
    """
    from memhp.spec.profiles import PROFILES

    by_name = {profile.name: profile for profile in PROFILES}
    return by_name[choose("profile", name, by_name)]


def system_of(changes: Iterable[Profile | Variant]) -> System:
    """The specification with profiles and variants applied, in that order."""
    from memhp.spec.language import apply
    from memhp.spec.system import SYSTEM

    system = SYSTEM
    for change in changes:
        if change.edits:
            system = apply(system, change)
    return system


def system_named(name: str) -> System:
    """The system whose name a trace carries, such as ``memhp+pgdat-goes-early``.

    Raises:
        UsageError: it is of another specification, or names no variant or profile.
    """
    from memhp.spec.profiles import PROFILES
    from memhp.spec.system import SYSTEM
    from memhp.spec.variants import VARIANTS

    base, *changes = name.split("+")
    known: list[Profile | Variant] = [*PROFILES, *VARIANTS]
    by_name = {change.name: change for change in known}
    if base != SYSTEM.name:
        raise UsageError(f"the trace is of system {name!r}, not of {SYSTEM.name!r}")
    return system_of(by_name[choose("variant or profile", c, by_name)] for c in changes)
