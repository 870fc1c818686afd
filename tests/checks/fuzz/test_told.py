"""What the engine tells: all that operations change, but for what is written here."""

from __future__ import annotations

import pytest

from memhp.checks.fuzz.topologies import SHAPES, built
from memhp.checks.fuzz.walk import walk
from memhp.engine.target import EngineTarget
from memhp.reference.target import ReferenceTarget
from memhp.spec.system import SYSTEM

NOT_KEPT = {
    "source": "of a migration, which is over when the operation is",
    "destination": "of a migration, which is over when the operation is",
    "stalled": "a ghost, which nothing reads",
    "private_used": "a ghost, which nothing reads",
    "failure": "a ghost, which nothing reads",
}
"""Variables that operations change and the engine has no need to keep: why."""


@pytest.mark.parametrize("name", SHAPES)
def test_the_engine_tells_what_operations_change_and_nothing_in_use_is_hidden(name: str) -> None:
    engine, before, changed = EngineTarget(), dict[str, tuple[int, ...]](), set[str]()

    def watch(episode: int, reference: ReferenceTarget) -> None:
        state = {name: tuple(values) for name, values in reference.observe().items()}
        changed.update(name for name in before if before[name] != state[name])
        before.update(state)
        seen, user = engine.observe(), _number_of("frame_state", "user")
        hidden = {
            "folio_of": [value != user for value in state["frame_state"]],
            "pte_frame": [not mapped for mapped in state["pte"]],
            "pte_folio": [not mapped for mapped in state["pte"]],
            "private_of": [not carries for carries in state["carries_private"]],
        }
        for name, values in seen.items():
            untold = [value is None for value in values]
            assert untold == hidden.get(name, [False] * len(untold)), f"{name}, episode {episode}"

    way = walk(SYSTEM, engine, built(name), steps=1500, seed=1, watch=watch)
    assert way.divergence is None
    assert changed - set(engine.observe()) <= set(NOT_KEPT)


def _number_of(variable: str, member: str) -> int:
    symbol = next(v.symbol for v in SYSTEM.variables if v.symbol.name == variable)
    assert symbol.range.members
    return symbol.range.members.index(member)
