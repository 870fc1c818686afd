"""What the interpreter and the proof share is held against answers worked out by hand.

Both expand definitions and rebuild terms with the same functions: comparing the one
with the other would not notice a fault there.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from memhp.reference import Machine, Program, Topology, violated_axioms
from memhp.spec.language import load
from memhp.spec.language.rewrite import expand, rebuild, substitute
from memhp.spec.language.terms import (
    BOOL,
    INT,
    Call,
    Op,
    Quantified,
    SortRef,
    Term,
    Var,
    subterms,
)

from . import toy, toy_false, toy_moves, toy_pages

PAGES = load("toy_pages", (toy_pages,))
PAGE = SortRef("Page")
THREE = Topology(
    {"Node": 2, "Page": 3}, {"twin": (1, 0, 2), "beside": (1, 0), "first_node": (0, 0, 1)}
)


def test_a_definition_means_what_it_says() -> None:
    """`leads_to(p, q)`: q is the twin of p, and free."""
    machine = Machine(PAGES, THREE)
    assert machine.step("take", 0)
    p, q = Var("p", PAGE, "here"), Var("q", PAGE, "here")
    called = Program(PAGES, THREE).term(Call("leads_to", (p, q), BOOL), (p, q))
    twins, free = (1, 0, 2), (False, True, True)
    for one, other in product(range(3), repeat=2):
        expected = twins[one] == other and free[other]
        assert bool(called(list(machine.values), one, other)) == expected
        assert machine.evaluate("leads_to", one, other) == expected


def test_an_expanded_term_calls_nothing_and_keeps_its_parameters() -> None:
    p, q = Var("p", PAGE, "here"), Var("q", PAGE, "here")
    term = expand(Call("leads_to", (q, p), BOOL), PAGES)
    assert str(term) == "(twin[q] == p) & (use[p] == Use.free)"


def test_what_is_substituted_is_substituted_once() -> None:
    p, q = Var("p", PAGE), Var("q", PAGE)
    both = Op("eq", (p, q))
    assert substitute(both, {p: q, q: p}) == Op("eq", (q, p))


def test_a_rebuilt_term_is_the_same() -> None:
    p, q = Var("p", BOOL), Var("q", BOOL)
    m, n = Var("m", INT), Var("n", INT)
    terms: list[Term] = [Op(kind, (p, q)) for kind in ("and", "or", "implies", "eq")]
    terms += [Op("not", (p,)), Op("ite", (p, m, n)), Op("add", (m, n)), Op("le", (m, n))]
    terms += [Quantified(kind, p, q) for kind in ("forall", "exists", "count")]
    for module in (toy, toy_false, toy_moves, toy_pages):
        system = load(module.__name__, (module,))
        terms += [part for claim in system.properties for part in subterms(claim.formula)]
    for term in terms:
        assert rebuild(term, lambda part: part) == term
    other = Var("r", BOOL)
    for kind in ("and", "or", "implies", "eq"):
        rebuilt = rebuild(Op(kind, (p, q)), lambda part: other if part is p else part)
        assert rebuilt == Op(kind, (other, q))


def test_an_axiom_is_about_all_elements() -> None:
    """Of three pages two are each other's twins, and the third is led astray."""
    assert violated_axioms(PAGES, THREE) == []
    astray = replace(THREE, tables={**THREE.tables, "twin": (1, 0, 0)})
    assert violated_axioms(PAGES, astray) == ["twins_are_mutual"]
