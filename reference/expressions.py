"""Expressions about one machine, as a person types them: `evaluate`.

They are written as a specification is (``block_state[block0] == online``), and are read here, never
run as Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from memhp.spec.language import terms
from memhp.spec.language.rewrite import closed
from memhp.spec.language.system import ENABLED, System
from memhp.spec.language.terms import BOOL, INT, App, Call, Const, SortRef, Term, Var

from .compile import Program
from .machine import Machine
from .topology import Topology, Value, cut, readable, unknown

__all__ = ["ExpressionError", "evaluate", "value_of"]

_LONGEST = 1_000
"""More characters are in no expression."""
_BINDERS = {"forall": terms.forall, "exists": terms.exists, "count": terms.count}
_FORMS = {
    "implies": "implies(premise, conclusion)",
    "ite": "ite(condition, then, otherwise)",
    **{name: f"{name}(Block, lambda b: …)" for name in _BINDERS},
}
_CONNECTIVES = {ast.BitAnd: terms.conj, ast.BitOr: terms.disj}


class ExpressionError(ValueError):
    """What was typed is no expression about the machine; the message is one line."""


def evaluate(text: str, machine: Machine) -> Value:
    """The value of an expression in the machine's state, as `Machine.get` gives values.

    An expression has variables and tables (``block_state[block0]``), definitions
    (``has_room(node0)``), actions (``begin_offline(block0)``: it would be taken), *always*
    properties by name, ``~ & | == != <= < >= > + -``, ``implies``, ``ite``, and ``forall``,
    ``exists`` and ``count`` with a sort and a lambda.

    Args:
        text: the expression, of at most 1,000 characters.
        machine: what it is about.

    Raises:
        ExpressionError: it is none.

    >>> from memhp.reference.shapes import Shape
    >>> from memhp.spec.system import SYSTEM
    >>> machine = Machine(SYSTEM, Shape(blocks=3).build(SYSTEM))
    >>> evaluate("count(Block, lambda b: block_state[b] == online)", machine)
    3
    """
    sort, number = value_of(text, machine)
    return readable(sort, number)


def value_of(text: str, machine: Machine) -> tuple[SortRef, int]:
    """The sort of an expression's value, and its number there; see `evaluate`.

    Args:
        text: as `evaluate` has it.
        machine: as `evaluate` has it.

    Raises:
        ExpressionError: as `evaluate` does.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression has at most {_LONGEST:,} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{cut(text)} is no expression") from None
    reader = _Reader(machine.system, machine.topology)
    term = reader.term(tree.body)
    program = Program(machine.system, machine.topology)
    value = program.term(term, tuple(reader.elements))(machine.values, *reader.elements.values())
    return term.sort, int(value)


