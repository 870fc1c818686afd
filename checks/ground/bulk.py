"""Terms on many states at once: an array for each, with an axis for the states and each variable.

>>> from memhp.examples import last_block
>>> from memhp.reference import Topology
>>> from memhp.spec.language import load
>>> system = load("last block", (last_block,))
>>> states = Bulk(system, Topology({"Block": 2}, {}), np.array([[1, 1], [1, 0]]))
>>> claim = system.property_by_name["a_block_is_offline"]
>>> states.truth(claim.formula, claim.params).tolist()
[[False, False], [False, True]]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memhp.reference import Topology
from memhp.reference.formula import spans
from memhp.spec.language.system import System
from memhp.spec.language.terms import (
    INT,
    App,
    Call,
    Const,
    Next,
    Op,
    Quantified,
    Symbol,
    Term,
    Var,
)

__all__ = ["Array", "Bulk"]

Array = NDArray[Any]
Elements = Mapping[Var, int]


class Bulk:
    """Some states of one machine.

    Args:
        system: the specification; what it has as variables is read from the states.
        topology: what the machine is.
        states: one a row, as `memhp.reference.Machine.values` has its values.
    """

    def __init__(self, system: System, topology: Topology, states: Array) -> None:
        self.topology = topology
        self._states = states
        self._spans = spans(system, topology)
        self._tables = {name: np.array(table) for name, table in topology.tables.items()}
        self._variables: tuple[Var, ...] = ()
        self._known: dict[Term, Array] = {}

    def size(self, variables: Sequence[Var]) -> int:
        """How many values `truth` has."""
        return len(self._states) * prod(self.topology.size(var.sort) for var in variables)

    def truth(self, formula: Term, variables: Sequence[Var]) -> Array:
        """Whether the formula holds: for each state, and each choice of the variables' elements.

        Args:
            formula: expanded, of one state.
            variables: those that it does not quantify, and perhaps others.
        """
        return np.asarray(self.values(formula, variables) != 0)

    def values(self, term: Term, variables: Sequence[Var]) -> Array:
        """The value of a term; see `truth`."""
        if self._variables != tuple(variables):
            self._variables, self._known = tuple(variables), {}
        shape = [len(self._states), *(self.topology.size(var.sort) for var in variables)]
        return np.broadcast_to(self._value(term, {}), shape)

    def _value(self, term: Term, bound: Elements) -> Array:
        """The value; remembered, where it does not depend on what a quantifier binds."""
        if bound:
            return self._plain(term, bound)
        if term not in self._known:
            self._known[term] = self._plain(term, bound)
        return self._known[term]

    def _plain(self, term: Term, bound: Elements) -> Array:
        match term:
            case Var():
                return np.array(bound[term]) if term in bound else self._axis(term)
            case Const(name=name, sort=sort):
                return np.array(int(name) if sort == INT else (sort.members or ()).index(name))
            case App(symbol=symbol, args=args):
                return self._look(symbol, [self._value(arg, bound) for arg in args])
            case Op():
                return self._operation(term, [self._value(arg, bound) for arg in term.args])
            case Quantified():
                return self._quantified(term, bound)
            case Call() | Next():
                raise ValueError(f"{term}: not an expanded term of one state")

    def _axis(self, var: Var) -> Array:
        shape = [1] * (len(self._variables) + 1)
        shape[self._variables.index(var) + 1] = -1
        return np.arange(self.topology.size(var.sort)).reshape(shape)

    def _look(self, symbol: Symbol, args: Sequence[Array]) -> Array:
        row = np.zeros([1] * (len(self._variables) + 1), dtype=np.intp)
        for sort, arg in zip(symbol.domain, args, strict=True):
            row = row * self.topology.size(sort) + arg
        if symbol.name not in self._spans:
            return np.asarray(self._tables[symbol.name][row])
        every = np.arange(len(self._states)).reshape([-1] + [1] * len(self._variables))
        return np.asarray(self._states[every, self._spans[symbol.name][0] + row])

    def _operation(self, term: Op, args: Sequence[Array]) -> Array:
        match term.kind:
            case "not":
                return np.asarray(args[0] == 0)
            case "and":
                return np.asarray(np.logical_and.reduce(np.broadcast_arrays(*args)))
            case "or":
                return np.asarray(np.logical_or.reduce(np.broadcast_arrays(*args)))
            case "implies":
                return np.asarray((args[0] == 0) | (args[1] != 0))
            case "eq":
                return np.asarray(args[0] == args[1])
            case "ite":
                return np.where(args[0] != 0, args[1], args[2])
            case "add":
                return np.asarray(args[0] + args[1])
            case "le":
                return np.asarray(args[0] <= args[1])

    def _quantified(self, term: Quantified, bound: Elements) -> Array:
        elements = range(self.topology.size(term.var.sort))
        cases = [self._value(term.body, {**bound, term.var: each}) != 0 for each in elements]
        together = np.stack(np.broadcast_arrays(*cases))
        match term.kind:
            case "forall":
                return np.asarray(together.all(axis=0))
            case "exists":
                return np.asarray(together.any(axis=0))
            case "count":
                return np.asarray(together.sum(axis=0))
