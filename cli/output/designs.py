"""How the answer to a design looks: a screen for a person, a document for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import TYPE_CHECKING, Any

from memhp.spec.language.errnos import errorcode

from .streams import one_line
from .terminal import console, print_step, say

if TYPE_CHECKING:
    from memhp.checks.designs.answer import Answer
    from memhp.checks.designs.differences import Difference
    from memhp.checks.run import Decision
    from memhp.checks.search.search import Witness
    from memhp.reference import Refusal

_SAME = "nothing changes: it takes the steps of {}, and no other, on the same machines"
_MOST_LINES = 12
"""So many lines of a counterexample to induction are shown."""


def show_answer(answer: Answer, path: str, seconds: float, *, quiet: bool) -> None:
    """Print the answer, in the order of its parts.

    Args:
        answer: what was found out.
        path: of the design's file, as the user named it.
        seconds: how long that took.
        quiet: the last line alone.
    """
    out = console()
    if not quiet:
        say(out, f"{path}: {_sentence(answer.own.doc)}")
        for title, lines in (
            ("what it changes", _changes(answer)),
            ("what breaks", _broken(answer)),
            ("what is not proved, though no usual machine breaks it", _not_proved(answer)),
            ("what is vacuous now", _vacuous(answer)),
            ("what holds", _holds(answer)),
        ):
            say(out, title)
            for line in list(lines) or ["nothing"]:
                say(out, indent(line, "  "))
    say(out, f"{answer.verdict.value}: {path}, in {seconds:.1f} s")


def _sentence(doc: str) -> str:
    return " ".join(doc.split()).partition(". ")[0].rstrip(".") + "."


def _changes(answer: Answer) -> Iterator[str]:
    if answer.nothing_changes:
        yield _SAME.format(answer.own.design.profile)
    yield from answer.machines
    for each in answer.differences:
        yield f"{each.kind}: {_difference(answer, each)}"


def _difference(answer: Answer, each: Difference) -> str:
    """What differs, and the shortest run after which it does."""
    if each.trace is None:
        what = f"{each.action.name} {_MAY[each.kind]}".replace("VARIABLE", each.changes)
        return f"{what}: no usual machine shows one, and it is not proved that none does"
    step = step_text(answer, each)
    way = [text for text, _ in steps_of(answer, each.trace)]
    after = f", after {'; '.join(way)}" if way else ", at boot"
    if each.kind == "otherwise":
        return f"{step} writes something else to {each.changes}{after}"
    if each.refusal is None:
        there = "there was none" if each.kind == "new" else "there is none any more"
        return f"{step}{after}: {there}"
    was = "it was refused" if each.kind == "new" else "it is refused now"
    return f"{step}{after}: {was}, {refusal_text(each.refusal)}"


_MAY = {
    "new": "may take steps that were refused",
    "refused": "may refuse steps that were taken",
    "otherwise": "may write something else to VARIABLE",
}


def step_text(answer: Answer, each: Difference) -> str:
    """The step that differs, with its parameters."""
    from memhp.reference.outcome import shown
    from memhp.reference.topology import readable

    pairs = zip(each.action.params, each.point, strict=True)
    params = {var.name: readable(var.sort, number) for var, number in pairs}
    return one_line(shown(each.action.name, each.action.params, params))


def refusal_text(refusal: Refusal) -> str:
    """Why a step is refused: the guard's errno, its reason, and its name."""
    code = "" if refusal.errno is None else f"{errorcode.get(refusal.errno, refusal.errno)} "
    return f"{code}{refusal.why} ({refusal.guard})"


def steps_of(answer: Answer, trace: Witness) -> Iterator[tuple[str, str]]:
    """Each step of a run with its parameters, and what the action's docstring says of it."""
    from memhp.reference.outcome import shown

    actions = answer.own.system.action_by_name
    for step in trace.trace(answer.own.system).steps:
        action = actions[step.action]
        yield one_line(shown(action.name, action.params, step.params)), _sentence(action.doc)


def _broken(answer: Answer) -> Iterator[str]:
    from .traces import endless

    system = answer.own.system
    for decision in answer.broken:
        trace = answer.traces[decision.claim.name]
        yield f"{decision.claim.name}: {_sentence(decision.claim.doc)}"
        for number, (text, doc) in enumerate(steps_of(answer, trace), 1):
            yield f"{number:3} {text}   {doc}"
        machines = trace.replay(system)
        if trace.loop is not None:
            yield f"    {endless(len(trace.steps), trace.loop)}"
        for violation in trace.violations(machines):
            yield f"    violated: {violation}"


