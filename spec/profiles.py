"""Profiles: real kernels' choices, and the properties they give up for them.

The checks prove every other property for each profile, and show each one that
is given up refuted; a profile that gives up what in fact holds is wrong.
"""

from __future__ import annotations

from functools import cache

from .language import Profile, apply
from .language.system import System
from .linux import CHOICES
from .linux.choice import Version
from .system import SYSTEM

__all__ = [
    "CHANGES",
    "DEFAULT",
    "LINUX",
    "PROFILES",
    "VERSIONS",
    "as_of",
    "linux",
    "otherwise",
    "profile_of",
    "system_of",
]

DEFAULT = "list-2004"
LINUX = "linux-6.12"

VERSIONS: tuple[Version, ...] = ((5, 10), (6, 1), (6, 12), (7, 2))
"""Those of Linux that have a profile, ascending."""

CHANGES: tuple[Version, ...] = tuple(
    sorted({(0, 0), *(at for c in CHOICES for at in (c.since, c.before) if at is not None)})
)
"""The versions from which on Linux chose otherwise than before, ascending; the first is any."""


def linux(version: Version) -> Profile:
    """What Linux of that version chose: each choice of it, with what they give up.

    >>> linux((6, 12)).name
    'linux-6.12'
    """
    chosen = [choice for choice in CHOICES if choice.is_of(version)]
    name = ".".join(map(str, version))
    return Profile(
        name=f"linux-{name}",
        doc=f"Linux {name}. " + " ".join(choice.doc for choice in chosen),
        edits=tuple(edit for choice in chosen for edit in choice.edits),
        gives_up=tuple(each for choice in chosen for each in choice.gives_up),
    )


PROFILES: tuple[Profile, ...] = (
    Profile(DEFAULT, "What the list asks for: every property holds.", (), ()),
    *map(linux, VERSIONS),
)


@cache
def system_of(name: str = DEFAULT) -> System:
    """The specification with a profile applied: one object for each name.

    Args:
        name: of one of `PROFILES`.

    Raises:
        ValueError: if there is no such profile.

    >>> system_of("linux-6.12").name
    'memhp+linux-6.12'
    """
    for profile in PROFILES:
        if profile.name == name:
            return apply(SYSTEM, profile) if profile.edits else SYSTEM
    raise ValueError(f"no profile {name[:60]!r}; there are {', '.join(p.name for p in PROFILES)}")


def as_of(system: System, version: Version | None) -> System:
    """The system with all choices of Linux of that version.

    Args:
        system: the specification, without a profile.
        version: as in Linux 5.10, whether or not it has a profile; None of one that is not known:
            the profile `LINUX`.

    >>> guards = as_of(SYSTEM, (5, 10)).action_by_name["pin_longterm"].guards
    >>> "outside_removable_area" in [guard.name for guard in guards]
    False
    """
    if version is None:
        version = next(each for each in VERSIONS if linux(each).name == LINUX)
    return apply(system, linux(version))


def profile_of(version: Version) -> str:
    """The name of the profile for Linux of that version: of the newest that is not newer.

    >>> profile_of((6, 6)), profile_of((4, 4))
    ('linux-6.1', 'linux-5.10')
    """
    return linux(max((v for v in VERSIONS if v <= version), default=VERSIONS[0])).name


def otherwise(version: Version) -> tuple[str, ...]:
    """The names of the choices in which that version of Linux differs from its profile.

    >>> otherwise((6, 1)), otherwise((5, 12))[:1]
    ((), ('node-structures-with-normal-memory',))
    """
    (profiled,) = (each for each in VERSIONS if linux(each).name == profile_of(version))
    return tuple(c.name for c in CHOICES if c.is_of(version) != c.is_of(profiled))
