"""What `memhp inspect` shows a person: tables of blocks, notes under them, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from memhp.machines.reading.units import in_units
from memhp.spec.language.errnos import errorcode

from .inspect_document import design_in_names, likely_counts
from .output.terminal import coloured, say, tell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.reading.architecture import ArchitectureReading
    from memhp.machines.reading.sysfs import MachineReading

__all__ = ["MANY", "WORDS", "show"]

MANY = 10_000
"""Of so many blocks or rows the output is plain: a pretty one of a million takes minutes, and a
document of them that is whole in memory gigabytes."""

WORDS = {
    "yes": "going offline may begin",
    "no": "a guard refuses, with that errno",
    "cannot tell": "something that decides is not known",
    "offline": "it has gone already",
}
"""What is said of a block, and what that means."""

_COLOURS = {"yes": "green", "no": "red", "cannot tell": "yellow", "offline": "blue"}
_WRONG = ", wrong"
_CAN_GO = "can go"
_X86 = {"x86_64", "x86_64-la57"}


def show(
    out: Console,
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    arch: ArchitectureReading,
    checked: int,
) -> None:
    """Print the machine, its blocks and what each may do.

    Args:
        out: where to print.
        reading: the machine.
        judgements: on the blocks that are asked about.
        arch: which architectures it may be of.
        checked: how many invariants were checked.
    """
    _show_machine(out, reading, judgements, arch)
    nodes = [
        (node, list(_runs(sorted(group, key=_place), reading)))
        for node, group in groupby(sorted(judgements, key=_place), key=lambda j: j.node)
    ]
    notes = _Notes(reading, (run for _, runs in nodes for run in runs))
    for node, runs in nodes:
        _show_node(out, node, runs, reading, notes)
    if notes.lines:
        out.print()
        for line in notes.lines:
            say(out, line)
    if reading.unconfigured:
        out.print()
        say(out, _unconfigured(reading))
    helps = dict.fromkeys(_helps(reading, judgements))
    if helps:
        out.print()
        out.print("what helps (more: memhp why BLOCK):")
        for line in helps:
            say(out, line)
    if judgements:
        _show_counts(out, reading, judgements, checked)


def _helps(reading: MachineReading, judgements: Sequence[BlockJudgement]) -> Iterator[str]:
    """What helps against each guard that refuses a block, by what is in such blocks."""
    from memhp.spec.cures import CURES

    kinds: dict[str, set[str]] = {}
    for judged in judgements:
        if judged.verdict == "no" and judged.guard is not None:
            frames = None if reading.frames is None else reading.frames.get(judged.number)
            told = {"kernel"} if frames is None else {kind.value for kind, n in frames.items() if n}
            of_cma = {"cma"} if judged.why.endswith("an area of CMA") else set[str]()
            kinds.setdefault(judged.guard, set()).update(told | of_cma)
    for guard, inside in kinds.items():
        for cure in CURES:
            fits = not cure.kinds or inside.intersection(cure.kinds) - _PASSING
            if fits and cure.guard.partition(".")[2] == guard and not _is_none(cure.text):
                yield f"{guard}: {cure.text}"


def _is_none(cure: str) -> bool:
    return cure.startswith("no cure")


_PASSING = {"waiting", "unknown", "blank"}
"""Kinds of frames that alone refuse nothing for long."""


def _show_machine(
    out: Console,
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    arch: ArchitectureReading,
) -> None:
    if judgements:
        size = "unknown size" if reading.block_size is None else in_units(reading.block_size)
        derived = " (derived)" if reading.block_size_derived else ""
        out.print(f"{reading.source}: {len(judgements)} blocks of {size}{derived}")
    else:
        out.print(f"{reading.source}: no memory block")
    names = ", ".join(arch.names) or "none that is known"
    if set(arch.names) == _X86:
        names = "x86_64 (page tables of 4 or 5 levels)"
    say(out, f"architecture: {names}; {arch.why}")
    if judgements:
        say(out, f"judged by: {_design(reading)}")
    for note in reading.notes:
        say(out, f"note: {note}")


def _show_counts(
    out: Console, reading: MachineReading, judgements: Sequence[BlockJudgement], checked: int
) -> None:
    out.print()
    out.print(_summary(reading, judgements))
    if reading.outcomes is not None:
        say(out, _as_predicted(judgements, reading.outcomes))
    broken = Counter(name for judgement in judgements for name in judgement.violated)
    out.print(f"invariants: {checked} checked, {len(broken)} violated")
    for name, count in broken.items():
        out.print(f"  {name}: by {count} blocks")
    said = {judgement.verdict for judgement in judgements}
    words = "; ".join(f"{word}: {meaning}" for word, meaning in WORDS.items() if word in said)
    likely = any(likely_counts(judgements).values())
    say(out, f"{_CAN_GO}: {words}{'; likely: by counts alone, not certain' if likely else ''}")


def _design(reading: MachineReading) -> str:
    """By which design the machine is judged, in words."""
    design = design_in_names(reading)
    profile, version = design["profile"], design["linux"]
    if version is None:
        return f"{profile}, which leaves most open: no version is told"
    otherwise = f", but for {', '.join(design['otherwise'])}" if design["otherwise"] else ""
    return f"{profile}, for Linux {version}{otherwise}"


def _place(judgement: BlockJudgement) -> tuple[int, int]:
    return (-1 if judgement.node is None else judgement.node, judgement.number)


class _Notes:
    """Sentences that several rows share: numbered, and said once, under the tables."""

    def __init__(self, reading: MachineReading, runs: Iterator[Sequence[BlockJudgement]]) -> None:
        self.reading = reading
        often = Counter(self.sentence(run[0]) for run in runs)
        shared = [sentence for sentence, count in often.items() if count > 1 and len(sentence) > 40]
        self._numbers = {sentence: number for number, sentence in enumerate(shared, 1)}

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentences, each with its number."""
        return tuple(f"[{number}] {sentence}" for sentence, number in self._numbers.items())

    def sentence(self, judged: BlockJudgement) -> str:
        """The whole reason for what is said of a block."""
        ways = ", ".join(
            f"{way.word} (zone {way.zone}; it could go again: {way.again})" for way in judged.online
        )
        back = f"; what brings it back, written to its state: {ways}" if ways else ""
        guard = "" if judged.guard is None or judged.verdict == "offline" else f" ({judged.guard})"
        return f"{_why(judged)}{back}{guard}"

    def of(self, run: Sequence[BlockJudgement]) -> str:
        """The last cell of a row: how many frames do not tell, and why, or where that is said."""
        sentence = self.sentence(run[0])
        number = self._numbers.get(sentence)
        return f"{_counted(self.reading, run)}{sentence if number is None else f'[{number}]'}"


