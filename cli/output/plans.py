"""How a plan looks: what it comes to first, then each step, then why not and what helps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memhp.machines.planning.runs import in_order, runs_of
from memhp.machines.reading.units import in_units

from .terminal import coloured, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from memhp.machines.planning.plan import Plan
    from memhp.machines.reading.sysfs import MachineReading

__all__ = ["seconds_words", "show_plan"]

_COLOURS = {"can": "green", "cannot": "red", "may": "yellow"}
_SURE = {"yes": "green", "likely": "yellow", "cannot tell": "yellow", "unlikely": "red"}
_HEADS = ("wave", "blocks", "node", "zone", "size", "sure", "moves", "to", "s", "at most")


def show_plan(
    out: Console,
    plan: Plan,
    reading: MachineReading,
    document: dict[str, Any],
    *,
    verbose: bool = False,
) -> None:
    """Print a plan.

    Args:
        out: where to print.
        plan: what is to be done.
        reading: the machine that it is for.
        document: of the plan.
        verbose: a line for every block.
    """
    size = reading.block_size or 0
    say(out, f"{reading.source}: {_goal(plan)}, {plan.wanted.count} blocks of {in_units(size)}")
    head = _headline(plan, size)
    verdict = coloured(plan.verdict, _COLOURS[plan.verdict])
    out.print(verdict, head, sep="", soft_wrap=not out.is_terminal)
    for doubt in plan.doubts:
        say(out, f"  only may: {doubt}")
    _show_obstacles(out, document["obstacles"])
    if document["steps"]:
        out.print()
        if plan.nearest is not None:
            say(out, f"the nearest that {plan.nearest} be done:")
        _show_steps(out, document["steps"], verbose=verbose)
    _show_lines(out, "first:", document["first"])
    _show_lines(out, "then:", document["afterwards"])
    if document["steps"]:
        out.print()
        for line in _about(plan, document):
            say(out, line)
    for note in plan.notes:
        say(out, f"note: {note}")
    if reading.live and plan.moves and plan.nearest is None:
        say(out, "do it: --apply --yes, or --out FILE and then memhp apply FILE --yes")


def _goal(plan: Plan) -> str:
    goal = plan.goal
    if goal.size is None:
        return f"free {goal.words}"
    return f"free {in_units(goal.size)}{'' if goal.node is None else f' of node {goal.node}'}"


def _headline(plan: Plan, size: int) -> str:
    gone = len(plan.wanted.gone)
    already = f"; {gone} blocks of it are offline already" if gone else ""
    if not plan.wanted.count:
        return f": nothing is left to do{already}"
    if plan.nearest is not None or not plan.moves:
        some, all_ = (in_units(count * size) for count in (len(plan.moves), plan.wanted.count))
        missing = (
            "" if plan.verdict == "cannot" else "neither a way is known nor that there is none; "
        )
        return f": {missing}{some} of {all_} {plan.nearest or 'can'}{already}"
    return f" in {seconds_words(plan.duration.low, plan.duration.expected, plan.duration.high)}" + (
        f", and what a store takes to answer{already}" if plan.duration.endless else already
    )


def seconds_words(low: float, expected: float, high: float) -> str:
    """A duration to expect, with its bounds.

    >>> seconds_words(0.05, 7.6, 9.5)
    'about 7.6 s (0.05 to 9.5)'
    """
    return f"about {_figure(expected)} s ({_figure(low)} to {_figure(high)})"


def _figure(number: float) -> str:
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.2g}" if number >= 0.005 else "0"


def _show_obstacles(out: Console, cores: Sequence[Sequence[dict[str, Any]]]) -> None:
    """The sets of facts that forbid the goal; what all of them have in common is left out."""
    if not cores:
        return
    told = [[fact for fact in core if fact["name"] not in _PLAIN] for core in cores]
    single = all(len(core) == 1 for core in told)
    out.print()
    if not any(told):
        for fact in cores[0]:
            _show_fact(out, fact, "  ")
        return
    if single:
        say(out, "each of these alone forbids it:" if len(told) > 1 else "this forbids it:")
        for core in told:
            _show_fact(out, core[0], "  ")
        return
    for at, core in enumerate(told):
        say(out, "these together forbid it:" if not at else "and so do these:")
        for fact in core:
            _show_fact(out, fact, "  ")
        if any(fact["name"] in _OF_BLOCKS or fact["name"].startswith("refused") for fact in core):
            say(out, f"  {cores[at][1]['text']}")


_PLAIN = {"goal", "machine"}
"""Facts that every set has."""
_OF_BLOCKS = {"kept", "offline"}


def _show_fact(out: Console, fact: dict[str, Any], before: str) -> None:
    say(out, f"{before}{fact['text']}")
    if fact["holder"]:
        say(out, f"{before}  held by: {fact['holder']}")
    for cure in fact["cures"]:
        say(out, f"{before}  {'' if cure.startswith('no cure') else 'helps: '}{cure}")


def _show_steps(out: Console, steps: Sequence[dict[str, Any]], *, verbose: bool) -> None:
    from rich.table import Table

    rows = list(_rows(steps, verbose=verbose))
    heads = [head for at, head in enumerate(_HEADS) if at or len({row[0] for row in rows}) > 1]
    rows = [row[-len(heads) :] for row in rows]
    if not out.is_terminal:
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        for row in [heads, *rows]:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(padded).rstrip())
        return
    table = Table(*heads, box=None, pad_edge=False)
    at = heads.index("sure")
    for row in rows:
        cells: list[str | Text] = [*row]
        cells[at] = coloured(row[at], _SURE[row[at]])
        table.add_row(*cells)
    out.print(table)


def _rows(steps: Sequence[Mapping[str, Any]], *, verbose: bool) -> Iterator[list[str]]:
    """A row for each run of steps of which the same is said, in their order."""
    runs = ([step] for step in steps) if verbose else runs_of(steps)
    for run in runs:
        first = run[0]
        _, expected, high = (sum(step["seconds"][key] for step in run) for key in _BOUNDS)
        yield [
            str(first["wave"]),
            in_order([step["block"] for step in run]),
            str(first["node"]),
            first["zone"],
            in_units(len(run) * _size(steps)),
            first["sure"],
            _amount(run),
            _where(run),
            _figure(expected),
            _figure(high) + ("+" if any(step["seconds"]["endless"] for step in run) else ""),
        ]


_BOUNDS = ("low", "expected", "high")


def _size(steps: Sequence[Mapping[str, Any]]) -> int:
    """Bytes of a block, as the steps tell it by number and address."""
    return next((s["address"] // s["block"] for s in steps if s["block"]), 0)


def _amount(run: Sequence[Mapping[str, Any]]) -> str:
    _, expected, high = (sum(step["moves"][key] for step in run) for key in _BOUNDS)
    if not high:
        return "nothing"
    return in_units(expected) if expected == high else f"{in_units(expected)} to {in_units(high)}"


def _where(run: Sequence[Mapping[str, Any]]) -> str:
    amounts: dict[int, int] = {}
    for step in run:
        for to in step["to"]:
            amounts[to["node"]] = amounts.get(to["node"], 0) + to["bytes"]
    words = [f"node {node}" for node in amounts]
    if len(amounts) > 1:
        words = [f"node {node} {in_units(size)}" for node, size in amounts.items()]
    lacking = sum(step["reclaims"] for step in run)
    if not amounts and not lacking and any(step["moves"]["high"] for step in run):
        return "not told"
    if lacking:
        words.append(f"{in_units(lacking)} after reclaim")
    return ", ".join(words) or "-"


def _show_lines(out: Console, head: str, lines: Sequence[str]) -> None:
    if lines:
        out.print()
        out.print(head)
        for line in lines:
            say(out, f"  {line}")


def _about(plan: Plan, document: dict[str, Any]) -> Iterator[str]:
    """What is left, how the time compares, and what is behind the plan."""
    left = document["left"]
    if left is not None:
        free = ", ".join(f"node {each['node']} {in_units(each['bytes'])}" for each in left["free"])
        alone = left["memoryless_nodes"]
        without = f"; without memory then: node {', '.join(map(str, alone))}" if alone else ""
        yield (
            f"left: free {free}; kernel zones {in_units(left['kernel'])}, movable"
            f" {in_units(left['movable'])}{without}"
        )
    for who in plan.bound:
        yield f"bound to what goes, and to nothing else: {who}"
    if plan.reboot is not None:
        span = plan.reboot.seconds
        upper = "" if span.upper is None else f" to {_figure(span.upper)}"
        yield f"a reboot: {_figure(span.lower)}{upper} s ({plan.reboot.confidence})"
    yield _behind(plan, document["design"]["profile"])
    endless = "; +: and what a store takes to answer" if plan.duration.endless else ""
    yield f"s: seconds to expect, and at most{endless}"


def _behind(plan: Plan, profile: str) -> str:
    """What was checked of the plan."""
    failures = plan.certificate.failures
    checked = f"certified: {plan.certificate.done} of {len(plan.moves)} steps on the reference"
    words = [f"{checked} ({profile})", *failures[:3]]
    if plan.whole is not None:
        words[0] += f", {plan.whole.done} on the engine"
    if plan.wanted.named or plan.cost is None or plan.least is None:
        return "; ".join(words)
    if plan.optimal:
        words.append("no choice of blocks is surer and moves less (proved)")
    elif plan.cost == plan.least:
        words.append("no choice of as sure blocks moves less")
    elif plan.least:
        more = 100 * (plan.cost - plan.least) / plan.least
        words.append(f"no choice of as sure blocks moves less than this one by {more:.2g} %")
    return "; ".join(words)
