"""A system on one topology as plain Python functions, each made when it is first asked for.

The state is one flat list of ints: every variable's values, row-major, in
declaration order.  Sizes and places are constants in the generated code.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from memhp.spec.language.rewrite import closed
from memhp.spec.language.system import Action, Property, System, Update, Variable
from memhp.spec.language.terms import (
    BOOL,
    INT,
    App,
    Const,
    Op,
    Quantified,
    Term,
    Var,
    subterms,
)

from .formula import AFTER, BEFORE, Formulas
from .normal import conjuncts
from .outcome import OK, Outcome, Refusal
from .topology import Topology, unknown

__all__ = ["ActionCode", "Points", "Program", "State", "violated_axioms"]

State = list[int]
Points = list[tuple[int, ...]]


class ActionCode:
    """One action as functions of the state S, each made when it is first asked for.

    Elements and members are numbers; `refusal` and `step` take keywords and names of
    members, too.
    """

    def __init__(self, program: Program, action: Action) -> None:
        self._program = program
        self.action = action

    @cached_property
    def refusal(self) -> Callable[..., int]:
        """``refusal(S, *params)``: the 1-based number of the first guard that fails, or 0.

        It is -1 when an argument is not plainly right.
        """
        return self._program.refused(self.action)

    @cached_property
    def apply(self) -> Callable[..., None]:
        """``apply(S, *params)``: makes the updates in S, whatever the guards say."""
        return self._program.applied(self.action)

    @cached_property
    def step(self) -> Callable[..., int]:
        """``step(S, *params)``: as `refusal`, and where that is 0 the updates are made in S."""
        return self._program.taken(self.action)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What the numbers that `step` returns mean, from 0 on."""
        name = self.action.name
        return (OK, *(Refusal(name, g.name, g.errno, g.why) for g in self.action.guards))


