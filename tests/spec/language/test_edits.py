"""A variant that does not fit the specification is an error, never the specification itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from errno import EPERM

import pytest

from memhp.spec.language import (
    AddModule,
    AddProperty,
    DropAction,
    DropAxiom,
    DropGuard,
    DropUpdate,
    Profile,
    ReplaceDefinition,
    ReplaceErrno,
    ReplaceGuard,
    ReplaceInitial,
    ReplaceUpdate,
    SpecificationError,
    System,
    Variant,
    apply,
)
from memhp.spec.language.edits import Edit
from memhp.spec.language.wellformed import well_formed

from .conftest import Write

TEXT = '''
@definition
def usable(b: Block) -> Bool:
    """It can be used."""
    return mode[b] == Mode.off

@action(using="claim blocks_have_a_first_frame")
def start(b: Block) -> None:
    """Start."""
    guard("off", usable(b), why="it is on")
    mode[b] = Mode.on
    free.update(where=lambda f: block_of[f] == b, value=true)

@axiom
def blocks_have_a_first_frame(b: Block) -> Bool:
    """Says so."""
    return exists(Frame, lambda f: block_of[f] == b)

@always()
def claim(b: Block) -> Bool:
    """Says so."""
    return mode[b] == Mode.off

def always_off(b: Block) -> Mode:
    return Mode.off

def never(b: Block) -> Bool:
    return false

def of_a_frame(f: Frame) -> Bool:
    return free[f]

def soon(b: Block) -> Bool:
    return after(mode[b]) == Mode.off

def counts(b: Block) -> Bool:
    return count(Frame, lambda f: free[f]) == Int.of(0)

def itself(b: Block) -> Bool:
    return usable(b)

unknown = variable(Block, Bool, initial=lambda b: false)

def of_elsewhere(b: Block) -> Bool:
    return unknown[b]

leaked = []

def leaks(b: Block) -> Bool:
    exists(Frame, lambda f: (leaked.append(f), free[f])[1])
    return free[leaked[0]]
'''
OTHER = '''
@always(covers="N1")
def claim_of_this_design(b: Block) -> Bool:
    """It stays off."""
    return true
'''


STATE = '''
class Mood(Enumeration):
    """How it is."""

    well: Mood
    ill: Mood

tired = variable(Block, Mood, initial=lambda b: Mood.well)
"""The block's mood."""

@action
def rest(b: Block) -> None:
    """Rest."""
    tired[b] = Mood.well

@always(covers="N1")
def nobody_is_tired_for_ever(b: Block) -> Bool:
    """It stays well."""
    return tired[b] == Mood.well
