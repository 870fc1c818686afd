"""Traces: runs that can be stored, shown and replayed, as ITF JSON.

The format is Apalache's Informal Trace Format
(https://apalache.informal.systems/docs/adr/015adr-trace.html).  The topology
stands in ``#meta``; the step that led to a state is named as Quint names it,
``mbt::actionTaken`` and ``mbt::nondetPicks``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from memhp.spec.language.system import System
from memhp.spec.language.terms import BOOL, INT, SortRef, Symbol

from .machine import Machine, diff
from .outcome import Change, Refusal, shown
from .page import run
from .topology import (
    Topology,
    Value,
    cut,
    element,
    element_name,
    unknown,
)

__all__ = ["Parting", "Step", "Trace", "TraceError"]

ACTION, PICKS = "mbt::actionTaken", "mbt::nondetPicks"
_FORMAT = "https://apalache.informal.systems/docs/adr/015adr-trace.html"

_LARGEST = 256 << 20
"""No more bytes of a file are read."""
_MOST_STATES = 100_000
"""More states than that are in no trace."""
_LARGEST_COUNT = 2**15 - 1
"""No variable of a trace counts further."""

T = TypeVar("T")


class TraceError(ValueError):
    """A trace that is malformed, or that the specification does not allow: where, and why."""


@dataclass(frozen=True)
class Step:
    """One step: an action and its parameters, as `Machine.step` takes them."""

    action: str
    params: Mapping[str, Value]


@dataclass(frozen=True)
class Parting:
    """Where two runs part: after ``steps`` alike one takes ``first``, the other ``second``.

    None is taken where a run has ended.  ``changes`` is what differs in their last states.
    """

    steps: int
    first: Step | None
    second: Step | None
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Trace:
    """A run of a system on one topology."""

    system_name: str
    """The name of the system that ran."""
    topology: Topology
    steps: tuple[Step, ...]
    """The steps that were taken."""
    start: tuple[int, ...] | None = None
    """The state before the first step, as `Machine.values` gives it; None for the one at boot."""
    loop: int | None = None
    """For a run without end, after how many steps the state at the end was seen before."""

    def replay(self, system: System) -> Iterator[Machine]:
        """Take the steps, one by one.

        Yields:
            The machine at the start, and after each step.

        Raises:
            TraceError: for a step that the system refuses or does not know.
            ValueError: if topology or start do not fit the system.
        """
        if self.system_name != system.name:
            raise TraceError(f"the trace is of system {self.system_name!r}, not {system.name!r}")
        machine = Machine(system, self.topology, self.start)
        yield machine
        for number, step in enumerate(self.steps, 1):
            machine = _taken(machine, step, f"step {number}")
            yield machine

    def _repr_html_(self) -> str:
        """For a notebook: its steps."""
        steps = [
            (each.action, ", ".join(f"{name}={value}" for name, value in each.params.items()))
            for each in self.steps
        ]
        end = "" if self.loop is None else f"and again from after step {self.loop}, without end"
        return run(self.system_name, self.topology.sizes, steps, end)

    def to_itf(self, system: System) -> dict[str, Any]:
        """The trace as an ITF document: plain dicts and lists, ready for JSON.

        Raises:
            TraceError: as `replay` does.
            ValueError: as `replay` does.
        """
        machines = list(self.replay(system))
        steps = [None, *self.steps]
        return {
            "#meta": {
                "format": "ITF",
                "format-description": _FORMAT,
                "description": f"a run of {system.name}, {len(self.steps)} steps",
                "memhp": {
                    "system": system.name,
                    "sizes": dict(self.topology.sizes),
                    "tables": {name: list(table) for name, table in self.topology.tables.items()},
                },
            },
            "vars": [ACTION, PICKS, *(variable.symbol.name for variable in system.variables)],
            "states": [
                {"#meta": {"index": index}, **_step_to_itf(machine, step), **_state_to_itf(machine)}
                for index, (machine, step) in enumerate(zip(machines, steps, strict=True))
            ],
            **({} if self.loop is None else {"loop": self.loop}),
        }

    def save(self, path: str | Path, system: System) -> None:
        """Write the trace as ITF JSON: the whole file, or nothing.

        Args:
            path: the file, which is replaced if it is there.
            system: as `replay` has it.

        Raises:
            TraceError: as `replay` does.
            ValueError: as `replay` does.
            OSError: it cannot be written.
        """
        place = Path(path)
        text = json.dumps(self.to_itf(system), indent=1) + "\n"
        if place.exists() and not place.is_file():  # a device or a pipe is not replaced
            place.write_text(text)
            return
        with TemporaryDirectory(prefix=".memhp-", dir=place.parent) as folder:
            written = Path(folder, "trace")
            written.write_text(text)
            written.replace(place.resolve())

    @classmethod
    def load(cls, path: str | Path, system: System) -> Trace:
        """The trace in a file of ITF JSON, replayed and compared as `from_itf` does.

        Raises:
            TraceError: the file is too large, is no JSON, or as `from_itf` says.
            OSError: it cannot be read.
        """
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise TraceError(f"the file is larger than {_LARGEST >> 20} MiB")
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise TraceError("the file is no JSON") from None
        return cls.from_itf(document, system)

    def diff(self, other: Trace, system: System) -> Parting | None:
        """Where another run of the same system on the same topology takes another way.

        None if both take the same steps.

        Raises:
            TraceError: as `replay` does.
            ValueError: as `replay` does, or the topologies differ.
        """
        pairs = zip_longest(self.steps, other.steps)
        at = next((n for n, (mine, its) in enumerate(pairs) if mine != its), len(self.steps))
        ends = [list(trace.replay(system)) for trace in (self, other)]
        changes = diff(*(machines[-1] for machines in ends))
        if at == len(self.steps) == len(other.steps) and not changes:
            return None
        mine, its = (trace.steps[at] if at < len(trace.steps) else None for trace in (self, other))
        return Parting(at, mine, its, changes)

    @classmethod
    def from_itf(cls, document: object, system: System) -> Trace:
        """The trace that an ITF document holds; each step is replayed, each state compared.

        Raises:
            TraceError: if the document is malformed, or says something else than the replay;
                with the place in the document.
        """
        root = _typed(document, dict, "the document")
        topology = _topology(root, system)
        states = _field(root, "states", list, "the document")
        if not states:
            raise TraceError("states: at least one state is needed")
        if len(states) > _MOST_STATES:
            raise TraceError(f"states: {len(states):,} are more than {_MOST_STATES:,}")
        booted = _fitting(system, topology)
        machine = _state(states[0], booted, "states[0]")
        start = None if machine == booted else machine.values
        steps, keys = [], [machine.key()]
        for index, state in enumerate(states[1:], 1):
            where = f"states[{index}]"
            steps.append(_step(state, machine, where))
            machine = _taken(machine, steps[-1], where)
            _compare(_state(state, booted, where), machine, where)
            keys.append(machine.key())
        return cls(system.name, topology, tuple(steps), start, _loop(root, keys))


def _loop(root: dict[str, Any], keys: list[bytes]) -> int | None:
    loop = root.get("loop")
    if loop is None:
        return None
    if type(loop) is not int or not 0 <= loop < len(keys) or keys[loop] != keys[-1]:
        raise TraceError(f"loop: the state at the end is not that of states[{cut(loop)}]")
    return loop


def _taken(machine: Machine, step: Step, where: str) -> Machine:
    after = machine.copy()
    try:
        outcome = after.step(step.action, **step.params)
    except ValueError as error:
        raise TraceError(f"{where}: {error}") from None
    if isinstance(outcome, Refusal):
        action = machine.system.action_by_name[step.action]
        what = shown(action.name, action.params, step.params)
        raise TraceError(f"{where}: {what} is refused: {outcome.why} ({outcome.guard})")
    return after


# --- writing --------------------------------------------------------------------------------------


def _step_to_itf(machine: Machine, step: Step | None) -> dict[str, Any]:
    """The step that led to the machine's state; None at the start."""
    if step is None:
        return {ACTION: "init", PICKS: {}}
    picks: dict[str, str | bool] = {}
    for var in machine.system.action_by_name[step.action].params:
        number = element(var.sort, step.params[var.name], machine.topology.size(var.sort))
        picks[var.name] = _itf(var.sort, number)
    return {ACTION: step.action, PICKS: picks}