@dataclass
class _Reader:
    """Makes terms of syntax; ``elements`` are those that were named, as variables."""

    system: System
    topology: Topology
    elements: dict[Var, int] = field(default_factory=dict)
    _bound: dict[str, Var] = field(default_factory=dict)

    def term(self, node: ast.expr, sort: SortRef | None = None) -> Term:
        """The term, which must be of the ``sort``, if one is given."""
        term = self._read(node, sort)
        if sort is not None and term.sort != sort:
            _wrong(node, f"has sort {term.sort}, where {sort} is needed")
        return term

    def _read(self, node: ast.expr, sort: SortRef | None) -> Term:
        match node:
            case ast.Name(id=name):
                return self._named(node, name, sort)
            case ast.Constant(value=int(value)) if type(value) is int:
                return self._number(node, value, sort)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return self._member(node, owner, name)
            case ast.UnaryOp(op=ast.Invert(), operand=body):
                return terms.negate(self.term(body, BOOL))
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr() as op, left=left, right=right):
                join = _CONNECTIVES[type(op)]
                return join(self.term(left, BOOL), self.term(right, BOOL))
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return terms.add(self.term(left, INT), self.term(right, INT))
            case ast.BinOp(op=ast.Sub(), left=left, right=ast.Constant(value=int(value))):
                return terms.add(self.term(left, INT), terms.number(-value))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compared(node, op, left, right)
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                return self._applied(node, name, _parts(inner))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._called(node, name, args, sort)
            case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                _wrong(node, "has and, or, not: write &, |, ~, and brackets around comparisons")
        _wrong(node, "is nothing that an expression can have")

    # --- names --------------------------------------------------------------------------------

    def _named(self, node: ast.expr, name: str, sort: SortRef | None) -> Term:
        if name in self._bound:
            return self._bound[name]
        if sort and sort.members and name in sort.members:
            return Const(name, sort)
        if name in ("true", "false"):
            return Const(name, BOOL)
        if element := self._element(node, name):
            return element
        if claim := self.system.property_by_name.get(name):
            if claim.kind != "always":
                _wrong(node, f"is a property of kind {claim.kind}, which no single state has")
            return closed(claim)
        return self._applied(node, name, (), sort)

    def _element(self, node: ast.expr, name: str) -> Var | None:
        """The element that has such a name (``frame3``), if a sort has."""
        match = re.fullmatch(r"([a-z_]+?)([0-9]{1,6})", name)
        for sort in self.system.unbounded_sorts:
            if match and sort.name.lower() == match[1]:
                return self._numbered(node, sort, int(match[2]))
        return None

    def _number(self, node: ast.expr, value: int, sort: SortRef | None) -> Term:
        if sort is None or sort == INT:
            return terms.number(value)
        if sort.members is not None:
            _wrong(node, f"is no {sort}: {', '.join(sort.members)}")
        return self._numbered(node, sort, value)

    def _numbered(self, node: ast.expr, sort: SortRef, number: int) -> Var:
        size = self.topology.size(sort)
        if not 0 <= number < size:
            _wrong(node, f"does not exist: {sort} has 0 to {size - 1}")
        var = Var(f"{sort.name.lower()}{number}", sort, "typed")
        self.elements[var] = number
        return var

    def _member(self, node: ast.expr, owner: str, name: str) -> Term:
        sort = self._sort(node, owner)
        if name not in (sort.members or ()):
            _wrong(node, f"is not there; {owner} has: {', '.join(sort.members or ('none',))}")
        return Const(name, sort)

    def _sort(self, node: ast.expr, name: str) -> SortRef:
        for sort in self.system.sorts:
            if sort.name == name:
                return sort
        raise ExpressionError(unknown("sort", name, (sort.name for sort in self.system.sorts)))

    # --- what takes arguments -----------------------------------------------------------------

    def _applied(
        self, node: ast.expr, name: str, args: Sequence[ast.expr], sort: SortRef | None = None
    ) -> Term:
        """A variable, a table, a definition or an action, applied."""
        for symbol in (*(each.symbol for each in self.system.variables), *self.system.topology):
            if symbol.name == name:
                return App(symbol, self._arguments(node, symbol.domain, args))
        for owner in (self.system.definitions, self.system.action_by_name):
            if name in owner:
                params = owner[name].params
                given = self._arguments(node, [var.sort for var in params], args)
                if owner is self.system.action_by_name:
                    return Call(f"{ENABLED}{name}", given, BOOL)
                return Call(name, given, self.system.definitions[name].body.sort)
        close = get_close_matches(name, self._names(sort), n=1)
        _wrong(node, "is not there" + (f"; did you mean {close[0]}?" if close else ""))

    def _names(self, sort: SortRef | None) -> list[str]:
        system = self.system
        symbols = (*(each.symbol for each in system.variables), *system.topology)
        names = [*(symbol.name for symbol in symbols), *system.definitions, *system.action_by_name]
        return [*(sort.members or () if sort else ()), *names, *system.property_by_name]

    def _arguments(
        self, node: ast.expr, sorts: Sequence[SortRef], args: Sequence[ast.expr]
    ) -> tuple[Term, ...]:
        if len(sorts) != len(args):
            needed = ", ".join(sort.name for sort in sorts) or "nothing"
            _wrong(node, f"is given {len(args)} arguments; it takes {needed}")
        return tuple(self.term(arg, sort) for arg, sort in zip(args, sorts, strict=True))

    def _called(
        self, node: ast.expr, name: str, args: Sequence[ast.expr], sort: SortRef | None
    ) -> Term:
        match name, args:
            case "implies", [premise, conclusion]:
                return terms.implies(self.term(premise, BOOL), self.term(conclusion, BOOL))
            case "ite", [condition, then, otherwise]:
                one, other = self._alike(then, otherwise, sort)
                return terms.ite(self.term(condition, BOOL), one, other)
            case (("forall" | "exists" | "count"), [ast.Name(id=of), ast.Lambda() as function]):
                return self._quantified(node, name, self._sort(node, of), function)
        if name in _FORMS:
            _wrong(node, f"is no {name}: write {_FORMS[name]}")
        return self._applied(node, name, args)

    def _quantified(self, node: ast.expr, name: str, sort: SortRef, function: ast.Lambda) -> Term:
        names = [each.arg for each in function.args.args]
        if len(names) != 1:
            _wrong(node, "has a lambda of one variable, as in: forall(Block, lambda b: …)")
        var = Var(names[0], sort, f"typed{len(self._bound)}")
        inner = _Reader(self.system, self.topology, self.elements, {**self._bound, names[0]: var})
        return _BINDERS[name](var, inner.term(function.body, BOOL))

    def _compared(self, node: ast.expr, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Term:
        for side in (left, right):
            if isinstance(side, ast.BinOp) and type(side.op) in _CONNECTIVES:
                _wrong(node, "compares what & or | joins: put brackets around each comparison")
        match op:
            case ast.Eq() | ast.NotEq():
                same = terms.eq(*self._alike(left, right))
                return same if isinstance(op, ast.Eq) else terms.negate(same)
            case ast.LtE() | ast.GtE() | ast.Lt() | ast.Gt():
                one, other = self.term(left, INT), self.term(right, INT)
                if isinstance(op, ast.LtE | ast.GtE):
                    return terms.le(*((one, other) if isinstance(op, ast.LtE) else (other, one)))
                pair = (other, one) if isinstance(op, ast.Lt) else (one, other)
                return terms.negate(terms.le(*pair))
        _wrong(node, "compares in no way that an expression can")

    def _alike(
        self, left: ast.expr, right: ast.expr, sort: SortRef | None = None
    ) -> tuple[Term, Term]:
        """Both sides; a member of an enumeration is known by the sort of the other side."""
        try:
            one = self.term(left, sort)
        except ExpressionError:
            other = self.term(right)
            return self.term(left, other.sort), other
        if isinstance(one, Const) and one.sort == INT:
            other = self.term(right)
            return self.term(left, other.sort), other
        return one, self.term(right, one.sort)


def _parts(node: ast.expr) -> Sequence[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _wrong(node: ast.expr, what: str) -> NoReturn:
    raise ExpressionError(f"{cut(ast.unparse(node))} {what}")
