"""Every guard refuses somewhere: in a state that is reached, it is the first to fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.proof.questions import first_refusal
from memhp.checks.search.localise import shortest
from memhp.reference import Topology
from memhp.reference.compile import Program
from memhp.reference.shapes import Shape
from memhp.reference.usual import USUAL
from memhp.spec.system import SYSTEM

ONE = frozenset([1])
SPECIAL = (
    Shape(blocks=2, vetoing=ONE, movable=ONE),
    Shape(blocks=2, multizone=ONE),
    Shape(blocks=2, holes=ONE),
    Shape(blocks=2, boot_kernel=frozenset([0])),
    Shape(nodes=2, blocks=1),
    Shape(blocks=2, movable=ONE, tables=(("gigantic", (0, 1)),)),
    Shape(nodes=2, blocks=1, tables=(("may_fail", (0, 1)),), more=(("HugeFolio", 2),)),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        more=(("MemoryDevice", 1), ("HugeFolio", 3)),
        tables=(("in_range", (0, 0)),),
    ),
)


def changed(shape: Shape, table: str, values: tuple[int, ...]) -> Topology:
    topology = shape.build(SYSTEM)
    return Topology(topology.sizes, {**topology.tables, table: values})


BY_HAND = (
    changed(Shape(blocks=2, added=ONE), "vetoes_online", (0, 1)),
    changed(Shape(blocks=2), "block_of_section", (0, 0)),  # block1 has no section
)


def first_to_fail(
    topology: Topology, limit: int, wanted: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Each wanted (action, guard) that is the first to fail in one of the first states."""
    program = Program(SYSTEM, topology)
    codes = [(program.action(name), program.enabled(name)) for name in SYSTEM.action_by_name]
    points = {
        code.action.name: program.topology.points([var.sort for var in code.action.params])
        for code, _ in codes
    }
    boot = program.pack(list(program.initial))
    seen, queue = {boot}, [boot]
    left = set(wanted)
    for key in queue:
        if not left:
            break
        state = program.unpack(key)
        for code, enabled in codes:
            name = code.action.name
            for point in points[name] if any(action == name for action, _ in left) else ():
                failed = code.refusal(state, *point)
                if failed:
                    left.discard((name, code.outcomes[failed].guard))
            for point in enabled(state):
                after = state.copy()
                code.apply(after, *point)
                new = program.pack(after)
                if new not in seen and len(seen) < limit:
                    seen.add(new)
                    queue.append(new)
    return wanted - left


@pytest.mark.slow
def test_every_guard_is_the_first_to_refuse_somewhere() -> None:
    special = [*(shape.build(SYSTEM) for shape in SPECIAL), *BY_HAND]
    topologies = [*(shape.build(SYSTEM) for shape in USUAL), *special]
    anyhow = replace(SYSTEM, is_own=True)  # any trace will do
    left = {(action.name, guard.name) for action in SYSTEM.actions for guard in action.guards}
    for topology in special:
        left -= first_to_fail(topology, 300, left)
    for action in SYSTEM.actions:
        for guard in action.guards:
            if (action.name, guard.name) in left:
                claim = first_refusal(action, guard)
                assert shortest(anyhow, topologies, claim, max_states=1_000_000), claim.doc
