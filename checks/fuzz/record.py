"""A divergence that is kept: a JSON document with all that is needed to see it again.

``{"memhp": "divergence", "version": 1, "system": …, "seed": …, "topology":
{"sizes": …, "tables": …}, "operations": [[name, …], …], "report": …}``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memhp.reference.target import ReferenceTarget, Target
from memhp.reference.topology import Topology, Value, cut
from memhp.spec.language.system import System

from .lockstep import Divergence, first_divergence
from .protocol import TargetError, guess
from .rules import Operation, Rule, every

__all__ = ["Record", "RecordError"]

_VERSION = 1
_MOST = 100_000
"""More operations than that are in no record."""


class RecordError(ValueError):
    """The document is no divergence that can be replayed: where, and why."""


@dataclass(frozen=True)
class Record:
    """Operations on a topology, after the last of which a target differed.

    Attributes:
        system: the specification's name.
        seed: of the walk that found it.
        topology: the machine.
        operations: from boot on.
        report: how the target differed, line by line.
        trace: the traceback if the target raised something.
    """

    system: str
    seed: int
    topology: Topology
    operations: tuple[Operation, ...]
    report: str
    trace: str = ""

    @classmethod
    def of(cls, system: System, topology: Topology, seed: int, divergence: Divergence) -> Record:
        """The record of a divergence.

        Args:
            system: the design that the target was compared with.
            topology: the machine that both had booted.
            seed: of the walk that diverged.
            divergence: how the target differed, and after which operations.
        """
        report, trace = str(divergence), divergence.trace
        return cls(system.name, seed, topology, divergence.operations, report, trace)

    def replay(self, system: System, target: Target) -> Divergence | None:
        """The first divergence when the operations are done again; None if there is none now.

        Raises:
            RecordError: ``system`` is another one, or does not know an operation.
            TargetError: the target does not keep to what a target must return.
        """
        if system.name != self.system:
            raise RecordError(
                f"system: the record is of {cut(self.system)}, not of {system.name!r}"
            )
        try:
            self.topology.check_bounds(system)
            self.topology.check(system)
            for name, params in self.operations:
                _rule(name, system).check(self.topology, params)
            return first_divergence(ReferenceTarget(system), target, self.topology, self.operations)
        except TargetError:
            raise
        except ValueError as error:
            raise RecordError(f"the record does not fit the specification: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """The document of which `from_json` makes the record."""
        return {
            "memhp": "divergence",
            "version": _VERSION,
            "system": self.system,
            "seed": self.seed,
            "topology": {
                "sizes": dict(self.topology.sizes),
                "tables": {name: list(table) for name, table in self.topology.tables.items()},
            },
            "operations": [[name, *params] for name, params in self.operations],
            "report": self.report.splitlines(),
            **({"trace": self.trace.splitlines()} if self.trace else {}),
        }

    @classmethod
    def from_json(cls, document: object) -> Record:
        """The record that `to_json` wrote to the document.

        Raises:
            RecordError: the document is malformed.
        """
        root = _mapping(document, "the document")
        if root.get("memhp") != "divergence" or root.get("version") != _VERSION:
            raise RecordError(f"the document is no divergence of version {_VERSION}")
        topology = _mapping(root.get("topology"), "topology")
        tables = _mapping(topology.get("tables"), "topology.tables")
        try:
            machine = Topology(
                _mapping(topology.get("sizes"), "topology.sizes"),
                {str(name): tuple(_list(row, name)) for name, row in tables.items()},
            )
        except (TypeError, ValueError) as error:
            raise RecordError(f"topology: {error}") from None
        seed, named = root.get("seed"), root.get("system")
        if type(seed) is not int:
            raise RecordError(f"seed: {cut(seed)} is no whole number")
        if not isinstance(named, str):
            raise RecordError(f"system: {cut(named)} is no name")
        rows = _list(root.get("operations"), "operations")
        if len(rows) > _MOST:
            raise RecordError(f"operations: {len(rows)} are more than {_MOST}")
        operations = tuple(map(_operation, rows))
        report, trace = (_text(root.get(name, []), name) for name in ("report", "trace"))
        return cls(named, seed, machine, operations, report, trace)


def _rule(name: str, system: System) -> Rule:
    rules = every(system)
    if name not in rules:
        raise ValueError(f"there is no operation {cut(name)}{guess(name, rules)}")
    return rules[name]


def _text(lines: object, where: str) -> str:
    if not all(isinstance(line, str) for line in _list(lines, where)):
        raise RecordError(f"{where}: a list of lines is needed")
    return "\n".join(_list(lines, where))


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RecordError(f"{where}: an object is needed, not {cut(value)}")
    return value


def _list(value: object, where: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise RecordError(f"{where}: a list is needed, not {cut(value)}")
    return value


def _operation(value: object) -> Operation:
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        raise RecordError(f"operations: {cut(value)} is no list that begins with a name")
    params: tuple[Value, ...] = tuple(value[1:])
    for param in params:
        if not isinstance(param, int | str):
            raise RecordError(f"operations: {cut(param)} is no number and no word")
    return value[0], params
