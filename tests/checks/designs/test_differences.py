"""A design that changes nothing is told so, and one that changes something never is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.checks.designs.answer import Answer, answer
from memhp.checks.designs.differences import differences, machines_differ
from memhp.checks.proof.cache import default_folder
from memhp.cli.designs import load_design
from memhp.spec.designs import OwnDesign

HEAD = '''"""It may be otherwise."""
from errno import EBUSY
from memhp.spec.blocks.block_states import BlockState, block_state, frame_state, zone
from memhp.spec.blocks.blocks import lock_held
from memhp.spec.blocks.sections import block_device, pgdat, present, Metadata
from memhp.spec.folios.frames import Folio, exists_now, folio_kind, FolioKind, home
from memhp.spec.folios.migration import cached
from memhp.spec.folios.migration_stage import Stage, stage
from memhp.spec.folios.page_tables import Pte, implied_folio
from memhp.spec.language import *
from memhp.spec.machine.topology import (
    Block, Frame, Node, Section, Zone, below, block_of, early, block_of_section, hole, node_of,
    node_of_section,
)
'''
NOTHING = {
    "a guard in other words": """
def _no_hole(b: Block) -> Bool:
    return forall(Frame, lambda f: implies(hole[f], block_of(f) != b))

DESIGN = Design(edits=(ReplaceGuard("begin_offline", "no_holes", _no_hole),))
""",
    "a guard that an invariant implies": """
def _has_its_sections(b: Block) -> None:
    missing = exists(Section, lambda s: (block_of_section[s] == b) & ~present[s])
    guard("sections", ~missing, why="a section is missing")

DESIGN = Design(edits=(ExtendAction("begin_offline", _has_its_sections),))
""",
    "a guard of another action that an invariant implies": """
def _exists(o: Folio) -> None:
    guard("there", exists_now(o), why="there is no such folio")

DESIGN = Design(edits=(ExtendAction("copy", _exists),))
""",
    "an update of what is so already": """
def _forget(o: Folio) -> None:
    cached[o] = false

DESIGN = Design(edits=(ExtendAction("free_folio", _forget),))
""",
    "the same value in other words": """
def _gone(o: Folio) -> Bool:
    return stage[o] == Stage.idle

DESIGN = Design(edits=(ReplaceUpdate("finish_migration", "cached", _gone),))
""",
    "a definition in other words": """
def _exists(o: Folio) -> Bool:
    return (folio_kind[o] == FolioKind.anonymous) | (folio_kind[o] == FolioKind.page_cache)

DESIGN = Design(edits=(ReplaceDefinition("exists_now", _exists),))
""",
    "an initial value in other words": """
def _early(s: Section) -> Bool:
    return exists(Block, lambda b: early[b] & (block_of_section[s] == b))

DESIGN = Design(edits=(ReplaceInitial("present", _early),))
""",
    "an axiom in other words": """
@axiom
def addresses_are_told_apart(a: Block, b: Block) -> Bool:
    \"\"\"Of two blocks one comes first.\"\"\"
    return implies(~below[a, b] & ~below[b, a], a == b)

DESIGN = Design(edits=(DropAxiom("addresses_differ"),))
""",
    "a property alone": """
@always()
def a_block_that_changes_is_locked(b: Block) -> Bool:
    \"\"\"It holds the lock.\"\"\"
    return implies(block_state[b] == BlockState.going_offline, lock_held[b])

DESIGN = Design()
""",
    "an action that is never possible": """
@action
def never(b: Block) -> None:
    \"\"\"Lock a block that has no device and is online.\"\"\"
    guard("online", block_state[b] == BlockState.online, why="it is not online")
    guard("no_device", ~block_device[b], why="it has a device")
    lock_held[b] = true

DESIGN = Design()
""",
    "a variable that nobody writes": """
refuses = topology(Block, Bool)

vetoes_online = variable(Block, Bool, initial=lambda b: refuses[b])

DESIGN = Design(edits=(MakeVariable(vetoes_online),))
""",
}
SOMETHING = {
    "a guard dropped": 'DESIGN = Design(edits=(DropGuard("begin_offline", "no_holes"),))',
    "a guard dropped deep inside": """