class Program:
    """The functions of ``system`` on ``topology``.

    Raises:
        ValueError: if the topology does not fit the system.
    """

    def __init__(self, system: System, topology: Topology) -> None:
        topology.check(system)
        self.system = system
        self.topology = topology
        self.variables = {variable.symbol.name: variable for variable in system.variables}
        self.steps: dict[str, Callable[..., int]] = _Steps(self)
        self._formulas = Formulas(system, topology)
        self._actions: dict[str, ActionCode] = {}
        self._made: dict[tuple[str, str], Callable[..., Any]] = {}
        self._pack = array(_typecode(system, topology))

    @cached_property
    def initial(self) -> tuple[int, ...]:
        """The state at boot.

        Raises:
            ValueError: if an initial value reads state.
        """
        lines = [self._initial(variable) for variable in self.system.variables]
        return tuple(self._function((), [*lines, f"return {BEFORE}"])([]))

    def _initial(self, variable: Variable) -> str:
        """A statement that adds the variable's initial values to the state."""
        term, name = self._formulas.prepare(variable.initial), variable.symbol.name
        if any(isinstance(part, App) and part.symbol.is_state for part in subterms(term)):
            raise ValueError(f"the initial value of {name} reads state, which is not there yet")
        loops = (f"for {v.name} in range({self.topology.size(v.sort)})" for v in variable.params)
        return f"{BEFORE} += [_int({self._formulas.text(term)}) {' '.join(loops)}]"

    def place(self, variable: str, point: Sequence[int]) -> int:
        """The place in the flat state of a variable's value at one point."""
        place = 0
        symbol = self.variables[variable].symbol
        for sort, number in zip(symbol.domain, point, strict=True):
            place = place * self.topology.size(sort) + number
        return self._formulas.spans[variable][0] + place

    def span(self, variable: str) -> tuple[int, int]:
        """Where a variable's values start in the flat state, and where they end."""
        return self._formulas.spans[variable]

    def checked(self, values: Sequence[int]) -> State:
        """``values`` as a state: a list of its own.

        Raises:
            ValueError: if they are too few or too many, or one is out of its variable's range.
        """
        state = list(values)
        if len(state) != len(self.initial):
            raise ValueError(f"a state has {len(self.initial)} values, not {len(state)}")
        for name, variable in self.variables.items():
            if variable.symbol.range == INT:
                continue
            limit = self.topology.size(variable.symbol.range)
            for place in range(*self.span(name)):
                if type(state[place]) is not int or not 0 <= state[place] < limit:
                    raise ValueError(
                        f"value {state[place]!r} at position {place} ({name}) is no "
                        f"{variable.symbol.range} (0 to {limit - 1})"
                    )
        return state

    def pack(self, state: State) -> bytes:
        """The state as bytes: equal exactly when the states are."""
        code = self._pack.typecode
        try:
            return bytes(state) if code == "B" else array(code, state).tobytes()
        except OverflowError:  # where a search has cut guards off, a counter may run away
            return array("q", state).tobytes()

    def unpack(self, key: bytes) -> State:
        """The state that `pack` packed.

        Raises:
            ValueError: if the key has not this machine's length.
        """
        code, count = self._pack.typecode, len(self.initial)
        code = "q" if code == "h" and len(key) == count * array("q").itemsize else code
        expected = count * array(code).itemsize
        if len(key) != expected:
            raise ValueError(f"a key of this machine has {expected} bytes, not {len(key)}")
        return array(code, key).tolist()

    # --- actions ------------------------------------------------------------------------------

    def action(self, name: str) -> ActionCode:
        """The code of one action.

        Raises:
            ValueError: if there is no such action.
        """
        if name not in self._actions:
            action = self.system.action_by_name.get(name)
            if action is None:
                raise ValueError(unknown("action", name, self.system.action_by_name))
            self._actions[name] = self.compiled(action)
        return self._actions[name]

    def guard(self, action: str, guard: str) -> Callable[..., Any]:
        """``fn(S, *params)``: whether a guard of an action holds, for the action's parameters."""
        owner = self.action(action).action

        def make() -> Callable[..., Any]:
            return self.term(owner.guard(guard).condition, owner.params)

        return self._once("guard", f"{action}.{guard}", make)

    def enabled(self, name: str) -> Callable[[State], Points]:
        """``fn(S)``: the parameters, sorted, with which no guard of an action fails."""
        action = self.action(name).action

        def make() -> Callable[..., Points]:
            return self.possible(action)

        return self._once("enabled", name, make)

    def possible(self, action: Action) -> Callable[[State], Points]:
        """``fn(S)`` as `enabled` returns it, for an action that need not be the system's."""
        return self._search(action.params, [guard.condition for guard in action.guards])

    def compiled(self, action: Action) -> ActionCode:
        """The code, made anew, of an action that need not be the system's."""
        return ActionCode(self, action)

    def refused(self, action: Action) -> Callable[..., int]:
        """The function `ActionCode.refusal` of an action that need not be the system's."""
        return self._function(action.params, self._looks(action))

    def taken(self, action: Action) -> Callable[..., int]:
        """The function `ActionCode.step` of an action that need not be the system's."""
        return self._function(action.params, self._looks(action, *self._updates(action)))

    def _looks(self, action: Action, *then: str) -> list[str]:
        checks = (line for var in action.params for line in self._check(var))
        return [*checks, *self._guards(action), *then, "return 0"]

    def applied(self, action: Action) -> Callable[..., None]:
        """The function `ActionCode.apply` of an action that need not be the system's."""
        return self._function(action.params, self._updates(action) or ["pass"])

    def _check(self, var: Var) -> list[str]:
        name, members = var.name, var.sort.members
        if members is None:
            wrong = f"not 0 <= {name} < {self.topology.size(var.sort)}"
            return [f"if {name}.__class__ is not _int or {wrong}: return -1"]
        numbers: dict[str | int, int] = {member: at for at, member in enumerate(members)}
        numbers |= {at: at for at in range(len(members))}
        self._formulas.names[f"_E_{var.sort}"] = numbers.get
        return [f"{name} = _E_{var.sort}({name}, -1)", f"if {name} < 0: return -1"]

    def _guards(self, action: Action) -> list[str]:
        lines: list[str] = []
        for number, guard in enumerate(action.guards, 1):
            condition = self._formulas.prepare(guard.condition)
            lines += self._formulas.unless(condition, f"return {number}")
        return lines

    def _updates(self, action: Action) -> list[str]:
        """Reads first, writes last, so that every update sees the state before the step."""
        reads: list[str] = []
        writes: list[str] = []
        for number, update in enumerate(action.updates):
            make = self._bulk if update.point is None else self._point
            read, write = make(update, str(number))
            reads += read
            writes.append(write)
        return reads + writes

    def _point(self, update: Update, number: str) -> tuple[list[str], str]:
        point = [self._formulas.prepare(term) for term in update.point or ()]
        texts = {
            f"_p{number}": self._formulas.position(update.symbol, point, BEFORE),
            f"_v{number}": self._value(update.value),
        }
        reads = [f"{name} = {text}" for name, text in texts.items() if f"{BEFORE}[" in text]
        place, value = (name if f"{BEFORE}[" in text else text for name, text in texts.items())
        return reads, f"{BEFORE}[{place}] = {value}"

    def _value(self, term: Term) -> str:
        """The text of a value that is stored: an int, never a bool."""
        prepared = self._formulas.prepare(term)
        text = self._formulas.text(prepared)
        computed = isinstance(prepared, Op | Quantified) and prepared.sort == BOOL
        return f"_int({text})" if computed else text

    def _bulk(self, update: Update, number: str) -> tuple[list[str], str]:
        place = self._formulas.position(update.symbol, update.variables, BEFORE)
        value = self._value(update.value)
        constant = isinstance(update.value, Const)
        parts = conjuncts(self._formulas.prepare(update.condition))
        first, loops = self._formulas.plan(update.variables, parts)
        writes = f"[{place if constant else f'({place}, {value})'} {' '.join(loops)}]"
        if first:
            writes = f"{writes} if {' and '.join(first)} else ()"
        each, written = ("_i", value) if constant else ("_i, _v", "_v")
        return [f"_w{number} = {writes}"], f"for {each} in _w{number}: {BEFORE}[_i] = {written}"

    # --- formulas -----------------------------------------------------------------------------

    def term(
        self, term: Term, params: Sequence[Var] = (), *, two_states: bool = False
    ) -> Callable[..., Any]:
        """``fn(S, *params)``, the term's value; with ``two_states``, ``fn(S, S2, *params)``."""
        text = self._formulas.text(self._formulas.prepare(term))
        return self._function(params, [f"return {text}"], two_states=two_states)

    def definition(self, name: str) -> Callable[..., Any]:
        """``fn(S, *params)``: the value of a definition.

        Raises:
            ValueError: if there is no definition of that name.
        """
        if name not in self.system.definitions:
            raise ValueError(unknown("definition", name, self.system.definitions))
        named = self.system.definitions[name]
        return self._once("definition", name, lambda: self.term(named.body, named.params))

    def holds(self, name: str) -> Callable[..., Any]:
        """``fn(S, *params)``: a property's formula; ``fn(S, S2, *params)`` for one of a step.

        Raises:
            ValueError: if there is no such property.
        """
        claim, two = self._property(name)

        def make() -> Callable[..., Any]:
            return self.term(claim.formula, claim.params, two_states=two)

        return self._once("holds", name, make)

    def cases(self, name: str) -> Callable[..., Points]:
        """``fn(S)``, ``fn(S, S2)`` for one of a step: the parameters with which a property fails.

        For a *sometimes* property, those with which it holds.

        Raises:
            ValueError: if there is no such property.
        """
        if made := self._made.get(("cases", name)):
            return made  # walks ask for it at every step
        claim, two = self._property(name)

        def make() -> Callable[..., Points]:
            wanted = claim.kind == "sometimes"
            return self._search(claim.params, [claim.formula], holds=wanted, two_states=two)

        return self._once("cases", name, make)

    def _property(self, name: str) -> tuple[Property, bool]:
        claim = self.system.property_by_name.get(name)
        if claim is None:
            raise ValueError(unknown("property", name, self.system.property_by_name))
        return claim, claim.of_step

    def _search(
        self,
        params: Sequence[Var],
        terms: Sequence[Term],
        *,
        holds: bool = True,
        two_states: bool = False,
    ) -> Callable[..., Points]:
        prepared = [self._formulas.prepare(term) for term in terms]
        parts = [part for term in prepared for part in conjuncts(term, holds)]
        point = "".join(f"{var.name}, " for var in params)
        loop = self._formulas.nested(params, parts, f"_found.append(({point}))")
        lines = ["_found = []", *loop, "_found.sort()", "return _found"]
        return self._function((), lines, two_states=two_states)

    # --- code ---------------------------------------------------------------------------------

    def _once(
        self, kind: str, name: str, make: Callable[[], Callable[..., Any]]
    ) -> Callable[..., Any]:
        if (kind, name) not in self._made:
            self._made[kind, name] = make()
        return self._made[kind, name]

    def _function(
        self, params: Sequence[Var], lines: Sequence[str], *, two_states: bool = False
    ) -> Callable[..., Any]:
        states = [BEFORE, AFTER] if two_states else [BEFORE]
        head = f"def _function({', '.join([*states, *(var.name for var in params)])}):"
        names = self._formulas.names
        exec("\n    ".join([head, *lines]), names)
        function: Callable[..., Any] = names.pop("_function")
        return function


def _typecode(system: System, topology: Topology) -> str:
    """The narrowest array that holds every value; counters need room and a sign."""
    ranges = [variable.symbol.range for variable in system.variables]
    widest = max((topology.size(sort) for sort in ranges if sort != INT), default=1)
    if INT in ranges:
        return "h" if widest <= 1 << 15 else "l"
    return "B" if widest <= 1 << 8 else "H" if widest <= 1 << 16 else "I"


class _Steps(dict[str, Callable[..., int]]):
    """The actions' ``step`` functions; KeyError for a name that is no action's."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def __missing__(self, name: str) -> Callable[..., int]:
        if name not in self._program.system.action_by_name:
            raise KeyError(name)
        self[name] = step = self._program.action(name).step
        return step


def violated_axioms(system: System, topology: Topology) -> list[str]:
    """The names of the system's axioms that ``topology`` violates.

    Raises:
        ValueError: if the topology does not fit the system at all.
    """
    program = Program(system, topology)
    return [axiom.name for axiom in system.axioms if not program.term(closed(axiom))(())]
