"""All that is measured, in one table: a line for each result.

    python tests/bench/run.py                   # every part, about twenty minutes
    python tests/bench/run.py engine walk       # some parts
    python tests/bench/run.py explore --large   # the scope of 20 million states, 10 GB
    python tests/bench/run.py --save            # append the table to docs/benchmarks.md
    python tests/bench/run.py --quick           # small numbers, which only show that it works

They are measurements, not tests.  `designs.py`, `explore.py`, `proof.py`
and `walk.py` run by themselves, too.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from memhp.checks.fuzz.conformance import explored
from memhp.checks.fuzz.rules import RULES
from memhp.checks.fuzz.topologies import SHAPES
from memhp.checks.mutants.judge import Judge, judge_all
from memhp.engine.target import EngineTarget
from memhp.spec.mutants import MAY_REPEAT, REASONS
from memhp.spec.system import SYSTEM

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import designs, engine, evidence, explore, proof, reference, walk

Line = tuple[str, str]
"""What was measured, and the result with its unit."""

DRAWN, SEEDS = 4_000, 4
"""Operations that hypothesis draws for each seed and machine, and how many seeds there are."""
MILLION = 1_000_000
SAVED = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SMALL = (
    "folios move",
    ["--scope", "block=2,frame=2,folio=2", "--actions", explore.MOVES],
    1_000_000,
)
PAGEFLAGS = Path("/proc/kpageflags")


# --- the machine ---------------------------------------------------------------------------------


def machine() -> str:
    """The machine and the versions, in one paragraph."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    tools = [f"{name} {version(name)}" for name in ("z3-solver", "cvc5", "hypothesis", "numpy")]
    tools += [_first_line("cc", "--version"), _first_line("spin", "-V")]
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores,"
        f" {gigabytes:.0f} GiB; Python {platform.python_version()}, {', '.join(tools)}"
    )


def _first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return f"no {command[0]}"
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return answer.splitlines()[0] if answer else command[0]


# --- parts ---------------------------------------------------------------------------------------


def of_proof(args: argparse.Namespace) -> Iterator[Line]:
    """The commands that prove, as a user waits for them; z3 alone beside them."""
    yield from proof.results(quick=args.quick)


def of_designs(args: argparse.Namespace) -> Iterator[Line]:
    """The answer on each example of a design: from nothing, again, after an edit."""
    yield from designs.results(quick=args.quick)


def of_mutants(args: argparse.Namespace) -> Iterator[Line]:
    """Every small mistake in the specification, and who notices."""
    started = perf_counter()
    chosen = ["drain"] if args.quick else None
    judge = Judge(SYSTEM, REASONS, MAY_REPEAT)
    counts = Counter(found.notice for found in judge_all(judge, chosen))
    seconds = perf_counter() - started
    noticed = ", ".join(f"{number} {notice}" for notice, number in counts.most_common())
    yield "mutants", f"{counts.total()} in {seconds:.0f} s: {noticed}"


def of_reference(args: argparse.Namespace) -> Iterator[Line]:
    """Steps of the reference."""
    rate, taken = reference.measured(2_000 if args.quick else 60_000)
    yield "reference", f"{rate:,.0f} steps a second, {taken:.0%} of them change something"


