"""Random terms of the toy system of this folder."""

from __future__ import annotations

import random

from memhp.spec.language.system import System
from memhp.spec.language.terms import (
    BOOL,
    App,
    Call,
    Const,
    Next,
    Op,
    Quantified,
    SortRef,
    Symbol,
    Term,
    Var,
)

FRAME = SortRef("Frame")
PARAMS = (Var("n", SortRef("Node")), Var("b", SortRef("Block")), Var("f", FRAME))


class Terms:
    """Random terms of the toy system: seeded, well-sorted, with quantifiers that share names."""

    def __init__(self, system: System, seed: int, *, two_states: bool) -> None:
        self.random = random.Random(seed)
        self.system = system
        self.symbols = [*system.topology, *(variable.symbol for variable in system.variables)]
        self.sorts = [sort for sort in system.sorts if sort.members is None]
        self.two_states = two_states

    def formula(self, depth: int, known: tuple[Var, ...]) -> Term:
        if depth == 0:
            return self.equation(known)
        if self.two_states and self.random.random() < 0.15:
            return self.after(depth, known)
        kind = self.random.choice(["not", "and", "or", "implies", "eq", "exists", "forall", "atom"])
        match kind:
            case "not":
                return Op("not", (self.formula(depth - 1, known),))
            case "and" | "or":
                parts = tuple(self.formula(depth - 1, known) for _ in range(2))
                return Op("and" if kind == "and" else "or", parts)
            case "implies" | "eq":
                parts = tuple(self.formula(depth - 1, known) for _ in range(2))
                return Op("implies" if kind == "implies" else "eq", parts)
            case "exists" | "forall":
                sort = self.random.choice(self.sorts)
                var = Var(self.random.choice("xy"), sort)
                inside = (*(v for v in known if v.name != var.name), var)
                body = self.formula(depth - 1, inside)
                return Quantified("exists" if kind == "exists" else "forall", var, body)
        return self.equation(known)

    def after(self, depth: int, known: tuple[Var, ...]) -> Term:
        inner = Terms(self.system, 0, two_states=False)
        inner.random = self.random
        return Next(inner.formula(depth - 1, known))

    def equation(self, known: tuple[Var, ...]) -> Term:
        symbol = self.random.choice(self.symbols)
        left = self.element(symbol.range, 2, known, symbol)
        return left if left.sort == BOOL else Op("eq", (left, self.element(left.sort, 2, known)))

    def element(
        self, sort: SortRef, depth: int, known: tuple[Var, ...], symbol: Symbol | None = None
    ) -> Term:
        variables = [var for var in known if var.sort == sort]
        options = [known_symbol for known_symbol in self.symbols if known_symbol.range == sort]
        if symbol is None and self.random.random() < 0.2 and sort.name == "Node":
            return Call("node_of_frame", (self.element(FRAME, 0, known),), sort)
        if symbol is None and (depth == 0 or not options or self.random.random() < 0.4):
            if sort.members:
                return Const(self.random.choice(sort.members), sort)
            return self.random.choice(variables)
        if symbol is None and self.random.random() < 0.2:
            yes, no = (self.element(sort, depth - 1, known) for _ in range(2))
            return Op("ite", (self.equation(known), yes, no))
        chosen = symbol or self.random.choice(options)
        args = tuple(self.element(part, max(depth - 1, 0), known) for part in chosen.domain)
        return App(chosen, args)