'''


class Given:
    """The system, and the functions of its module that edits use."""

    def __init__(self, write: Write) -> None:
        from memhp.spec.language import load

        self.module = write(TEXT)
        self.system: System = load("tiny", (self.module,))


@pytest.fixture
def given(write: Write) -> Given:
    return Given(write)


def variant(*edits: Edit, breaks: str = "claim") -> Variant:
    return Variant("odd", "An odd one.", (), "", breaks, edits)


def test_a_dropped_guard_is_gone(given: Given) -> None:
    odd = apply(given.system, variant(DropGuard("start", "off")))
    assert odd.name == "tiny+odd"
    assert odd.action_by_name["start"].guards == ()
    assert given.system.action_by_name["start"].guards != ()


def test_a_replaced_guard_keeps_its_name_and_errno(given: Given) -> None:
    odd = apply(given.system, variant(ReplaceGuard("start", "off", given.module.never)))
    (guard,) = odd.action_by_name["start"].guards
    assert (guard.name, guard.why, str(guard.condition)) == ("off", "it is on", "false")


def test_a_guard_with_another_errno_asks_the_same(given: Given) -> None:
    odd = apply(given.system, variant(ReplaceErrno("start", "off", EPERM)))
    (guard,), (before,) = (s.action_by_name["start"].guards for s in (odd, given.system))
    assert (guard.name, guard.condition, guard.errno) == ("off", before.condition, EPERM)
    assert before.errno != EPERM


def test_a_dropped_update_is_gone(given: Given) -> None:
    odd = apply(given.system, variant(DropUpdate("start", "free")))
    assert odd.action_by_name["start"].written == {"mode"}


def test_a_replaced_update_writes_the_other_value(given: Given) -> None:
    odd = apply(given.system, variant(ReplaceUpdate("start", "mode", given.module.always_off)))
    assert str(odd.action_by_name["start"].updates[0].value) == "Mode.off"


def test_a_replaced_definition_speaks_of_the_same_parameters(given: Given) -> None:
    odd = apply(given.system, variant(ReplaceDefinition("usable", given.module.never)))
    assert str(odd.definitions["usable"].body) == "false"
    assert odd.definitions["usable"].params == given.system.definitions["usable"].params


def test_a_replaced_initial_value_speaks_of_the_same_point(given: Given) -> None:
    odd = apply(given.system, variant(ReplaceInitial("mode", given.module.always_off)))
    initial = {v.symbol.name: v for v in odd.variables}["mode"]
    assert str(initial.initial) == "Mode.off"
    assert initial.params == given.system.variables[0].params


def test_a_dropped_action_and_a_dropped_axiom_are_gone(given: Given) -> None:
    odd = apply(given.system, variant(DropAction("start"), DropAxiom("blocks_have_a_first_frame")))
    assert "start" not in odd.action_by_name
    assert odd.axioms == ()
    assert given.system.axioms != ()


def test_proofs_no_longer_use_an_axiom_that_is_dropped(given: Given) -> None:
    odd = apply(given.system, variant(DropAxiom("blocks_have_a_first_frame")))
    assert odd.action_by_name["start"].using == ("claim",)


def test_what_proofs_are_to_use_must_exist(given: Given) -> None:
    (start,) = given.system.actions
    odd = replace(given.system, actions=(replace(start, using=("clam",)),))
    with pytest.raises(SpecificationError, match="start: there is no property or axiom 'clam'"):
        well_formed(odd)


def test_an_added_property_is_one_of_this_design(given: Given, write: Write) -> None:
    claim = write(OTHER, name="more", base="from tiny import Block\n").claim_of_this_design
    odd = apply(given.system, variant(AddProperty(claim)))
    assert [p.name for p in odd.properties] == ["claim", "claim_of_this_design"]
    with pytest.raises(SpecificationError, match="there is a property 'claim_of_this_design'"):
        apply(odd, variant(AddProperty(claim)))


def test_an_added_module_brings_state_steps_and_claims(given: Given, write: Write) -> None:
    base = "from tiny import Block\n"
    more = write(STATE, name="state_of_this_design", base=base)
    odd = apply(given.system, variant(AddModule(more)))
    assert [v.symbol.name for v in odd.variables][-1] == "tired"
    assert [action.name for action in odd.actions] == ["start", "rest"]
    assert [p.name for p in odd.properties] == ["claim", "nobody_is_tired_for_ever"]
    assert odd.sorts[-1].name == "Mood"
    with pytest.raises(SpecificationError, match="'Mood' is declared already"):
        apply(odd, variant(AddModule(more)))


def test_a_profile_may_give_up_what_it_adds(given: Given, write: Write) -> None:
    claim = write(OTHER, name="more", base="from tiny import Block\n").claim_of_this_design
    added = Profile("odd", "", (AddProperty(claim),), (("claim_of_this_design", "why"),))
    assert apply(given.system, added).given_up == {"claim_of_this_design"}
    with pytest.raises(SpecificationError, match="there is no property 'claim_of_this_design'"):
        apply(given.system, replace(added, edits=()))


Make = Callable[[Given], Edit]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda g: DropGuard("strat", "off"), "there is no action 'strat'"),
        (
            lambda g: DropGuard("start", "on"),
            "start has no guard 'on'; its guards are: off$",
        ),
        (lambda g: ReplaceGuard("start", "on", g.module.never), "start has no guard 'on'"),
        (lambda g: ReplaceErrno("start", "on", EPERM), "start has no guard 'on'"),
        (lambda g: ReplaceErrno("start", "off", 9999), "there is no errno 9999"),
        (lambda g: ReplaceGuard("start", "off", g.module.of_a_frame), "parameters must be"),
        (lambda g: ReplaceGuard("start", "off", g.module.always_off), "sort Bool was expected"),
        (lambda g: DropUpdate("start", "block_of"), "start does not change block_of"),
        (lambda g: ReplaceUpdate("start", "free", g.module.never), "no single point update"),
        (lambda g: ReplaceUpdate("start", "mode", g.module.never), "sort Mode was expected"),
        (lambda g: DropAction("strat"), "there is no action 'strat'"),
        (lambda g: DropAxiom("blocks"), "there is no axiom 'blocks'"),
        (lambda g: ReplaceInitial("mood", g.module.always_off), "there is no variable 'mood'"),
        (lambda g: ReplaceInitial("mode", g.module.never), "sort Mode was expected"),
        (lambda g: ReplaceInitial("mode", g.module.of_a_frame), "parameters must be"),
        (lambda g: ReplaceDefinition("useable", g.module.never), "no definition 'useable'"),
        (lambda g: ReplaceDefinition("usable", g.module.of_a_frame), "parameters must be"),
    ],
)
def test_an_edit_that_does_not_fit_is_an_error(edit: Make, message: str, given: Given) -> None:
    with pytest.raises(SpecificationError, match=message):
        apply(given.system, variant(edit(given)))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda g: ReplaceGuard("start", "off", g.module.soon), "start speaks of the state after"),
        (lambda g: ReplaceGuard("start", "off", g.module.counts), r"count\(\) stands alone"),
        (lambda g: ReplaceGuard("start", "off", g.module.leaks), "neither takes nor quantifies"),
        (lambda g: ReplaceDefinition("usable", g.module.itself), "usable uses itself"),
        (lambda g: ReplaceDefinition("usable", g.module.soon), "start speaks of the state after"),
    ],
)
def test_what_edits_leave_is_held_to_what_a_specification_is(
    edit: Make, message: str, given: Given
) -> None:
    with pytest.raises(SpecificationError, match=message) as complaint:
        apply(given.system, variant(edit(given)))
    assert re.match(rf"{given.module.__name__}:\d+: ", str(complaint.value))


def test_a_symbol_of_no_loaded_module_is_told_with_the_place_of_the_edit(given: Given) -> None:
    without = tuple(v for v in given.system.variables if v.symbol.name != "unknown")
    system = replace(given.system, variables=without)
    function = given.module.of_elsewhere
    with pytest.raises(SpecificationError, match="'unknown' belongs to no loaded") as complaint:
        apply(system, variant(ReplaceGuard("start", "off", function)))
    line = function.__code__.co_firstlineno
    assert str(complaint.value).startswith(f"{given.module.__name__}:{line}: ")


def test_one_edit_that_is_no_tuple_is_told_what_to_write(given: Given) -> None:
    alone = replace(variant(), edits=DropGuard("start", "off"))  # type: ignore[arg-type]
    with pytest.raises(SpecificationError, match=r"its edits are no tuple: write edits=\(edit,\)"):
        apply(given.system, alone)


def test_the_second_edit_finds_what_the_first_left(given: Given) -> None:
    twice = variant(DropGuard("start", "off"), DropGuard("start", "off"))
    with pytest.raises(SpecificationError, match="start has no guard 'off'"):
        apply(given.system, twice)


def test_what_is_said_to_break_must_exist(given: Given) -> None:
    with pytest.raises(SpecificationError, match="odd: there is no property 'clam'"):
        apply(given.system, variant(DropGuard("start", "off"), breaks="clam"))
    profile = Profile("new", "A new one.", (), (("clam", "because"),))
    with pytest.raises(SpecificationError, match="new: there is no property 'clam'"):
        apply(given.system, profile)