def _state_to_itf(machine: Machine) -> dict[str, Any]:
    maps: dict[str, Any] = {}
    values = iter(machine.values)
    for variable in machine.system.variables:
        domain, result = variable.symbol.domain, variable.symbol.range
        points = machine.topology.points(domain)
        pairs = [[_key(domain, point), _itf(result, next(values))] for point in points]
        maps[variable.symbol.name] = {"#map": pairs}
    return maps


def _itf(sort: SortRef, number: int) -> str | bool:
    return bool(number) if sort == BOOL else element_name(sort, number)


def _key(sorts: tuple[SortRef, ...], point: tuple[int, ...]) -> Any:
    parts = [_itf(sort, number) for sort, number in zip(sorts, point, strict=True)]
    return parts[0] if len(parts) == 1 else {"#tup": parts}


# --- reading --------------------------------------------------------------------------------------


def _typed(value: object, kind: type[T], where: str) -> T:
    if not isinstance(value, kind):
        raise TraceError(f"{where} is a {type(value).__name__}, not a {kind.__name__}")
    return value


def _field(holder: dict[str, Any], name: str, kind: type[T], where: str) -> T:
    if name not in holder:
        raise TraceError(f"{where}: field {name!r} is missing")
    return _typed(holder[name], kind, f"{where}: field {name!r}")


