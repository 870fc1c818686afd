"""Terms are plain data: compared by structure, printed as a reader would write them."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest

from memhp.spec.language import DropGuard, SpecificationError
from memhp.spec.language import terms as t
from memhp.spec.language.rewrite import (
    after,
    closed,
    enabled,
    expand,
    substitute,
    term_text,
)
from memhp.spec.system import SYSTEM as MEMHP

from .conftest import Load, Write

BLOCK, FRAME = t.SortRef("Block"), t.SortRef("Frame")
MODE = t.SortRef("Mode", ("off", "on"))
F, B = t.Var("f", FRAME), t.Var("b", BLOCK)
FREE = t.Symbol("free", (FRAME,), t.BOOL, is_state=True)
OWNER = t.Symbol("block_of", (FRAME,), BLOCK, is_state=False)
STATE = t.Symbol("mode", (BLOCK,), MODE, is_state=True)
FREE_F = t.App(FREE, (F,))
ON = t.Const("on", MODE)
IS_ON = t.eq(t.App(STATE, (B,)), ON)


def test_terms_are_equal_by_structure_and_hashable() -> None:
    again = t.eq(t.App(STATE, (t.Var("b", BLOCK),)), t.Const("on", MODE))
    assert again == IS_ON
    assert hash(again) == hash(IS_ON)
    assert len({again, IS_ON, FREE_F}) == 2
    assert t.Var("b", BLOCK, "one") != t.Var("b", BLOCK, "two")


def test_equal_terms_are_one_object_wherever_they_come_from() -> None:
    assert t.Var("b", BLOCK) is t.Var("b", BLOCK, "") is t.Var(name="b", sort=BLOCK) is B
    assert replace(B, scope="one") is t.Var("b", BLOCK, "one")
    assert pickle.loads(pickle.dumps(IS_ON)) is copy.deepcopy(IS_ON) is IS_ON
    assert t.SortRef("Mode", ("off", "on")) is MODE


def test_terms_cannot_be_changed_and_travel_between_processes() -> None:
    with pytest.raises(AttributeError):
        ON.name = "off"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(IS_ON)) == IS_ON


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (IS_ON, "mode[b] == Mode.on"),
        (t.negate(IS_ON), "mode[b] != Mode.on"),
        (t.negate(FREE_F), "~free[f]"),
        (t.negate(t.conj(FREE_F, IS_ON)), "~(free[f] & (mode[b] == Mode.on))"),
        (t.implies(IS_ON, t.disj(FREE_F, t.eq(t.App(OWNER, (F,)), B))),
         "(mode[b] == Mode.on) -> (free[f] | (block_of[f] == b))"),
        (t.forall(F, t.exists(B, t.eq(t.App(OWNER, (F,)), B))),
         "forall f: Frame. exists b: Block. block_of[f] == b"),
        (t.conj(t.exists(F, FREE_F), IS_ON), "(exists f: Frame. free[f]) & (mode[b] == Mode.on)"),
        (t.ite(IS_ON, FREE_F, t.TRUE), "ite(mode[b] == Mode.on, free[f], true)"),
        (t.Next(IS_ON), "after(mode[b] == Mode.on)"),
        (t.Call("taken", (F,), t.BOOL), "taken(f)"),
    ],
)  # fmt: skip
def test_terms_are_printed_as_a_reader_would_write_them(term: t.Term, text: str) -> None:
    assert str(term) == text


@pytest.mark.parametrize(
    ("term", "simple"),
    [
        (t.conj(), t.TRUE),
        (t.disj(), t.FALSE),
        (t.conj(FREE_F, t.TRUE, FREE_F), FREE_F),
        (t.conj(FREE_F, t.FALSE), t.FALSE),
        (t.disj(FREE_F, t.TRUE), t.TRUE),
        (t.negate(t.negate(FREE_F)), FREE_F),
        (t.eq(ON, t.Const("off", MODE)), t.FALSE),
        (t.eq(F, F), t.TRUE),
        (t.eq(FREE_F, t.FALSE), t.negate(FREE_F)),
        (t.implies(FREE_F, t.FALSE), t.negate(FREE_F)),
        (t.implies(t.TRUE, FREE_F), FREE_F),
        (t.ite(FREE_F, ON, ON), ON),
        (t.ite(t.FALSE, F, F), F),
        (t.forall(F, t.TRUE), t.TRUE),
    ],
)
def test_trivial_terms_are_folded(term: t.Term, simple: t.Term) -> None:
    assert term == simple


def test_an_expression_is_no_key(write: Write) -> None:
    module = write("")
    with pytest.raises(TypeError, match="unhashable"):
        hash(module.Mode.on)


SYSTEM = '''
@definition
def taken(f: Frame) -> Bool:
    """Somebody has it."""
    return ~free[f]

@definition
def busy(b: Block) -> Bool:
    """Somebody has a frame of it."""
    return exists(Frame, lambda f: (block_of[f] == b) & taken(f))

@action
def start(b: Block) -> None:
    """Start."""
    guard("off", mode[b] == Mode.off, why="it is on")
    guard("idle", ~busy(b), why="it is busy")
    mode[b] = Mode.on
    free.update(where=lambda f: block_of[f] == b, value=lambda f: ~free[f])

@action
def swap(f: Frame, g: Frame) -> None:
    """Swap two frames."""
    free[f] = free[g]
    free[g] = free[f]

@always()
def claim(c: Block, f: Frame) -> Bool:
    """Says so."""
    return implies(mode[c] == Mode.on, free[f])

@sometimes()
def dream(c: Block) -> Bool:
    """Says so."""
    return mode[c] == Mode.on
'''


def test_after_a_point_update_the_point_has_the_value(loaded: Load) -> None:
    system = loaded(SYSTEM)
    start = system.action_by_name["start"]
    term = system.property_by_name["dream"].formula
    assert str(after(term, start)) == "ite(c == b, Mode.on, mode[c]) == Mode.on"


def test_after_a_bulk_update_every_point_reads_the_state_before(loaded: Load) -> None:
    system = loaded(SYSTEM)
    start = system.action_by_name["start"]
    term = system.property_by_name["claim"].formula
    assert isinstance(term, t.Op)
    assert str(after(term.args[1], start)) == "ite(block_of[f] == b, ~free[f], free[f])"


def test_two_updates_of_a_step_both_read_the_state_before(loaded: Load) -> None:
    system = loaded(SYSTEM)
    swap = system.action_by_name["swap"]
    read = t.App(swap.updates[0].symbol, (swap.params[0],))
    assert str(after(read, swap)) == "ite(f == g, free[f], free[g])"


def test_after_leaves_what_an_action_does_not_write(loaded: Load) -> None:
    system = loaded(SYSTEM)
    term = system.property_by_name["dream"].formula
    assert after(term, system.action_by_name["swap"]) == term


def test_after_follows_an_argument_that_is_state(loaded: Load) -> None:
    system = loaded(
        "home = variable(Frame, Frame, initial=lambda f: f)\n"
        '@action\ndef move(f: Frame, g: Frame) -> None:\n    """Move."""\n    home[f] = g\n'
        '@always()\ndef claim(h: Frame) -> Bool:\n    """Says so."""\n    return free[home[h]]\n'
    )
    term = system.property_by_name["claim"].formula
    assert str(after(term, system.action_by_name["move"])) == "free[ite(h == f, g, home[h])]"


def test_definitions_are_expanded_through_and_through(loaded: Load) -> None:
    system = loaded(SYSTEM)
    term = expand(enabled(system.action_by_name["start"]), system)
    assert str(term) == (
        "(mode[b] == Mode.off) & ~(exists f: Frame. (block_of[f] == b) & ~free[f])"
    )


def test_a_claim_is_closed_by_its_kind(loaded: Load) -> None:
    claims = loaded(SYSTEM).property_by_name
    assert str(closed(claims["claim"])).startswith("forall c: Block. forall f: Frame.")
    assert str(closed(claims["dream"])) == "exists c: Block. mode[c] == Mode.on"


def test_variables_of_one_name_in_two_declarations_are_two(loaded: Load) -> None:
    system = loaded(SYSTEM)
    claim, dream = system.property_by_name["claim"], system.property_by_name["dream"]
    assert claim.params[0] != dream.params[0]
    assert substitute(dream.formula, {claim.params[0]: B}) == dream.formula
    assert str(substitute(dream.formula, {dream.params[0]: B})) == "mode[b] == Mode.on"


def test_a_comparison_of_sorts_is_a_mistake_when_written(write: Write) -> None:
    module = write("")
    with pytest.raises(SpecificationError, match="true has sort Bool; sort Mode was expected"):
        _ = module.Mode.on == module.true


def test_enabled_means_the_guards_of_the_action_even_after_an_edit() -> None:
    action = MEMHP.action_by_name["finish_migration"]
    folio = t.Var("o", action.params[0].sort, "test")
    claim = t.Call("enabled.finish_migration", (folio,), t.BOOL)
    assert "Stage.moved" in str(expand(claim, MEMHP))
    changed = MEMHP
    for guard in action.guards:
        changed = DropGuard("finish_migration", guard.name).apply(changed)
    assert expand(claim, changed) == t.TRUE


def test_the_text_of_a_term_does_not_depend_on_what_its_variables_are_called() -> None:
    f, g, other = (t.Var(name, FRAME, "move") for name in ("f", "f2", "f3"))

    def text(free: t.Var, bound: t.Var, said: t.Var) -> str:
        return term_text((free,), t.exists(bound, t.conj(t.eq(bound, free), t.eq(bound, said))))

    assert text(f, g, g) == text(f, other, other) == text(g, f, f)
    assert text(f, g, g) != text(f, g, other)
