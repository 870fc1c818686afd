"""What a user names as the target: the engine, or a class of their own."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from memhp.reference.target import Target
from memhp.reference.topology import cut
from memhp.spec.language.system import System
from memhp.spec.profiles import system_of

from .isolated import Isolated, checked
from .plan import plan
from .protocol import TargetError, profile_of

__all__ = ["TargetError", "profile_of", "target_named"]


def target_named(name: str, system: System | None = None, *, limit: float | None = None) -> Target:
    """A fresh target: ``engine``, or in a process of its own what ``module:Class`` makes.

    The module is looked for where Python looks, and last in the working directory.

    Args:
        name: one of these.
        system: as in `Isolated`.
        limit: in seconds, as in `Isolated`.

    Raises:
        TargetError: there is no such module or class, or it is no target.

    >>> type(target_named("engine")).__name__
    'EngineTarget'
    """
    if name == "engine":
        from memhp.engine.target import EngineTarget

        return EngineTarget()
    module, colon, attribute = name.partition(":")
    parts = (*module.split("."), attribute)
    if not (colon and all(part.isidentifier() for part in parts)):
        raise TargetError(f"target {cut(name)}: give 'engine', or a class as module:Class")
    try:
        target: Target = Isolated(partial(_instance, module, attribute), system, limit=limit)
        plan(target, system or system_of(profile_of(target)))
    except TargetError as error:
        raise TargetError(f"target {name[:100]}: {error}") from None
    return target


def _instance(module: str, attribute: str) -> Target:
    """What the class of that module makes; a TargetError if there is none, or no target."""
    here = os.getcwd()
    sys.path.append(here)  # last: no file here takes the place of a module that others mean
    try:
        imported = import_module(module)
    except ModuleNotFoundError as error:
        raise TargetError(str(error)) from None
    make = getattr(imported, attribute, None)
    if not callable(make):
        what = f"has no class {attribute}" if make is None else f"has {attribute}: not callable"
        raise TargetError(f"module {module} {what}{_elsewhere(imported.__file__, module, here)}")
    return checked(make(), "it")


def _elsewhere(file: str | None, module: str, here: str) -> str:
    """A module here that is not the one that was found."""
    own = Path(here, *module.split(".")).with_suffix(".py")
    if file is None or not own.exists() or own.samefile(file):
        return ""
    return f"; it is {file}, not the one here, which needs another name"