def _counted(reading: MachineReading, run: Sequence[BlockJudgement]) -> str:
    """How many frames of a run do not tell what they are used for."""
    size, page = reading.block_size, reading.page_size
    untold = sum(each.untold or 0 for each in run)
    if "frames" not in run[0].missing or not untold or size is None or page is None:
        return ""
    return f"{untold:,} of {len(run) * size // page:,} frames do not tell: "


def _show_node(
    out: Console,
    node: int | None,
    runs: Sequence[Sequence[BlockJudgement]],
    reading: MachineReading,
    notes: _Notes,
) -> None:
    heads = ["blocks", "addresses", "size", "state", "zone", "device", _CAN_GO, "", "when tried"]
    rows = [[*_row(run, reading), notes.of(run)] for run in runs]
    heads.append("why")
    shown = [
        at
        for at, head in enumerate(heads)
        if head not in _PERHAPS or any(row[at] != _PERHAPS[head] for row in rows)
    ]
    heads, rows = [heads[at] for at in shown], [[row[at] for at in shown] for row in rows]
    out.print()
    out.print("node unknown, or several" if node is None else f"node {node}")
    if out.is_terminal and out.width < _least_width([heads, *rows]):
        tell(*_lines([heads, *rows]))
    elif out.is_terminal and len(rows) < MANY:
        out.print(_table(heads, rows))
    else:
        print("\n".join(_lines([heads, *rows])))


_PERHAPS = {"addresses": "", "size": "", "device": "", "when tried": ""}
"""Columns that are left out where every cell of them says only this."""


def _row(run: Sequence[BlockJudgement], reading: MachineReading) -> list[str]:
    """What is said of a run of blocks, a word for each column but the last."""
    first, last = run[0], run[-1]
    likely = "" if first.likelihood is None else f", {first.likelihood}"
    return [
        _numbers(first.number, last.number),
        *_extent(reading, first.number, last.number),
        first.state or "?",
        first.zone or "?",
        reading.devices.get(first.number, ""),
        f"{first.verdict}{likely}",
        " or ".join(errorcode[errno] for errno in first.errnos if first.verdict == "no"),
        _tried(first, reading.outcomes) if reading.outcomes else "",
    ]


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _extent(reading: MachineReading, first: int, last: int) -> tuple[str, str]:
    """The addresses of blocks and how much that is; blank where the block size is unknown."""
    size = reading.block_size
    if size is None:
        return "", ""
    return f"{first * size:#x}-{(last + 1) * size - 1:#x}", in_units((last + 1 - first) * size)


