"""Nothing is shown on a machine that violates an axiom of the system that is checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.checks.run import check
from memhp.checks.search.scopes import (
    ScopeError,
    machines,
    unfit,
)
from memhp.checks.search.usual import first_violation, reach
from memhp.checks.support.verdicts import Verdict
from memhp.cli.main import main
from memhp.reference.usual import ROOMY, USUAL
from memhp.spec.language import Axiom, System, apply
from memhp.spec.language.system import Where
from memhp.spec.language.terms import (
    FALSE,
    SortRef,
    Term,
    Var,
    eq,
)
from memhp.spec.profiles import PROFILES
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

NODES = [Var(name, SortRef("Node"), "one_node") for name in "nm"]
ON_TWO_NODES = "contents_leave_a_leaving_node"


def with_axiom(system: System, name: str, formula: Term, *params: Var) -> System:
    new = Axiom(name, "", "", params, formula, Where("here", 1))
    return replace(system, axioms=(*system.axioms, new))


ONE_NODE = with_axiom(SYSTEM, "one_node", eq(*NODES), *NODES)
NOTHING = with_axiom(SYSTEM, "nothing", FALSE)


def test_what_needs_two_nodes_is_not_reached_with_an_axiom_that_there_is_one() -> None:
    (decision,) = check(ONE_NODE, PROFILES[0], only=[ON_TWO_NODES], jobs=1)
    assert decision.verdict is Verdict.undetermined
    several = sum(shape.nodes > 1 for shape in ROOMY)
    assert decision.scope == f"the usual small machines; {several} violate one_node"


def test_a_wrong_design_is_refuted_only_on_machines_that_may_be() -> None:
    variant = next(v for v in VARIANTS if v.name == "pgdat-goes-early")
    assert first_violation(apply(SYSTEM, variant), variant.breaks)
    assert first_violation(apply(NOTHING, variant), variant.breaks) is None


def test_a_stored_trace_is_not_believed_on_a_machine_that_violates_an_axiom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = SYSTEM.property_by_name["a_write_takes_a_block_offline"]
    shapes = USUAL[:3]
    assert reach(SYSTEM, [claim], folder=tmp_path, shapes=shapes)[0]
    (stored,) = tmp_path.iterdir()
    digest = json.loads(stored.read_text())[0]["digest"]
    monkeypatch.setattr("memhp.checks.search.traces._digest", lambda *_: digest)
    assert reach(SYSTEM, [claim], folder=tmp_path, shapes=shapes)[1]
    assert reach(NOTHING, [claim], folder=tmp_path, shapes=shapes) == ({}, False)


def test_a_scope_leaves_out_machines_that_violate_an_axiom_and_says_if_none_is_left() -> None:
    assert len(machines(SYSTEM, "node=2,block=4")) > len(machines(ONE_NODE, "block=1")) > 0
    with pytest.raises(ScopeError, match="each of its machines violates an axiom: one_node"):
        machines(ONE_NODE, "node=2,block=4")
    with pytest.raises(ScopeError, match="each of its machines violates an axiom: nothing"):
        machines(NOTHING, "block=1")


@pytest.mark.parametrize("command", ["check", "explore"])
def test_a_command_that_is_given_a_scope_shows_nothing_on_a_machine_that_violates_an_axiom(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("memhp.cli.designs.system_of", lambda _: NOTHING)
    assert main([command, "--scope", "block=1", "--depth", "1"]) == 2
    output = capsys.readouterr()
    assert (output.out, "violates an axiom: nothing" in output.err) == ("", True)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_the_usual_machines_satisfy_the_axioms_of_each_profile(profile: object) -> None:
    assert unfit(apply(SYSTEM, profile), ROOMY) == {}  # type: ignore[arg-type]  # of pytest's
