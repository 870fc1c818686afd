"""What kernels have shown, as a document that is kept: dated, with versions, by operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from hashlib import sha256
from typing import Any

from memhp.spec.language.system import System

from .report import Report, Tally, together
from .scenarios import Check, Scenario
from .target import Operation, checked

__all__ = ["Results", "ResultsError", "Seen", "disagreement", "operations_of", "rules_of"]

_SCHEMA = "memhp-kernels/1"
_VERSION = 1
"""Of the documents of `disagreement`."""


class ResultsError(ValueError):
    """The document is none of these; the message says what is wrong with it."""


@dataclass(frozen=True)
class Seen:
    """What one kernel has shown.

    ``operations`` has a tally for each operation, ``scenarios`` whether each agreed;
    ``changes`` has a line for each step that only what came or went meanwhile explains;
    ``lost`` counts guests that ended or hung; it was ``stopped`` if somebody pressed Ctrl-C.
    """

    kernel: str
    version: str
    steps: int
    seconds: float
    seed: int
    operations: Mapping[str, Tally]
    deviations: Mapping[str, int]
    scenarios: Mapping[str, bool]
    changes: tuple[str, ...] = ()
    lost: int = 0
    stopped: bool = False

    @classmethod
    def of(
        cls,
        kernel: str,
        version: str,
        seed: int,
        report: Report,
        scenarios: Mapping[Scenario, Iterable[Check]],
        *,
        stopped: bool = False,
    ) -> Seen:
        """What a walk and scenarios on that kernel have shown."""
        return cls(
            kernel,
            version,
            report.total.steps,
            round(report.seconds, 1),
            seed,
            {
                name: replace(tally, seconds=round(tally.seconds, 1))
                for name, tally in sorted(report.tallies.items())
            },
            report.deviations,
            {s.name: all(check.agrees for check in checks) for s, checks in scenarios.items()},
            tuple(report.changes),
            len(report.lost),
            stopped,
        )

    @property
    def total(self) -> Tally:
        """All operations together."""
        return together(self.operations.values())

    @property
    def agrees(self) -> bool:
        """No step and no scenario disagreed, few steps are *changed*, and no guest was lost."""
        well = all(tally.agrees for tally in self.operations.values())
        return well and not self.lost and all(self.scenarios.values())


_WORDS = frozenset({"doc", "why", "where", "module"})


def rules_of(system: System) -> str:
    """A fingerprint of what the reference does; words and places in files do not count.

    It is of the axioms, definitions, variables and actions.
    """
    parts = (system.axioms, tuple(system.definitions.values()), system.variables, system.actions)
    return sha256(repr(_bare(parts)).encode()).hexdigest()[:16]


def _bare(part: object) -> object:
    if isinstance(part, tuple):
        return tuple(map(_bare, part))
    if is_dataclass(part):
        names = (field.name for field in fields(part) if field.name not in _WORDS)
        return tuple(_bare(getattr(part, name)) for name in names)
    return part


@dataclass(frozen=True)
class Results:
    """What all kernels have shown, on a day, with a QEMU, held against rules (`rules_of`)."""

    date: str
    qemu: str
    rules: str
    kernels: tuple[Seen, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of schema ``memhp-kernels/1`` (cli/schema/kernels.json)."""
        return {"schema": _SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, document: Any) -> Results:
        """The results in a document.  Raises ResultsError if it holds none."""
        try:
            if document["schema"] != _SCHEMA:
                raise ResultsError(f"no results of kernels of the schema {_SCHEMA}")
            kernels = [
                Seen(
                    **{
                        **each,
                        "operations": _tallies(each["operations"]),
                        "changes": tuple(each["changes"]),
                    }
                )
                for each in document["kernels"]
            ]
            date, qemu, rules = (str(document[name]) for name in ("date", "qemu", "rules"))
            return cls(date, qemu, rules, tuple(kernels))
        except (AttributeError, KeyError, TypeError) as error:
            raise ResultsError(f"no results of kernels: {error}") from None


def _tallies(document: Mapping[str, Mapping[str, int]]) -> dict[str, Tally]:
    return {name: Tally(**tally) for name, tally in document.items()}


def disagreement(kernel: str, operations: Iterable[Operation], report: str) -> dict[str, Any]:
    """What nothing explains, or what lost a guest: a document with which it is done again."""
    return {
        "memhp": "disagreement",
        "version": _VERSION,
        "kernel": kernel,
        "operations": [[name, *params] for name, params in operations],
        "report": report.splitlines(),
    }


def operations_of(document: Any) -> tuple[Operation, ...]:
    """The operations of such a document.  Raises ResultsError if it is malformed."""
    try:
        if document["version"] != _VERSION:
            raise ResultsError(f"no disagreement of version {_VERSION}")
        return tuple(checked(str(name), params) for name, *params in document["operations"])
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"no disagreement with a kernel: {error}") from None
