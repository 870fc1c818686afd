"""What the engine does in lock step with the reference, kept as long as their code is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memhp.engine.target import EngineTarget
from memhp.spec.language.system import System

from ..support.store import (
    code_digest,
    digest_of,
    keep,
    kept,
    sealed,
    unsealed,
)
from .campaign import count_of, untold_on
from .reached import Reached, reached
from .topologies import built_for

__all__ = ["agreement"]

_DECISIVE = ("spec/**/*.py", "reference/**/*.py", "engine/**/*.py", "checks/fuzz/**/*.py")
"""The code that decides what comes of a lock step."""


def agreement(system: System, steps: int, *, folder: Path | None = None) -> Reached:
    """What walks of the engine in lock step with the reference do: actions taken, what is told.

    Args:
        system: the design to compare with.
        steps: how many operations in all.
        folder: where that is kept as long as the code is the same; without one, and after a
            divergence, the walks are taken anew.
    """
    path = folder / "lock-step.json" if folder else None
    key = digest_of(repr((system, steps, code_digest(*_DECISIVE))))
    if path and (earlier := _stored(path, key, system)) is not None:
        return earlier
    result = reached(system, EngineTarget(), steps=steps, looked_for=())
    if path and not result.divergence:
        _store(path, key, result)
    return result


def _stored(path: Path, key: str, system: System) -> Reached | None:
    """What the file says; a damaged file is as good as none."""
    try:
        document = unsealed(kept(path))
        if document["key"] != key:
            return None
        taken = _counts(document["taken"])
        entries = document["untold"].items()
        untold = {machine: untold_on(machine, of, system, {}) for machine, of in entries}
        steps, of = count_of(document["steps"]), count_of(document["of"])
        machines = {name: built_for(name, system) for name in untold}
        return Reached(system, steps, of, taken=taken, untold=untold, machines=machines)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _counts(document: Mapping[str, object]) -> Counter[str]:
    return Counter({name: count_of(count) for name, count in document.items()})


def _store(path: Path, key: str, result: Reached) -> None:
    document: dict[str, Any] = {
        "key": key,
        "steps": result.steps,
        "of": result.of,
        "taken": result.taken,
        "untold": {
            machine: {name: sorted(places) for name, places in of.items()}
            for machine, of in result.untold.items()
        },
    }
    keep(path, sealed(document))