def _topology(root: dict[str, Any], system: System) -> Topology:
    meta = _field(root, "#meta", dict, "the document")
    where = "#meta.memhp"
    ours = _field(meta, "memhp", dict, "#meta")
    name = _field(ours, "system", str, where)
    if name != system.name:
        raise TraceError(f"{where}: the trace is of system {cut(name)}, not {system.name!r}")
    sizes = _field(ours, "sizes", dict, where)
    tables = _field(ours, "tables", dict, where)
    for table, values in tables.items():
        _typed(values, list, f"{where}.tables.{table}")
    try:
        topology = Topology(sizes, {table: tuple(values) for table, values in tables.items()})
        topology.check_bounds(system)
        return topology
    except ValueError as error:
        raise TraceError(f"{where}: {error}") from None


def _fitting(system: System, topology: Topology) -> Machine:
    try:
        return Machine(system, topology)
    except ValueError as error:
        raise TraceError(f"#meta.memhp: {error}") from None


def _step(value: object, machine: Machine, where: str) -> Step:
    state = _typed(value, dict, where)
    name = _field(state, ACTION, str, where)
    picks = _field(state, PICKS, dict, where)
    if name not in machine.system.action_by_name:
        raise TraceError(f"{where}: {unknown('action', name, machine.system.action_by_name)}")
    try:
        return Step(name, machine.parameters(name, **picks))
    except ValueError as error:
        raise TraceError(f"{where}: {error}") from None


def _state(value: object, machine: Machine, where: str) -> Machine:
    """The machine in the state that the document gives."""
    state = _typed(value, dict, where)
    known = {ACTION, PICKS, *(variable.symbol.name for variable in machine.system.variables)}
    for name in state:
        if name not in known and not name.startswith("#"):
            raise TraceError(f"{where}: {unknown('variable', name, sorted(known))}")
    values: list[int] = []
    for variable in machine.system.variables:
        here = _values(state, variable.symbol, machine.topology, where)
        if variable.symbol.range == INT and any(abs(value) > _LARGEST_COUNT for value in here):
            raise TraceError(f"{where}: a number is too large to be a count")
        values += here
    return machine.at(values)


def _values(state: dict[str, Any], symbol: Symbol, topology: Topology, where: str) -> list[int]:
    """A variable's values, row-major."""
    holder = _field(state, symbol.name, dict, where)
    where = f"{where}.{symbol.name}"
    by_point: dict[tuple[int, ...], int] = {}
    for entry in _field(holder, "#map", list, where):
        pair = _typed(entry, list, f"{where}: an entry")
        if len(pair) != 2:
            raise TraceError(f"{where}: an entry has {len(pair)} parts, not a key and a value")
        try:
            point = _point(pair[0], symbol.domain, topology)
            value = element(symbol.range, pair[1], topology.size(symbol.range))
        except ValueError as error:
            raise TraceError(f"{where}: {error}") from None
        if point in by_point:
            raise TraceError(f"{where}: {_text(symbol.domain, point)} is given twice")
        by_point[point] = value
    points = topology.points(symbol.domain)
    for point in points:
        if point not in by_point:
            raise TraceError(f"{where}: {_text(symbol.domain, point)} is missing")
    return [by_point[point] for point in points]


def _point(key: object, sorts: tuple[SortRef, ...], topology: Topology) -> tuple[int, ...]:
    parts = key.get("#tup") if isinstance(key, dict) else [key]
    if not isinstance(parts, list) or len(parts) != len(sorts):
        raise ValueError(f"a key is {len(sorts)} elements, not {cut(key)}")
    return tuple(
        element(sort, part, topology.size(sort)) for sort, part in zip(sorts, parts, strict=True)
    )


def _text(sorts: tuple[SortRef, ...], point: tuple[int, ...]) -> str:
    return ", ".join(map(element_name, sorts, point))


def _compare(stored: Machine, replayed: Machine, where: str) -> None:
    changes = diff(stored, replayed)
    if changes:
        first = changes[0]
        place = f"{first.variable}[{', '.join(first.args)}]"
        raise TraceError(
            f"{where}: {place} is {first.before} in the document, {first.after} when replayed"
        )
