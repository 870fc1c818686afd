"""The reference model: the specification, executed.

`Machine` is one machine in one state.  Each step is an action of the specification: the guards that
are proven are the guards that are tested.  `Trace` is a run that can be stored and replayed.

- `topology`: one machine's sizes and tables; `shapes`: regular ones, by a few numbers; `usual`: the
  small ones of memory hotplug that are looked at first; `reached`: which of them shows what;
  `refuted`: which of them refutes which wrong design.
- `machine`: state and steps; `outcome`: what a step answers.  Begin here.
- `compile`: a system on one topology as Python functions (`normal`, `formula`: from terms to text).
- `steps`, `operations`: what a user does, made of steps; `emptying`, `huge_folios`, `kernel_pages`:
  how what is in a block leaves it; `page_errors`: memory that fails; `removal`: the order that
  dependencies allow.
- `session`: steps taken, and taken back; `expressions`: what a person asks of a state.
- `page`: a machine or a run in a notebook. `graph`: the states that a machine reaches, for
  networkx.
- `trace`: runs as ITF JSON, in files that the caller names; `target`: what an implementation has
  in common with the reference.

May import: spec.language, networkx.
"""

from .compile import Program, violated_axioms
from .graph import graph
from .machine import Machine, diff
from .operations import Operations, Result
from .outcome import (
    OK,
    Change,
    Ok,
    Outcome,
    Refusal,
    Violation,
)
from .removal import RemovalOrder, dependencies, removal_order
from .shapes import Given, Shape
from .target import Observation, ReferenceTarget, Target
from .topology import Topology, Value
from .trace import Parting, Step, Trace, TraceError

__all__ = [
    "OK",
    "Change",
    "Given",
    "Machine",
    "Observation",
    "Ok",
    "Operations",
    "Outcome",
    "Parting",
    "Program",
    "ReferenceTarget",
    "Refusal",
    "RemovalOrder",
    "Result",
    "Shape",
    "Step",
    "Target",
    "Topology",
    "Trace",
    "TraceError",
    "Value",
    "Violation",
    "dependencies",
    "diff",
    "graph",
    "removal_order",
    "violated_axioms",
]
