"""What a user names as the target: the engine, or a class of their own."""

from __future__ import annotations

from importlib import import_module

from memhp.reference.target import Target
from memhp.spec.profiles import DEFAULT, PROFILES

from .rules import RULES, rules_for

__all__ = ["TargetError", "profile_of", "target_named"]


class TargetError(ValueError):
    """There is no such target; the message is one line."""


def profile_of(target: Target) -> str:
    """The profile whose design the target says that it follows; `DEFAULT` if it says nothing.

    Raises TargetError if there is no such profile.
    """
    name: object = getattr(target, "profile", DEFAULT)
    known = [profile.name for profile in PROFILES]
    if name not in known:
        raise TargetError(f"target: its profile {name!r:.60} is none of {', '.join(known)}")
    return str(name)


def target_named(name: str) -> Target:
    """A fresh target: ``engine``, or what ``module:Class`` makes when it is called.

    Raises TargetError if there is no such module or class, or it is no target.

    >>> type(target_named("engine")).__name__
    'EngineTarget'
    """
    module, colon, attribute = name.partition(":")
    if name == "engine":
        module, colon, attribute = "memhp.engine.target", ":", "EngineTarget"
    if not (module and colon and attribute.isidentifier()):
        raise TargetError(f"target {name[:60]!r}: give 'engine', or a class as module:Class")
    try:
        made: Target = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise TargetError(f"target {name}: {error}") from None
    missing = [part for part in ("reset", "do", "observe") if not hasattr(made, part)]
    if missing:
        raise TargetError(f"target {name}: it has no {' and no '.join(missing)}")
    if not rules_for(getattr(made, "operations", None)):
        known = ", ".join(rule.name for rule in RULES[:3])
        raise TargetError(f"target {name}: its operations are none of {known}, …")
    return made