def _not_proved(answer: Answer) -> Iterator[str]:
    for decision in answer.not_proved:
        yield f"{decision.claim.name}: {_sentence(decision.claim.doc)}"
        for failure in decision.proof.failures if decision.proof else ():
            detail = str(failure.counterexample or failure.reason).splitlines()
            where = f"{failure.action}: " if failure.action and not failure.counterexample else ""
            yield f"    {where}{detail[0]}"
            yield from (f"    {line}" for line in detail[1:_MOST_LINES])
    yield from answer.suggestion.splitlines()
    for decision in answer.needless:
        yield f"{decision.claim.name} is given up ({decision.given_up}), and nothing breaks it"


def _vacuous(answer: Answer) -> Iterator[str]:
    for decision in answer.vacuous:
        yield f"{decision.claim.name} is not reached: {_sentence(decision.claim.doc)}"


def _holds(answer: Answer) -> Iterator[str]:
    for decision in answer.new:
        how = "reached" if decision.claim.kind == "sometimes" else decision.verdict.value
        yield f"{how}: {decision.claim.name}: {_sentence(decision.claim.doc)}"
    proved, reached = answer.kept(reached=False), answer.kept(reached=True)
    base = answer.own.design.profile
    line = f"kept of {base}: {proved.kept} of {proved.of} proved"
    line += f", {reached.kept} of {reached.of} reached"
    line += " (of those that --only names)" if answer.asked is not None else ""
    if answer.given_up:
        line += f"; {len(answer.given_up)} given up, and refuted"
    yield line


def print_traces(answer: Answer) -> None:
    """Print each run that breaks a property, with all that its steps change."""
    system = answer.own.system
    for decision in answer.broken:
        trace = answer.traces[decision.claim.name]
        print(one_line(f"{decision.claim.name}:"))
        machines = trace.replay(system)
        for number, step in enumerate(trace.trace(system).steps, 1):
            print_step(system, number, step, machines[number - 1], machines[number])


def as_json(answer: Answer, path: str, seconds: float) -> dict[str, Any]:
    """The document of schema ``memhp-design/1`` (cli/schema/design.json).

    Args:
        answer: what was found out.
        path: of the design's file, as the user named it.
        seconds: how long that took.
    """
    proved, reached = answer.kept(reached=False), answer.kept(reached=True)
    return {
        "schema": "memhp-design/1",
        "design": {
            "file": path,
            "name": answer.own.profile.name,
            "doc": answer.own.doc,
            "profile": answer.own.design.profile,
        },
        "verdict": answer.verdict.value,
        "nothing_changes": answer.nothing_changes,
        "machines": list(answer.machines),
        "differences": [_difference_json(answer, each) for each in answer.differences],
        "broken": [_broken_json(answer, each) for each in answer.broken],
        "not_proved": [_open_json(answer, each) for each in answer.not_proved],
        "vacuous": _names(answer.vacuous),
        "given_up": _names(answer.given_up),
        "given_up_needlessly": _names(answer.needless),
        "new": [{"name": e.claim.name, "verdict": e.verdict.value} for e in answer.new],
        "kept": {"proved": proved.kept, "of": proved.of},
        "still_reached": {"reached": reached.kept, "of": reached.of},
        "seconds": round(seconds, 3),
        **({"suggestion": answer.suggestion} if answer.suggestion else {}),
    }


def _names(decisions: Sequence[Decision]) -> list[str]:
    return [decision.claim.name for decision in decisions]


def _difference_json(answer: Answer, each: Difference) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": each.kind, "action": each.action.name}
    if each.changes:
        document["variable"] = each.changes
    if each.trace:
        document["step"] = step_text(answer, each)
        document["after"] = [text for text, _ in steps_of(answer, each.trace)]
    if each.refusal is not None:  # which is false
        document["refused_by"] = each.refusal.guard
        document["why"] = each.refusal.why
    return document


def _broken_json(answer: Answer, decision: Decision) -> dict[str, Any]:
    trace = answer.traces[decision.claim.name]
    return {
        "name": decision.claim.name,
        "doc": decision.claim.doc,
        "steps": [text for text, _ in steps_of(answer, trace)],
        "trace": trace.trace(answer.own.system).to_itf(answer.own.system),
    }


def _open_json(answer: Answer, decision: Decision) -> dict[str, Any]:
    failures = decision.proof.failures if decision.proof else ()
    return {
        "name": decision.claim.name,
        "verdict": decision.verdict.value,
        "because": [str(failure.counterexample or failure.reason) for failure in failures],
    }
