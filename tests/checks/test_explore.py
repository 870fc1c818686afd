"""The compiled search sees what the reference sees: states, transitions, properties, traces."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.explore.native import compiler
from memhp.checks.explore.run import Exploration, explore
from memhp.checks.scopes import USUAL
from memhp.checks.search import Search, search
from memhp.spec.language.system import System
from memhp.spec.language.terms import FALSE
from memhp.spec.system import SYSTEM

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")

CLAIMS = [claim for claim in SYSTEM.properties if claim.kind != "ends"]


def by_reference(system: System, number: int, depth: int) -> tuple[list[int], Search]:
    """The layers' sizes, and all that the reference's own search finds to that depth."""
    never = replace(CLAIMS[0], name="never", kind="sometimes", params=(), formula=FALSE)
    claims = [claim for claim in system.properties if claim.kind != "ends"]
    system = replace(system, properties=(*system.properties, never))
    sizes = [1]
    result = search(
        system,
        [USUAL[number].build(system)],
        [*claims, never],
        depth=depth,
        progress=lambda so_far: sizes.append(so_far.states),
    )
    return [sizes[0], *(b - a for a, b in zip(sizes, sizes[1:], strict=False))], result


def lengths(found: Search | Exploration) -> dict[str, int]:
    return {name: len(trace.steps) for name, trace in found.found.items()}


@pytest.mark.parametrize("number", range(len(USUAL)))
def test_layers_transitions_and_first_depths_are_those_of_the_reference(number: int) -> None:
    depth = 3
    sizes, expected = by_reference(SYSTEM, number, depth)
    found = explore(SYSTEM, USUAL[number].build(SYSTEM), CLAIMS, depth=depth)
    assert list(found.layers) == sizes
    assert (found.states, found.transitions) == (expected.states, expected.transitions)
    assert lengths(found) == lengths(expected)
