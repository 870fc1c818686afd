"""How decisions and traces look: a table for a person, a document for a program."""

from __future__ import annotations

from collections import Counter
from textwrap import indent
from typing import TYPE_CHECKING, Any

from memhp.spec.language.edits import Edit, ReplaceDefinition, ReplaceGuard
from memhp.spec.language.errnos import errorcode

from .terminal import beside, coloured, console, print_step, say, tell

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.checks.proof.results import Failure
    from memhp.checks.run import Decision
    from memhp.checks.search.search import Witness
    from memhp.spec.language import Profile, System, Variant

_COLOURS = {"proved": "green", "holds": "green", "refuted": "red", "undetermined": "yellow"}


def show_decisions(
    system: System, decisions: list[Decision], seconds: float, *, jobs: int, table: bool
) -> None:
    """Print the table of properties, if it is wanted, what went wrong, and the summary.

    Args:
        system: the specification.
        decisions: on its properties.
        seconds: how long they took.
        jobs: in how many processes.
        table: whether the table is wanted.
    """
    out = console()
    if table:
        _table(out, decisions)
    show_failures(system, decisions)
    cores = f"{jobs} processes" if jobs > 1 else "one process"
    say(out, f"{summary_line(decisions)} in {seconds:.1f} s, {cores}")


def show_failures(system: System, decisions: list[Decision]) -> None:
    """Print what is refuted or undetermined, with its trace, and what is given up."""
    for decision in decisions:
        _show_failure(system, decision)


_BESIDE_NAMES = 46
"""So many columns stand beside the names of properties."""


def _table(out: Console, decisions: list[Decision]) -> None:
    from rich.table import Table

    longest = max((len(decision.claim.name) for decision in decisions), default=0)
    if out.is_terminal and out.width < longest + _BESIDE_NAMES:
        for each in decisions:
            tell(each.claim.name)
            tell(f"  {each.verdict.value}  {_method(each)}  {each.seconds:.2f} s")
        print()
        return
    table = Table("property", "rows", "verdict", "method", "s", box=None, pad_edge=False)
    table.columns[4].justify = "right"
    table.columns[0].overflow = "fold"
    module = ""
    for decision in decisions:
        claim = decision.claim
        if claim.module != module:
            module = claim.module
            table.add_row(coloured(module, "bold"))
        colour = _COLOURS.get(decision.verdict.value, "red")
        verdict = coloured(decision.verdict.value, colour)
        if decision.given_up:
            verdict = beside(verdict, "(given up)")
        table.add_row(
            f" {claim.name}",
            " ".join(claim.covers),
            verdict,
            _method(decision),
            f"{decision.seconds:.2f}",
        )
    out.print(table)
    out.print()


def _method(decision: Decision) -> str:
    parts = [decision.method if decision.proof else decision.scope]
    if decision.certified:
        parts.append("cvc5")
    return ", ".join(parts)


def _show_failure(system: System, decision: Decision) -> None:
    claim = decision.claim
    if decision.given_up:
        line = f"{claim.name} is given up: {decision.given_up}"
        if not decision.counts_as.passes:
            line = f"{decision.counts_as.value}: {line}, but it is not refuted"
        tell(line)
        if decision.trace:
            print_trace(system, decision.trace)
    elif decision.verdict.value == "undetermined" and not decision.proof:
        tell(f"undetermined: {claim.name} ({claim.where})")
        tell(f"  no trace to it on {decision.scope}")
    elif decision.verdict.value == "refuted" and decision.trace:
        tell(f"refuted: {claim.name} ({claim.where})")
        print_trace(system, decision.trace)
    for failure in decision.proof.failures if decision.proof else ():
        tell(failure_text(claim.name, failure))


def failure_text(name: str, failure: Failure) -> str:
    """Why a proof failed: the counterexample to induction, only what matters and differs."""
    where = f" by {failure.action}" if failure.action else ""
    detail = failure.counterexample or failure.reason
    return f"{failure.verdict.value}: {name}{where}\n{indent(str(detail), '  ')}"


