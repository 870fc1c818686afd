"""Expressions are read as a specification is written, and never run as Python."""

from __future__ import annotations

import pytest

from memhp.reference import Machine
from memhp.reference.expressions import ExpressionError, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mode[block0]", "online"),
        ("mode[0] == online", True),
        ("online == mode[block0]", True),
        ("Mode.online == mode[block1]", False),
        ("mode[block0] != mode[block1]", True),
        ("node_of[block2]", 1),
        ("node_of_frame(frame1) == node1", True),
        ("1 == node_of[block0]", True),
        ("count(Frame, lambda f: block_of[f] == block0)", 3),
        ("count(Block, lambda b: true) - 1 >= 2 + 2", True),
        ("(1 < 2) & ~(2 <= 1) | false", True),
        ("2 > 2", False),
        ("forall(Frame, lambda f: exists(Block, lambda b: block_of[f] == b))", True),
        ("implies(hole[frame4], in_use(frame4))", False),
        ("ite(true, leaving, mode[block0])", "leaving"),
        ("begin_offline(block0)", True),
        ("online(block0)", False),
        ("linked[block0, frame0]", True),
    ],
)
def test_an_expression_has_its_value(text: str, value: object, machine: Machine) -> None:
    assert machine.step("online", b=0)
    assert evaluate(text, machine) == value


def test_an_always_property_is_an_expression(machine: Machine, system: object) -> None:
    for claim in machine.system.of_kind("always"):
        violated = {violation.property for violation in machine.violations()}
        assert evaluate(claim.name, machine) is (claim.name not in violated)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mod[block0]", "'mod[block0]' is not there; did you mean mode?"),
        ("mode[block0] == onlin", "'onlin' is not there; did you mean online?"),
        ("mode[frame0]", "'frame0' has sort Frame, where Block is needed"),
        ("mode[block9]", "'block9' does not exist: Block has 0 to 4"),
        ("mode", "'mode' is given 0 arguments; it takes Block"),
        ("mode[block0] == 1", "'1' is no Mode: offline, online, leaving"),
        ("true and true", "'true and true' has and, or, not: write &, |, ~, and brackets"),
        ("mode[0] == online & true", "put brackets around each comparison"),
        ("forall(Block, 3)", "is no forall: write forall(Block, lambda b: …)"),
        ("forall(Blok, lambda b: true)", "unknown sort 'Blok'; did you mean Block?"),
        ("forall(Block, lambda b, c: true)", "has a lambda of one variable"),
        ("Mode.of", "'Mode.of' is not there; Mode has: offline, online, leaving"),
        ("1 < true", "'true' has sort Bool, where Int is needed"),
        ("1 < 2 < 3", "is nothing that an expression can have"),
        ("1 in 2", "compares in no way that an expression can"),
        ("().__class__", "is nothing that an expression can have"),
        ("__import__('os')", "is not there"),
        ("(", "is no expression"),
        ("(" * 400 + ")" * 400, "is no expression"),
        ("1 +" * 400 + "1", "an expression has at most 1,000 characters"),
        ("\0", "is no expression"),
    ],
)
def test_what_is_no_expression_is_told_in_one_line(
    text: str, message: str, machine: Machine
) -> None:
    with pytest.raises(ExpressionError) as told:
        evaluate(text, machine)
    assert message in str(told.value)
    assert "\n" not in str(told.value)