def _unconfigured(reading: MachineReading) -> str:
    """Where memory is that is there and not configured, and what adds it."""
    groups = [
        [number for _, number in group]
        for _, group in groupby(enumerate(reading.unconfigured), key=lambda pair: pair[1] - pair[0])
    ]
    places = [
        " ".join(filter(None, (_numbers(its[0], its[-1]), *_extent(reading, its[0], its[-1]))))
        for its in groups
    ]
    return (
        f"not configured: {', '.join(places)}; a 1 written to sys/firmware/memory/memoryN/config"
        " adds the block, offline (it is assigned then, not when it goes online)"
    )


def _table(heads: list[str], rows: list[list[str]]) -> Table:
    """The rows as a terminal shows them, the verdicts in colours."""
    from rich.table import Table

    table = Table(*heads, box=None, pad_edge=False)
    table.columns[-1].overflow = "fold"
    for column, width in zip(table.columns, _longest_words([heads, *rows]), strict=True):
        column.min_width = width
    at = heads.index(_CAN_GO)
    for row in rows:
        cells: list[str | Text] = [*row]
        cells[at] = coloured(row[at], _COLOURS[row[at].partition(",")[0]])
        if row[-2].endswith(_WRONG):
            cells[-2] = coloured(row[-2], "red")
        table.add_row(*cells)
    return table


def _least_width(rows: list[list[str]]) -> int:
    """So many columns a terminal needs to show these rows as a table without breaking a word."""
    return sum(_longest_words(rows)) + 2 * len(rows[0])


def _longest_words(rows: list[list[str]]) -> list[int]:
    """For each column the length of its longest word."""
    return [
        max(len(word) for cell in column for word in ["", *cell.split()])
        for column in zip(*rows, strict=True)
    ]


def _lines(rows: list[list[str]]) -> Iterator[str]:
    """The same as plain lines, one for each row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _runs(
    judgements: Sequence[BlockJudgement], reading: MachineReading
) -> Iterator[list[BlockJudgement]]:
    """Consecutive blocks of which the same is said."""
    current: list[BlockJudgement] = []
    before: tuple[object, ...] | None = None
    for judgement in judgements:
        key = _key(judgement, reading)
        if current and not (judgement.number == current[-1].number + 1 and key == before):
            yield current
            current = []
        current.append(judgement)
        before = key
    if current:
        yield current


def _key(judgement: BlockJudgement, reading: MachineReading) -> tuple[object, ...]:
    """All that a row shows of a block but its number and how many of its frames do not tell."""
    outcome = None if reading.outcomes is None else reading.outcomes.get(judgement.number)
    words = (judgement.state, judgement.zone, judgement.verdict, judgement.guard, _why(judgement))
    more = (judgement.likelihood, judgement.online, reading.devices.get(judgement.number))
    return (*words, judgement.errnos, outcome, *more)


def _tried(judgement: BlockJudgement, outcomes: Mapping[int, str]) -> str:
    """How it ended when the block was tried, and whether it was judged otherwise."""
    outcome = outcomes.get(judgement.number)
    if outcome is None:
        return "not tried"
    return outcome + _WRONG if judgement.agrees(outcome) is False else outcome


def _as_predicted(judgements: Sequence[BlockJudgement], outcomes: Mapping[int, str]) -> str:
    counts = Counter(
        judged.agrees(outcomes[judged.number]) for judged in judgements if judged.number in outcomes
    )
    judged = counts[True] + counts[False]
    return (
        f"blocks tried: {sum(counts.values())}; right {counts[True]} of {judged} judgements;"
        f" not judged: {counts[None]}"
    )


def _why(judgement: BlockJudgement) -> str:
    """The reason in words that fit every block of a run."""
    return judgement.why.replace(f"memory{judgement.number}/", "memoryN/")


def _summary(reading: MachineReading, judgements: Sequence[BlockJudgement]) -> str:
    counts = Counter[str](judgement.verdict for judgement in judgements)
    parts = []
    for verdict in WORDS:
        count = counts[verdict]
        if verdict == "offline" and not count:
            continue
        size = "" if reading.block_size is None else f" ({in_units(count * reading.block_size)})"
        parts.append(f"{verdict} {count}{size}")
    likely = likely_counts(judgements)
    words = ", ".join(f"likely {word} {count}" for word, count in likely.items() if count)
    return f"{len(judgements)} blocks: {', '.join(parts)}{'; ' if words else ''}{words}"