DESIGN = Design(edits=(DropGuard("finish_migration", "entries_restored"),))
""",
    "a guard that asks less": """
def _while_it_can(f: Frame) -> Bool:
    other = exists(Frame, lambda g: (zone[block_of(g)] != Zone.movable) & (g != f))
    return (zone[block_of(f)] != Zone.movable) | ~other

DESIGN = Design(edits=(ReplaceGuard("alloc_kernel", "outside_removable_area", _while_it_can),))
""",
    "a guard that asks more": """
def _no_folio(b: Block) -> None:
    here = exists(Folio, lambda o: exists_now(o) & (block_of(home[o]) == b))
    guard("no_folio", ~here, why="a folio lives there")

DESIGN = Design(edits=(ExtendAction("begin_offline", _no_folio),))
""",
    "an update dropped": 'DESIGN = Design(edits=(DropUpdate("finish_abort", "cached"),))',
    "an update with another value": """
def _always(b: Block) -> Bool:
    return true

DESIGN = Design(edits=(ReplaceUpdate("finish_offline", "crash_map", _always),))
""",
    "an action dropped": 'DESIGN = Design(edits=(DropAction("begin_node_removal"),))',
    "an action added": """
@action
def forget(b: Block) -> None:
    \"\"\"Drop the lock of a block that is being changed.\"\"\"
    guard("locked", lock_held[b], why="it is not locked")
    lock_held[b] = false

DESIGN = Design()
""",
    "an axiom dropped": 'DESIGN = Design(edits=(DropAxiom("holes_are_early"),))',
    "an axiom added": """
@axiom
def all_is_early(b: Block) -> Bool:
    \"\"\"No block is added.\"\"\"
    return early[b]

DESIGN = Design()
""",
    "another initial value": """
def _locked(b: Block) -> Bool:
    return early[b]

DESIGN = Design(edits=(ReplaceInitial("lock_held", _locked),))
""",
    "another definition": """
def _linear(p: Pte, o: Folio) -> Bool:
    return implied_folio[p] == o

DESIGN = Design(edits=(ReplaceDefinition("rmap_reaches", _linear),))
""",
}

Design = Callable[[str], OwnDesign]


@pytest.fixture
def design(tmp_path: Path) -> Design:
    """``design(text)``: what HEAD and the text say."""

    def made(text: str) -> OwnDesign:
        path = tmp_path / "mine.py"
        path.write_text(HEAD + text)
        return load_design(path).own

    return made


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_where_the_invariants_hold_no_step_differs(design: Design, text: str) -> None:
    own = design(text)
    invariants = [claim.name for claim in own.base.of_kind("always")]
    assert differences(own.base, own.system, invariants, jobs=1) == []
    assert machines_differ(own.base, own.system) == []


def answered(own: OwnDesign) -> Answer:
    return answer(own, folder=default_folder(), jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_a_design_that_changes_nothing_is_told_so(design: Design, text: str) -> None:
    found = answered(design(text))
    assert found.nothing_changes
    assert found.verdict.passes
    assert found.kept(reached=False).kept == found.kept(reached=False).of


@pytest.mark.slow
@pytest.mark.parametrize("text", SOMETHING.values(), ids=SOMETHING)
def test_a_design_that_changes_something_is_never_told_that_it_does_not(
    design: Design, text: str
) -> None:
    assert not answered(design(text)).nothing_changes


def test_an_example_is_a_step_that_one_design_takes_and_the_other_refuses(design: Design) -> None:
    own = design(SOMETHING["a guard that asks less"])
    (new,) = differences(own.base, own.system, (), jobs=1)
    assert (new.kind, new.action.name) == ("new", "alloc_kernel")
    assert new.refusal is not None
    assert new.trace is not None
    assert new.refusal.guard == "outside_removable_area"
    assert new.trace.replay(own.system)[-1].step("alloc_kernel", *new.point)


def test_what_is_not_proved_of_the_design_shows_nothing(design: Design) -> None:
    """Without the invariant that implies it, the guard may refuse a step."""
    own = design(NOTHING["a guard of another action that an invariant implies"])
    found = differences(own.base, own.system, (), jobs=1)
    assert [(each.kind, each.trace) for each in found] == [("refused", None)]
