"""What kernels have shown, as a document that is kept: dated, with versions, by operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from hashlib import sha256
from typing import Any

from memhp.spec.language.system import System
from memhp.spec.profiles import CHANGES, as_of

from .report import Report, Tally, together
from .scenarios import Check, Scenario
from .target import Operation, checked

__all__ = ["Results", "ResultsError", "Seen", "disagreement", "operations_of", "rules_of"]

_SCHEMA = "memhp-kernels/1"
_VERSION = 1
"""Of the documents of `disagreement`."""
_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
"""Of an operation, a deviation or a scenario."""
_LONGEST, _SHOWN = 4096, 40
"""Characters of a line, and of what a message shows."""
_MOST = 1 << 63


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
        """What a walk and scenarios on that kernel have shown.

        Args:
            kernel: its name.
            version: as `uname -r` says it.
            seed: what the walk was drawn from.
            report: how the walk went.
            scenarios: the checks of each that was played to its end.
            stopped: somebody pressed Ctrl-C.
        """
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
        """The tally of all operations together."""
        return together(self.operations.values())

    @property
    def agrees(self) -> bool:
        """No step and no scenario disagreed, few steps are *changed*, and no guest was lost."""
        well = all(tally.agrees for tally in self.operations.values())
        return well and not self.lost and all(self.scenarios.values())


_WORDS = frozenset({"doc", "why", "where", "module", "using"})


def rules_of(system: System) -> str:
    """A digest of the rules that kernels are followed with; words, hints and places do not count.

    It is of the axioms, definitions, variables and actions that the system has as Linux has it,
    from each version on that changed something (`CHANGES`).

    Args:
        system: the specification, without a profile.
    """
    systems = [(at, as_of(system, at)) for at in CHANGES]
    known: dict[int, object] = {}  # they have most of their parts in common
    parts = tuple((version, _bare(_followed(each), known)) for version, each in systems)
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _followed(system: System) -> object:
    return (system.axioms, tuple(system.definitions.values()), system.variables, system.actions)


def _bare(part: object, known: dict[int, object]) -> object:
    """The part without words; ``known`` has what is left of objects that were met before."""
    if isinstance(part, tuple):
        return tuple([_bare(each, known) for each in part])
    if not is_dataclass(part):
        return part
    if id(part) not in known:
        names = [field.name for field in fields(part) if field.name not in _WORDS]
        known[id(part)] = tuple([_bare(getattr(part, name), known) for name in names])
    return known[id(part)]


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
        """The results in a document.

        Raises:
            ResultsError: it holds none, or something in them is malformed.
        """
        try:
            if document["schema"] != _SCHEMA:
                raise ResultsError(f"no results of kernels of the schema {_SCHEMA}")
            date, qemu, rules = (_line(document[name]) for name in ("date", "qemu", "rules"))
            return cls(date, qemu, rules, tuple(map(_seen, document["kernels"])))
        except KeyError as error:
            raise ResultsError(f"no results of kernels: {str(error)[:_SHOWN]} is missing") from None
        except (AttributeError, TypeError):
            raise ResultsError("no results of kernels: a member is of another kind") from None


def _seen(document: Any) -> Seen:
    """What one kernel has shown.

    Raises:
        ResultsError, KeyError, AttributeError, TypeError: it is malformed.
    """
    names = {field.name for field in fields(Seen)}
    if unknown := document.keys() - names:
        raise ResultsError(f"no results of kernels: {min(unknown)[:_SHOWN]!r} is not known")
    return Seen(
        kernel=_line(document["kernel"]),
        version=_line(document["version"]),
        steps=_count(document["steps"]),
        seconds=_seconds(document["seconds"]),
        seed=_count(document["seed"], negative=True),
        operations={_name(n): _tally(each) for n, each in document["operations"].items()},
        deviations={_name(n): _count(each) for n, each in document["deviations"].items()},
        scenarios={_name(n): _flag(each) for n, each in document["scenarios"].items()},
        changes=tuple(map(_line, document["changes"])),
        lost=_count(document.get("lost", 0)),
        stopped=_flag(document.get("stopped", False)),
    )


def _tally(document: Mapping[str, Any]) -> Tally:
    counts = {n: each for n, each in document.items() if n != "seconds"}
    seconds = _seconds(document.get("seconds", 0.0))
    return Tally(**{n: _count(each) for n, each in counts.items()}, seconds=seconds)


def _line(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
        raise ResultsError("no results of kernels: it has a text that is no line")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ResultsError(f"no results of kernels: {value[:_SHOWN]!r} is no name")
    return value


def _count(value: object, *, negative: bool = False) -> int:
    if type(value) is not int or not -_MOST * negative <= value <= _MOST:
        raise ResultsError("no results of kernels: it has a count that is none")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise ResultsError("no results of kernels: it has a time that is none")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ResultsError("no results of kernels: it has an answer that is not true or false")
    return value


def disagreement(kernel: str, operations: Iterable[Operation], report: str) -> dict[str, Any]:
    """The document of a disagreement or a lost guest, with which `memhp replay` does it again.

    Args:
        kernel: its name.
        operations: all since the guest was booted, the last one in question.
        report: what is said of it, in lines.
    """
    return {
        "memhp": "disagreement",
        "version": _VERSION,
        "kernel": kernel,
        "operations": [[name, *params] for name, params in operations],
        "report": report.splitlines(),
    }


def operations_of(document: Any) -> tuple[Operation, ...]:
    """The operations in a document of `disagreement`.

    Raises:
        ResultsError: it is malformed.
    """
    try:
        if document["version"] != _VERSION:
            raise ResultsError(f"no disagreement of version {_VERSION}")
        _line(document["kernel"])
        return tuple(checked(name, params) for name, *params in document["operations"])
    except KeyError as error:
        raise ResultsError(f"no disagreement with a kernel: {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ResultsError(f"no disagreement with a kernel: {error}") from None
