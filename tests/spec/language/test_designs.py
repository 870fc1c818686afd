"""A design joins a module's declarations to a system, with edits that variants do not need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memhp.reference import Machine, Topology
from memhp.spec.language import SpecificationError, System, designed, load

from .conftest import Write

BASE = '''
where_at_boot = topology(Block, Frame)

spot = topology(Block, Frame)

owner = topology(Frame, Block)

@axiom
def blocks_own_where_they_are(b: Block) -> Bool:
    """Says so."""
    return owner[place(b)] == b

@definition
def place(b: Block) -> Frame:
    """Where it is."""
    return spot[b]

taken = variable(Frame, Bool, initial=lambda f: exists(Block, lambda b: spot[b] == f))

@action
def start(b: Block) -> None:
    """Start."""
    guard("off", mode[b] == Mode.off, why="it is on")
    guard("here", free[place(b)], why="it is not here")
    mode[b] = Mode.on

@always()
def claim(b: Block) -> Bool:
    """Says so."""
    return taken[place(b)]
'''
OWN = '''
spot = variable(Block, Frame, initial=lambda b: where_at_boot[b])

@action
def move(b: Block, f: Frame) -> None:
    """Go elsewhere."""
    guard("free", free[f], why="it is not free")
    spot[b] = f

@always()
def enough(b: Block) -> Bool:
    """There is another place."""
    return at_least(2, Frame, lambda f: owner[f] == b)

def more(b: Block) -> None:
    guard("spare", at_least(1, Frame, lambda f: free[f]), why="no frame is free")
    free.update(where=lambda f: f == place(b), value=false)

def same_again(b: Block) -> None:
    mode[b] = Mode.off

def nothing(b: Block) -> None:
    """Adds nothing."""

def of_a_frame(f: Frame) -> None:
    free[f] = false

def guard_again(b: Block) -> None:
    guard("off", free[place(b)], why="again")
'''
MOVES = "MakeVariable(spot)"


@pytest.fixture
def base(write: Write) -> System:
    """The system of BASE."""
    return load("tiny", (write(BASE),))


@pytest.fixture
def system(write: Write, base: System) -> Callable[..., System]:
    """``system(edit)``: the system of the design that declares OWN and makes the edits."""

    def made(*edits: str, own: str = OWN, base: System = base, more: str = "") -> System:
        last = (
            f"\nDESIGN = Design(edits=({''.join(f'{edit}, ' for edit in edits)}){more})  # here\n"
        )
        module = write(own + last, "own", base="from tiny import *\n")
        return designed(base, module, module.DESIGN, name="tiny+own", rows={"N1"})

    return made


def test_a_symbol_of_the_topology_becomes_state(system: Callable[..., System]) -> None:
    moves = system(MOVES)
    assert "spot" in moves.state
    assert "spot" not in [symbol.name for symbol in moves.topology]
    assert str(moves.action_by_name["start"].guard("here").condition) == "free[place(b)]"
    assert str(moves.definitions["place"].body) == "spot[b]"
    assert moves.definitions["place"].body.symbol.is_state  # type: ignore[union-attr]


def test_before_boot_its_initial_value_is_meant(system: Callable[..., System]) -> None:
    moves = system(MOVES)
    (axiom,) = moves.axioms
    assert str(axiom.formula) == "owner[where_at_boot[b]] == b"
    taken = {v.symbol.name: str(v.initial) for v in moves.variables}["taken"]
    assert taken == "exists b: Block. where_at_boot[b] == f"


def test_it_runs_on_the_reference(system: Callable[..., System]) -> None:
    moves = system(MOVES, 'ExtendAction("start", more)')
    tables = {"block_of": (0, 0), "owner": (0, 0), "where_at_boot": (0,)}
    machine = Machine(moves, Topology({"Block": 1, "Frame": 2}, tables))
    assert machine.get("spot", 0) == 0
    assert str(machine.step("start", 0)) != "OK"
    assert [v.property for v in machine.violations()] == []


def test_an_action_is_extended_by_guards_and_updates(system: Callable[..., System]) -> None:
    more = system(MOVES, 'ExtendAction("start", more)').action_by_name["start"]
    assert [guard.name for guard in more.guards] == ["off", "here", "spare"]
    assert str(more.guard("spare").condition) == "exists f: Frame. free[f]"
    assert more.written == {"mode", "free"}


def test_a_dropped_property_is_gone_and_nothing_uses_it(system: Callable[..., System]) -> None:
    assert "claim" not in system(MOVES, 'DropProperty("claim")').property_by_name


def test_at_least_names_different_elements(system: Callable[..., System]) -> None:
    moves = system(MOVES)
    tables = {"block_of": (0, 0), "owner": (0, 1), "where_at_boot": (0, 1)}
    machine = Machine(moves, Topology({"Block": 2, "Frame": 2}, tables))
    assert [v.property for v in machine.violations()] == ["enough", "enough"]
    tables |= {"owner": (0, 0), "where_at_boot": (0,)}
    assert not Machine(moves, Topology({"Block": 1, "Frame": 2}, tables)).violations()


MISTAKES = {
    "an update that is there already": (
        'ExtendAction("start", same_again)',
        "start updates mode at that point already",
    ),
    "a guard that is there already": (
        'ExtendAction("start", guard_again)',
        "start has a guard 'off' already",
    ),
    "an extension that adds nothing": ('ExtendAction("start", nothing)', "nothing adds nothing"),
    "an extension of other parameters": (
        'ExtendAction("start", of_a_frame)',
        r"start: parameters must be \['Block'\]",
    ),
    "an extension of no action": ('ExtendAction("stop", more)', "there is no action 'stop'"),
    "a property that is not there": ('DropProperty("clam")', "there is no property 'clam'"),
    "a variable that takes no symbol's place": (
        "MakeVariable(lost)",
        "the topology has no symbol 'lost'",
    ),
    "a variable of another kind": (
        "MakeVariable(owner)",
        r"must be declared as variable\(Frame, B",
    ),
    "a symbol that is no variable": ("MakeVariable(block_of)", "is no variable: declare one"),
    "a name that is taken": ("", "'spot' is declared already"),
    "edits that are none": ('"start"', "'start' is no edit"),
}
OTHERS = """
lost = variable(Block, Bool, initial=lambda b: false)

owner = variable(Frame, Frame, initial=lambda f: f)
"""


@pytest.mark.parametrize(("edit", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place(
    system: Callable[..., System], edit: str, message: str
) -> None:
    own = OWN + OTHERS if "owner" in edit or "lost" in edit else OWN
    edits = [each for each in (edit, MOVES) if each] if edit else []
    with pytest.raises(SpecificationError, match=message) as complaint:
        system(*edits, own=own)
    assert str(complaint.value).startswith(("own:", "tiny:"))


def test_what_is_given_up_has_a_reason_and_is_there(system: Callable[..., System]) -> None:
    given_up = system(MOVES, more=', gives_up=(("claim", "it moves"),)').given_up
    assert given_up == {"claim"}
    with pytest.raises(SpecificationError, match="gives nothing up: write"):
        system(MOVES, more=', gives_up=("claim",)')
    with pytest.raises(SpecificationError, match="there is no property 'clam' to give up"):
        system(MOVES, more=', gives_up=(("clam", "it moves"),)')
