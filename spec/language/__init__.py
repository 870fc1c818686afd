"""The language in which the specification is written.

A module declares sorts, topology, state, actions and properties with the names below; `load` joins
modules into a `System`, which is what everything else reads.  docs/tutorial.md writes one.

- `syntax`: what an author writes; `declare`, `endings`: declarations; `tracing`: each is run once,
  on symbolic elements; `docstrings`: what it says in words.
- `terms`: immutable sentences; `rewrite`: substitution, and the state after a step.
- `errnos`: names of errnos.
- `load`: modules are joined; `system`: what they add up to; `wellformed`: what must be true of it.
- `edits`: variants and profiles; `editing`: what all edits have in common; `additions`: more of
  them; `joining`: a module joined to a system; `designs`: a file of one's own, edits and
  declarations.

May import: the standard library.
"""

from .additions import DropProperty, ExtendAction, MakeVariable, ReplaceErrno
from .declare import (
    Map,
    action,
    always,
    axiom,
    definition,
    enabled,
    guard,
    sometimes,
    step,
    topology,
    variable,
)
from .designs import Design, designed
from .edits import (
    AddModule,
    AddProperty,
    DropAction,
    DropAxiom,
    DropGuard,
    DropUpdate,
    Profile,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceInitial,
    ReplaceUpdate,
    Variant,
    apply,
)
from .endings import Budget, Progress, ends
from .load import load
from .syntax import (
    Bool,
    Enumeration,
    Int,
    Sort,
    after,
    all_of,
    any_of,
    at_least,
    count,
    exists,
    false,
    forall,
    implies,
    ite,
    true,
)
from .system import (
    Action,
    Axiom,
    Definition,
    Guard,
    Property,
    SpecificationError,
    System,
    Variable,
)

__all__ = [
    "Action",
    "AddModule",
    "AddProperty",
    "Axiom",
    "Bool",
    "Budget",
    "Definition",
    "Design",
    "DropAction",
    "DropAxiom",
    "DropGuard",
    "DropProperty",
    "DropUpdate",
    "Enumeration",
    "ExtendAction",
    "Guard",
    "Int",
    "MakeVariable",
    "Map",
    "Profile",
    "Progress",
    "Property",
    "ReplaceDefinition",
    "ReplaceErrno",
    "ReplaceGuard",
    "ReplaceInitial",
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
    "at_least",
    "axiom",
    "count",
    "definition",
    "designed",
    "enabled",
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
