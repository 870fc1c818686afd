"""The reference machine: a topology, a state, and steps that the specification allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from memhp.spec.language.system import (
    Action,
    Guard,
    Kind,
    Property,
    System,
)
from memhp.spec.language.terms import SortRef, Var

from .compile import Program, State
from .outcome import OK, Change, Outcome, Refusal, Violation
from .page import page
from .topology import (
    Topology,
    Value,
    element,
    element_name,
    readable,
    unknown,
)

__all__ = ["Machine", "diff"]


class Machine:
    """One machine, executed.

    An element is passed as a number (``3``) or as a name (``"frame3"``), a member of an
    enumeration as a name; both come back as `get` describes.

    Args:
        system: the specification.
        topology: what the machine is.
        state: its values as `values` gives them; without it, the machine has just booted.

    Raises:
        ValueError: if the topology or the state does not fit the system.
        TypeError: if it is no topology.
    """

    __slots__ = ("_program", "_state", "_steps")

    def __init__(
        self, system: System, topology: Topology, state: Sequence[int] | None = None
    ) -> None:
        if not isinstance(topology, Topology):
            advice = "; build it: shape.build(system)" if hasattr(topology, "build") else ""
            raise TypeError(f"a machine is a Topology, not a {type(topology).__name__}{advice}")
        program = Program(system, topology)
        self._use(program, list(program.initial if state is None else program.checked(state)))

    def _use(self, program: Program, state: State) -> None:
        self._program = program
        self._steps = program.steps
        self._state = state

    @property
    def system(self) -> System:
        """The specification that the machine executes."""
        return self._program.system

    @property
    def topology(self) -> Topology:
        """What the machine is."""
        return self._program.topology

    @property
    def values(self) -> tuple[int, ...]:
        """The state: every variable's values, row-major, in declaration order."""
        return tuple(self._state)

    # --- steps --------------------------------------------------------------------------------

    def step(self, action: str, /, *args: object, **params: object) -> Outcome:
        """Take one step, if its guards allow it.

        Args:
            args: the action's parameters, in their order.
            params: the action's other parameters, by name.

        Returns:
            `OK`, which is true, or a `Refusal`, which is false.

        Raises:
            ValueError: for an action, a parameter or an element that does not exist.
        """
        try:
            failed = self._steps[action](self._state, *args, **params)
        except (KeyError, TypeError):
            failed = -1
        if failed == 0:
            return OK
        code = self._program.action(action)
        if failed < 0:
            failed = code.step(self._state, *self._arguments(code.action, args, params))
        return code.outcomes[failed]

    def why_not(self, action: str, /, *args: object, **params: object) -> Refusal | None:
        """Why `step` would refuse; None if it would not.

        Raises:
            ValueError: as `step` does.
        """
        code = self._program.action(action)
        try:
            failed = code.refusal(self._state, *args, **params)
        except TypeError:
            failed = -1
        if failed < 0:
            failed = code.refusal(self._state, *self._arguments(code.action, args, params))
        outcome = code.outcomes[failed]
        return outcome if isinstance(outcome, Refusal) else None

    def failing(self, action: str, /, *args: object, **params: object) -> tuple[Guard, ...]:
        """Every guard of the action that fails now, in declaration order.

        Raises:
            ValueError: as `step` does.
        """
        declared = self._program.action(action).action
        point = self._arguments(declared, args, params)
        return tuple(
            guard
            for guard in declared.guards
            if not self._program.guard(action, guard.name)(self._state, *point)
        )

    def enabled(self, *actions: str) -> Iterator[tuple[str, dict[str, Value]]]:
        """Every step that would be taken now: action and parameters, for ``step(name, **params)``.

        Args:
            actions: the names of the actions to look at; all by default.

        Raises:
            ValueError: for an action that does not exist.
        """
        for name in actions or self.system.action_by_name:
            points = self._program.enabled(name)(self._state)
            params = self.system.action_by_name[name].params
            yield from ((name, _readable_point(params, point)) for point in points)

    def parameters(self, action: str, /, *args: object, **params: object) -> dict[str, Value]:
        """The action's parameters as `enabled` gives them: checked, by name.

        Raises:
            ValueError: as `step` does.
        """
        declared = self._program.action(action).action
        return _readable_point(declared.params, self._arguments(declared, args, params))

    def _arguments(
        self, action: Action, args: Sequence[object], params: Mapping[str, object]
    ) -> tuple[int, ...]:
        names = [var.name for var in action.params]
        for name in params:
            if name not in names:
                raise ValueError(f"{action.name}: {unknown('parameter', name, names)}")
        if len(args) > len(names):
            raise ValueError(f"{_usage(action)} is given {len(args)} parameters by position")
        by_position = dict(zip(names, args, strict=False))
        for name in names:
            if name in by_position and name in params:
                raise ValueError(f"{_usage(action)} is given {name} twice")
            if name not in by_position and name not in params:
                raise ValueError(f"{_usage(action)} is not given {name}")
        values = {**by_position, **params}
        try:
            return tuple(self._element(var.sort, values[var.name]) for var in action.params)
        except ValueError as error:
            raise ValueError(f"{_usage(action)}: {error}") from None

    # --- properties ---------------------------------------------------------------------------

    def violations(self) -> list[Violation]:
        """Every *always* property that fails now, with the elements for which it does.

        What the machine's profile gives up is left out; see `violations_of` for it.
        """
        return self._violations("always", self._state)

    def step_violations(self, before: Machine) -> list[Violation]:
        """Every *step* property that the step from ``before`` to this machine violates.

        What the machine's profile gives up is left out; see `violations_of` for it.
        """
        self._check_same_shape(before)
        return self._violations("step", before._state, self._state)

    def violations_of(self, name: str, before: Machine | None = None) -> list[Violation]:
        """How an *always* property fails now, or a *step* property in the step from ``before``.

        It may be one that the machine's profile gives up.

        Raises:
            ValueError: if there is no such property.
        """
        claim = self._claim(name, "always", "step")
        return [
            Violation(claim, _readable_point(claim.params, point))
            for point in self._cases(claim, before)
        ]

    def witnesses(self, name: str, before: Machine | None = None) -> list[dict[str, Value]]:
        """The elements for which a *sometimes* property holds now.

        One that is about a step is asked of the step from ``before`` to this
        machine; without a ``before``, nothing witnesses it.

        Raises:
            ValueError: if there is no such property.
        """
        claim = self._claim(name, "sometimes")
        return [_readable_point(claim.params, point) for point in self._cases(claim, before)]

    def _claim(self, name: str, *kinds: Kind) -> Property:
        claim = self.system.property_by_name.get(name)
        if claim is None:
            raise ValueError(unknown("property", name, self.system.property_by_name))
        if claim.kind not in kinds:
            raise ValueError(f"{name} is a property of kind {claim.kind}, not {' or '.join(kinds)}")
        return claim

    def _cases(self, claim: Property, before: Machine | None) -> list[tuple[int, ...]]:
        cases = self._program.cases(claim.name)
        if not claim.of_step:
            return cases(self._state)
        if before is None:
            return []
        self._check_same_shape(before)
        return cases(before._state, self._state)

    def _violations(self, kind: Kind, *states: State) -> list[Violation]:
        return [
            Violation(claim, _readable_point(claim.params, point))
            for claim in self.system.of_kind(kind)
            if claim.name not in self.system.given_up
            for point in self._program.cases(claim.name)(*states)
        ]

    # --- reading ------------------------------------------------------------------------------

    def get(self, name: str, /, *args: object) -> Value:
        """The value of a variable, or of a table of the topology, at one point.

        Returns:
            A bool, an enumeration member's name, or an element's number.

        Raises:
            ValueError: for a variable, a table or an element that does not exist.
        """
        if name in self._program.variables:
            symbol = self._program.variables[name].symbol
            point = self._point(name, symbol.domain, args)
            return readable(symbol.range, self._state[self._program.place(name, point)])
        for symbol in self.system.topology:
            if symbol.name == name:
                return self.topology.value(symbol, self._point(name, symbol.domain, args))
        tables = (symbol.name for symbol in self.system.topology)
        raise ValueError(unknown("variable or table", name, [*self._program.variables, *tables]))

    def state(self) -> dict[str, Value | dict[Value | tuple[Value, ...], Value]]:
        """Every variable's value by name, as `get` gives it: plain data for other tools.

        A variable of elements is a dict: by the element, or by a tuple of several.
        """
        values = iter(self._state)
        state: dict[str, Value | dict[Value | tuple[Value, ...], Value]] = {}
        for variable in self.system.variables:
            domain, result = variable.symbol.domain, variable.symbol.range
            table: dict[Value | tuple[Value, ...], Value] = {}
            for numbers in self.topology.points(domain):
                point = tuple(map(readable, domain, numbers))
                table[point[0] if len(point) == 1 else point] = readable(result, next(values))
            state[variable.symbol.name] = table if domain else table[()]
        return state

    def evaluate(self, definition: str, /, *args: object) -> Value:
        """The value of one of the specification's definitions at one point, as `get` gives it.

        Raises:
            ValueError: for a definition or an element that does not exist.
        """
        function = self._program.definition(definition)
        named = self.system.definitions[definition]
        point = self._point(definition, [var.sort for var in named.params], args)
        return readable(named.body.sort, function(self._state, *point))

    def _point(
        self, name: str, sorts: Sequence[SortRef], args: Sequence[object]
    ) -> tuple[int, ...]:
        if len(args) != len(sorts):
            expected = ", ".join(sort.name for sort in sorts)
            raise ValueError(f"{name}[{expected}] is given {len(args)} arguments")
        return tuple(self._element(sort, arg) for sort, arg in zip(sorts, args, strict=True))

    def _element(self, sort: SortRef, value: object) -> int:
        return element(sort, value, self.topology.size(sort))

    # --- states -------------------------------------------------------------------------------

    def copy(self) -> Machine:
        """Another machine in the same state; cheap, it shares the compiled code."""
        other = Machine.__new__(Machine)
        other._use(self._program, self._state.copy())
        return other

    def at(self, values: Sequence[int]) -> Machine:
        """The same machine in the state that has those `values`.

        Raises:
            ValueError: if they are too few, too many or out of range.
        """
        other = Machine.__new__(Machine)
        other._use(self._program, self._program.checked(values))
        return other

    def key(self) -> bytes:
        """The state as bytes: equal exactly when the states of one topology are."""
        return self._program.pack(self._state)

    def restore(self, key: bytes) -> None:
        """Go back to the state that `key` gave, on any machine of this topology.

        Raises:
            ValueError: if the key's length is another machine's.
        """
        self._state = self._program.unpack(key)

    def __reduce__(self) -> tuple[type[Machine], tuple[System, Topology, tuple[int, ...]]]:
        """For pickle: the machine is made anew from what it is."""
        return type(self), (self.system, self.topology, self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Machine):
            return NotImplemented
        return self._state == other._state and self._same_shape(other)

    def __hash__(self) -> int:
        return hash((self.system.name, self.key()))

    def _same_shape(self, other: Machine) -> bool:
        mine, its = self._program, other._program
        return mine is its or (mine.system == its.system and mine.topology == its.topology)

    def _check_same_shape(self, other: Machine) -> None:
        if not self._same_shape(other):
            raise ValueError("the two machines differ in system or topology")

    def __repr__(self) -> str:
        sizes = ", ".join(f"{size} {name}" for name, size in self.topology.sizes.items())
        moved = sum(a != b for a, b in zip(self._state, self._program.initial, strict=True))
        values = "value" if moved == 1 else "values"
        return f"<Machine {self.system.name}: {sizes}; {moved} {values} changed since boot>"

    def _repr_html_(self) -> str:
        """For a notebook: what has changed since boot."""
        changes = diff(self.at(self._program.initial), self)
        return page(self.system.name, self.topology.sizes, changes)


def diff(before: Machine, after: Machine) -> tuple[Change, ...]:
    """What differs between two states of one machine, in the state's order.

    Raises:
        ValueError: if the machines differ in system or topology.
    """
    before._check_same_shape(after)
    changes: list[Change] = []
    program = before._program
    for variable in program.system.variables:
        symbol = variable.symbol
        start, end = program.span(symbol.name)
        if before._state[start:end] == after._state[start:end]:
            continue
        for place, point in enumerate(program.topology.points(symbol.domain), start):
            old, new = before._state[place], after._state[place]
            if old != new:
                changes.append(
                    Change(
                        symbol.name,
                        tuple(map(element_name, symbol.domain, point)),
                        element_name(symbol.range, old),
                        element_name(symbol.range, new),
                    )
                )
    return tuple(changes)


def _readable_point(params: Sequence[Var], point: Sequence[int]) -> dict[str, Value]:
    return {var.name: readable(var.sort, number) for var, number in zip(params, point, strict=True)}


def _usage(action: Action) -> str:
    return f"{action.name}({', '.join(f'{var.name}: {var.sort}' for var in action.params)})"