def of_fuzz(args: argparse.Namespace) -> Iterator[Line]:
    """Hypothesis mode against hypothesis alone, in turns, with the same number of rules.

    How long a step takes depends on what hypothesis draws, so there are several seeds.
    """
    from bench.drawn import bare

    target, spent, done, changed = EngineTarget(), [0.0, 0.0], [0, 0], 0
    drawn, seeds = (200, 1) if args.quick else (DRAWN, SEEDS)
    for name in SHAPES:  # what is made once is made now
        explored(target, name, drawn // 4, seed=0)
    for seed in range(1, seeds + 1):
        for name in SHAPES:
            started = process_time()
            done[0] += bare(len(RULES), drawn, seed)
            between = process_time()
            piece = explored(target, name, drawn, seed)
            spent[0] += between - started
            spent[1] += process_time() - between
            done[1] += piece.steps
            changed += piece.changed
            assert piece.record is None, piece.record
    alone, own = (steps / seconds for steps, seconds in zip(done, spent, strict=True))
    yield "hypothesis alone, with as many rules", f"{alone:,.0f} steps a second"
    yield (
        "hypothesis mode",
        f"{own:,.0f} steps a second, {own / alone:.2f} of hypothesis alone,"
        f" {changed / done[1]:.0%} change something",
    )


def of_walk(args: argparse.Namespace) -> Iterator[Line]:
    """The walk, on one core, on each machine."""
    for name in SHAPES:
        _, found, seconds = walk.one(name, 500 if args.quick else 10_000)
        assert found.divergence is None, found.divergence
        rate = f"{found.steps / seconds:,.0f} operations a second"
        yield f"walk, {name}", f"{rate}, {found.share_changed:.0%} change something"


def of_million(args: argparse.Namespace) -> Iterator[Line]:
    """A million operations of the walk, on all machines, two processes."""
    steps, started = 4_000 if args.quick else MILLION, perf_counter()
    runs = walk.everywhere(steps)
    seconds = perf_counter() - started
    diverged = [f"{name}: {found.divergence}" for name, found, _ in runs if found.divergence]
    said = "; ".join(diverged) or "no divergence"
    yield f"walk, {steps:,} operations on {len(runs)} machines", f"{seconds:.0f} s, {said}"


def of_engine(args: argparse.Namespace) -> Iterator[Line]:
    """The engine on large machines; what hotplug costs where nothing is plugged (U2)."""
    yield from engine.results(("64 TiB",) if args.quick else tuple(engine.SIZES))


def of_explore(args: argparse.Namespace) -> Iterator[Line]:
    """Exhaustive search against Spin; the numbers of states are equal."""
    if shutil.which("spin") is None:
        yield "exhaustive search", "not measured: there is no spin (apt install spin)"
        return
    with TemporaryDirectory() as folder:
        for model in explore.MODELS if args.large else (SMALL,):
            for what, states, ratio in explore.compare(*model, Path(folder)):
                yield f"{what}, {model[0]}", f"{states:,} states, {ratio:.1f} times as fast as Spin"


def of_frames(_: argparse.Namespace) -> Iterator[Line]:
    """This machine's own frames, read and loaded."""
    from machines.judging.frames import load_engine

    from memhp.machines.reading.errors import MachineError
    from memhp.machines.reading.sysfs import read_machine

    started = perf_counter()
    try:
        loaded = load_engine(read_machine("/"), path=PAGEFLAGS)
    except (MachineError, OSError) as error:
        yield "this machine's frames", f"not measured: {error}"
        return
    seconds = perf_counter() - started
    yield "this machine's frames", f"{loaded.layout.blocks} blocks in {seconds:.2f} s"


def of_evidence(args: argparse.Namespace) -> Iterator[Line]:
    """Page structures of a machine of 24 GiB, looked into."""
    yield from evidence.evidence(8 if args.quick else evidence.BLOCKS)


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Line]]] = {
    "proof": of_proof,
    "designs": of_designs,
    "mutants": of_mutants,
    "reference": of_reference,
    "fuzz": of_fuzz,
    "walk": of_walk,
    "million": of_million,
    "explore": of_explore,
    "engine": of_engine,
    "frames": of_frames,
    "evidence": of_evidence,
}


# --- the table -----------------------------------------------------------------------------------


def table(lines: list[Line]) -> str:
    """The results as Markdown, under the date and the machine."""
    rows = "\n".join(f"| {what} | {result} |" for what, result in lines)
    date = datetime.now(UTC).date()
    return f"\n## {date}\n\n{machine()}\n\n| measured | result |\n| --- | --- |\n{rows}\n"


def main() -> None:
    """Run the parts; print a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure memhp.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--large", action="store_true", help="search 20 million states, too")
    parser.add_argument("--quick", action="store_true", help="small numbers: does it work?")
    parser.add_argument(
        "--save", nargs="?", type=Path, const=SAVED, metavar="FILE", help=f"append to {SAVED.name}"
    )
    args = parser.parse_args()
    if args.quick and args.save == SAVED:
        parser.error("what --quick measures is worth nothing: give --save a file of your own")
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    print(machine(), flush=True)
    lines = []
    for part in args.parts or PARTS:
        for line in PARTS[part](args):
            lines.append(line)
            print(f"{line[0]}: {line[1]}", flush=True)
    if args.save:
        head = "# Measurements\n\nBy `python tests/bench/run.py --save`.\n"
        with args.save.open("a") as file:
            file.write(table(lines) if file.tell() else head + table(lines))
        print(f"added to {args.save}", file=sys.stderr)


if __name__ == "__main__":
    main()
