"""A toy with a variable that nobody writes: which lamps are wired is as at boot."""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Sort,
    action,
    always,
    exists,
    false,
    guard,
    implies,
    topology,
    true,
    variable,
)


class Lamp(Sort):
    """A lamp."""


class Wire(Sort):
    """A wire."""


leads_to = topology(Wire, Lamp, Bool)
"""The wire ends at the lamp."""

wired = variable(Lamp, Bool, initial=lambda x: exists(Wire, lambda w: leads_to[w, x]))
"""There is current at the lamp."""

lit = variable(Lamp, Bool, initial=lambda x: false)
"""The lamp burns."""


@action
def switch_on(x: Lamp) -> None:
    """Somebody switches the lamp on."""
    guard("is_wired", wired[x], why="there is no current")
    lit[x] = true


@always()
def lit_lamps_have_a_wire(x: Lamp) -> Bool:
    """No lamp burns by itself."""
    return implies(lit[x], exists(Wire, lambda w: leads_to[w, x]))