def summary_line(decisions: list[Decision]) -> str:
    """The line that counts verdicts, obligations, certificates, and answers from the cache."""
    counts = Counter(decision.verdict.value for decision in decisions)
    parts = [f"{count} {name}" for name, count in counts.items()]
    obligations = sum(d.proof.obligations for d in decisions if d.proof)
    what = "property" if len(decisions) == 1 else "properties"
    line = f"{len(decisions)} {what}: {', '.join(parts)}"
    if obligations:
        line += f"; {obligations} obligations, {rewritten(decisions)} by rewriting"
    certified = sum(decision.certified for decision in decisions)
    if certified:
        line += f"; {certified} certified by cvc5"
    cached = sum(decision.cached for decision in decisions)
    if cached:
        line += f"; {cached} from the cache"
    return line


def rewritten(decisions: list[Decision]) -> int:
    """How many obligations were decided without a solver."""
    return sum(d.proof.unchanged + d.proof.rewritten for d in decisions if d.proof)


def show_trace(variant: Variant, system: System, trace: Witness, *, quiet: bool) -> None:
    """Print how a variant breaks its property.

    Args:
        variant: the variant.
        system: the specification with its edits.
        trace: the shortest trace.
        quiet: without the trace.
    """
    tell(f"{variant.name}: {variant.doc}")
    tell(f"source: {variant.source}")
    for edit in variant.edits:
        tell(f"edit:   {edit}{_instead(system, edit)}")
    claim = trace.claim
    tell(f"refuted: {claim.name} ({claim.where})")
    tell(f"  {claim.doc}")
    kind = "shortest trace" if trace.loop is None else "a run that never ends"
    tell(f"{kind}, {len(trace.steps)} steps:")
    if not quiet:
        print_trace(system, trace)


def _instead(system: System, edit: Edit) -> str:
    """What stands there instead, when an edit replaces something."""
    match edit:
        case ReplaceDefinition(name=name):
            return f": {system.definitions[name].body}"
        case ReplaceGuard(action=action, guard=guard):
            return f": {system.action_by_name[action].guard(guard).condition}"
    return ""


def print_trace(system: System, trace: Witness) -> None:
    """Print the steps, each with what it changed, and the violation."""
    machines = trace.replay(system)
    for number, step in enumerate(trace.trace(system).steps, 1):
        if number - 1 == trace.loop:
            print("again and again:")
        print_step(system, number, step, machines[number - 1], machines[number])
    if trace.loop is not None:
        tell(f"violated: {trace.claim.name}: {endless(len(trace.steps), trace.loop)}")
    for violation in trace.violations(machines):
        tell(f"violated: {violation}")


def endless(steps: int, loop: int) -> str:
    """What a run without end does, in words; ``loop`` is the step whose state comes again."""
    if loop == steps:
        return "nothing that would go on is possible"
    return f"after step {steps} the state is that of step {loop}: it may go on for ever"


def as_json(
    system: System, profile: Profile, decisions: list[Decision], seconds: float
) -> dict[str, Any]:
    """The document of schema ``memhp-check/1`` (cli/schema/check.json).

    Args:
        system: the specification.
        profile: whose choices it has.
        decisions: on its properties.
        seconds: how long they took.
    """
    counts = Counter(decision.verdict.value for decision in decisions)
    return {
        "schema": "memhp-check/1",
        "profile": profile.name,
        "properties": [_property_json(decision) for decision in decisions],
        "actions": [
            {
                "name": action.name,
                "module": action.module,
                "guards": [
                    {"name": guard.name, "errno": guard.errno and errorcode[guard.errno]}
                    for guard in action.guards
                ],
            }
            for action in system.actions
        ],
        "summary": {
            "properties": len(decisions),
            "verdicts": dict(counts),
            "certified": sum(decision.certified for decision in decisions),
            "cached": sum(decision.cached for decision in decisions),
            "obligations": sum(d.proof.obligations for d in decisions if d.proof),
            "rewritten": rewritten(decisions),
            "seconds": round(seconds, 3),
        },
    }


def _property_json(decision: Decision) -> dict[str, Any]:
    claim = decision.claim
    document: dict[str, Any] = {
        "name": claim.name,
        "module": claim.module,
        "kind": claim.kind,
        "covers": list(claim.covers),
        "method": decision.method,
        "scope": decision.scope,
        "verdict": decision.verdict.value,
        "seconds": round(decision.seconds, 3),
        "certified": decision.certified,
        "cached": decision.cached,
    }
    if decision.given_up:
        document["given_up"] = decision.given_up
    if decision.trace:
        document["trace"] = [[action, list(point)] for action, point in decision.trace.steps]
    if decision.proof and decision.proof.failures:
        document["failures"] = [
            failure_text(claim.name, failure) for failure in decision.proof.failures
        ]
    return document
