"""The language in which the specification is written.

A module declares sorts, topology, state, actions and properties with the names
below; `load` joins modules into a `System`, which is what everything else reads.
"""

from .declare import (
    Map,
    action,
    always,
    axiom,
    definition,
    ends,
    guard,
    sometimes,
    step,
    topology,
    variable,
)
from .edits import (
    DropGuard,
    DropUpdate,
    Profile,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceUpdate,
    Variant,
    apply,
)
from .load import load
from .syntax import (
    Bool,
    Enumeration,
    Sort,
    after,
    all_of,
    any_of,
    exists,
    false,
    forall,
    implies,
    ite,
    true,
)
from .system import Action, Axiom, Definition, Guard, Property, SpecificationError, System, Variable

__all__ = [
    "Action",
    "Axiom",
    "Bool",
    "Definition",
    "DropGuard",
    "DropUpdate",
    "Enumeration",
    "Guard",
    "Map",
    "Profile",
    "Property",
    "ReplaceDefinition",
    "ReplaceGuard",
    "ReplaceUpdate",
    "Sort",
    "SpecificationError",
    "System",
    "Variable",
    "Variant",
    "action",
    "after",
    "all_of",
    "always",
    "any_of",
    "apply",
    "axiom",
    "definition",
    "ends",
    "exists",
    "false",
    "forall",
    "guard",
    "implies",
    "ite",
    "load",
    "sometimes",
    "step",
    "topology",
    "true",
    "variable",
]
