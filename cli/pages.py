"""`--html FILE` of the commands that have something to look at: what is shown, as one page."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import file_name
from .files import write_file
from .output.streams import UsageError

if TYPE_CHECKING:
    from memhp.checks.decision import Decision
    from memhp.checks.designs.answer import Answer
    from memhp.checks.fuzz.record import Record
    from memhp.checks.search.search import Witness
    from memhp.lab.conform.results import Results
    from memhp.reference import Machine, Trace
    from memhp.spec.language import System, Variant

__all__ = [
    "add_html",
    "variant_page",
    "write_check",
    "write_design",
    "write_divergence",
    "write_kernels",
    "write_machine",
    "write_plan",
    "write_run",
    "write_variant",
]


_MOST_STEPS = 500


def add_html(
    parser: argparse._ActionsContainer,
    text: str = "write a page as well: one file, which loads nothing",
) -> None:
    """Add the option, with what its help says."""
    parser.add_argument("--html", type=file_name, metavar="FILE", help=text)


def write_run(
    path: Path, system: System, trace: Trace, title: str, machines: Sequence[Machine]
) -> None:
    """Write the page of a run.

    Args:
        path: the file.
        system: the specification that took the steps.
        trace: the run.
        title: of the page.
        machines: the states of the run, as `Trace.replay` gives them.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.pages.trace import Heading, trace_page

    _refuse_long(trace)
    right = _right(system)
    write_file(path, trace_page(system, trace, Heading(title), right=right, machines=machines))


def write_variant(path: Path, variant: Variant, system: System, trace: Witness) -> None:
    """Write the page of how a wrong design breaks its property.

    Args:
        path: the file.
        variant: the design.
        system: the specification with its edits.
        trace: the shortest.

    Raises:
        UsageError: the file cannot be written.
    """
    write_file(path, variant_page(variant, system, trace))


def variant_page(variant: Variant, system: System, trace: Witness) -> str:
    """The page that `write_variant` writes."""
    from memhp.pages.trace import Heading, trace_page

    claim = trace.claim
    facts = [
        ("breaks", f"{claim.name}: {claim.doc}"),
        ("edit", "; ".join(map(str, variant.edits))),
        ("source", variant.source),
        ("shortest run", f"{len(trace.steps)} steps"),
    ]
    heading = Heading(f"The wrong design {variant.name}", variant.doc, facts)
    return trace_page(system, trace.trace(system), heading, claim=claim, right=_right(system))


def write_check(
    path: Path, system: System, decisions: Sequence[Decision], summary: str, title: str
) -> None:
    """Write the page of a check.

    Args:
        path: the file.
        system: the specification.
        decisions: on its properties.
        summary: the line that counts them.
        title: of the page.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.pages.check import check_page
    from memhp.spec.variants import VARIANTS

    write_file(path, check_page(system, title, decisions, summary, VARIANTS))


def write_design(path: Path, found: Answer, name: str) -> None:
    """Write the page of the shortest run that breaks a design; of the check, if nothing does.

    Args:
        path: the file.
        found: what was found out about the design.
        name: the design's file, as the user named it.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.pages.trace import Heading, trace_page

    from .output.traces import summary_line

    system = found.own.system
    if not found.broken:
        decisions = list(found.decisions)
        write_check(path, system, decisions, summary_line(decisions), f"The design {name}")
        return
    traces = [found.traces[each.claim.name] for each in found.broken]
    trace = min(traces, key=lambda each: len(each.steps))
    facts = [("breaks", f"{each.claim.name}: {each.claim.doc}") for each in traces]
    heading = Heading(f"The design {name}", f"A run of {len(trace.steps)} steps breaks it.", facts)
    run = trace.trace(system)
    write_file(path, trace_page(system, run, heading, claim=trace.claim, right=found.own.base))


def write_machine(
    path: Path, document: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]
) -> None:
    """Write the page of a machine.

    Args:
        path: the file.
        document: what `inspect --json` prints.
        blocks: its blocks.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.pages.machine import machine_page

    title = f"Which memory can go: {document['source']}"
    write_file(path, machine_page({**document, "blocks": blocks}, title))


def write_divergence(path: Path, system: System, record: Record, report: Sequence[str]) -> None:
    """Write the page of what the reference did when a target left it.

    Args:
        path: the file.
        system: the specification.
        record: the operations, and on which machine.
        report: how the target differs now, line by line.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.pages.trace import Heading, trace_page
    from memhp.reference import ReferenceTarget, Step, Trace

    reference = ReferenceTarget(system)
    reference.reset(record.topology)
    machine, steps = reference.machine.copy(), []
    for operation, params in record.operations:
        reference.do(operation, *params)
        for action, point in reference.steps:
            steps.append(Step(action, machine.parameters(action, *point)))
    asked = ", ".join(
        f"{name}({', '.join(map(str, params))})" for name, params in record.operations
    )
    facts = [("asked", asked), *(("target", line) for line in report)]
    sentence = "What the reference did; the target differs after the last operation."
    count = len(record.operations)
    title = f"A divergence after {count} operation{'s' if count != 1 else ''}"
    heading = Heading(title, sentence, facts)
    trace = Trace(system.name, record.topology, tuple(steps))
    _refuse_long(trace)
    write_file(path, trace_page(system, trace, heading))


def write_plan(path: Path, document: Mapping[str, Any]) -> None:
    """Write the page of a plan.

    Args:
        path: the file.
        document: what `plan --json` prints.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.pages.plan import plan_page

    write_file(path, plan_page(document, f"To free {document['goal']['words']}"))


def write_kernels(path: Path, results: Results) -> None:
    """Write the page of what kernels have shown.

    Args:
        path: the file.
        results: what they have shown.

    Raises:
        UsageError: the file cannot be written.
    """
    from memhp.lab.conform.scenarios import SCENARIOS
    from memhp.pages.kernels import Played, kernels_page

    scenarios = [
        Played(each.name, each.doc.partition("\n\n")[0], each.rows, each.deviates)
        for each in SCENARIOS
    ]
    bad = [each.kernel for each in results.kernels if not each.agrees]
    title = "What real kernels have shown"
    write_file(path, kernels_page(results.to_json(), scenarios, bad, title))


def _refuse_long(trace: Trace) -> None:
    """Return if the run can be drawn.

    Raises:
        UsageError: it is too long for a page.
    """
    if len(trace.steps) > _MOST_STEPS:
        raise UsageError(
            f"a page shows {_MOST_STEPS} steps at most; this run has {len(trace.steps)}"
        )


def _right(system: System) -> System | None:
    """The specification of memhp, for a system that was made from it by edits."""
    from memhp.spec.system import SYSTEM

    return SYSTEM if system.name.startswith(f"{SYSTEM.name}+") else None
