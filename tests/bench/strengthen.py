"""How much of the specification's proof is found again, once invariants are taken away.

Each task takes one auxiliary invariant away (one that other proofs rest on), or two, and asks for
the proofs that rested on it, one after another: what was found for one is there for the next.
What was done is kept in a file, a line a task, so that a run can be interrupted and goes on where
it was: the tasks and their order are always the same.

    .venv/bin/python tests/bench/strengthen.py results.jsonl --singles 30
    .venv/bin/python tests/bench/strengthen.py results.jsonl --pairs 100
    .venv/bin/python tests/bench/strengthen.py results.jsonl --table
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from memhp.checks.proof.cache import default_folder
from memhp.checks.proof.prove import prove
from memhp.checks.strengthen.suggest import Knowledge, knowledge_of, suggest
from memhp.spec.language.system import System
from memhp.spec.system import SYSTEM

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kept import keep, kept

LIMIT = 60.0
"""The search for a proof ends after so many seconds of one processor."""


class Over(BaseException):
    """The time of a proof is over; no part of memhp takes it for a mistake of a solver."""


def rested() -> dict[str, list[str]]:
    """For each auxiliary invariant the properties whose proofs rest on it."""
    report = prove(SYSTEM, cache=default_folder())
    users: dict[str, list[str]] = {}
    for result in (*report.results, *report.premises):
        for name in result.rests_on if result.kind != "action" else ():
            users.setdefault(name, []).append(result.name)
    return {claim.name: users[claim.name] for claim in SYSTEM.properties if claim.name in users}


def tasks(
    users: Mapping[str, Sequence[str]], singles: int, pairs: int
) -> Iterator[tuple[str, ...]]:
    """The names that are taken away together, the same in each run."""
    names = sorted(users)
    Random(1).shuffle(names)
    yield from ((name,) for name in names[:singles])
    random = Random(2)
    every = [(one, other) for one in sorted(users) for other in sorted(users) if one < other]
    yield from random.sample(every, len(every))[:pairs]


def without(names: Sequence[str]) -> System:
    """The specification without those properties, nor what names them."""
    kept = tuple(claim for claim in SYSTEM.properties if claim.name not in names)
    return replace(SYSTEM, properties=kept)


def run(
    names: Sequence[str], users: Mapping[str, Sequence[str]], known: Knowledge
) -> dict[str, Any]:
    """One task: what was asked for, what is proved, what was found, and the time."""
    goals = [
        goal for goal in dict.fromkeys(u for n in names for u in users[n]) if goal not in names
    ]
    started = time.process_time(), time.perf_counter()
    system, unproved = without(names), dict.fromkeys(goals)
    slowest, needed, found = 0.0, 0, []
    for goal in goals:
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LIMIT, 1.0)
        try:
            answer = suggest(system, [goal], unproved=unproved, knowledge=known, jobs=1)
        except Over:
            answer = None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        needed += answer is None or bool(answer.open)
        slowest = max(slowest, time.process_time() - begun)
        if answer and not answer.unproved:
            del unproved[goal]
            system = answer.system
            found += [str(claim.formula) for claim in answer.found]
    return {
        "without": list(names),
        "goals": len(goals),
        "needed": needed,
        "proved": len(goals) - len(unproved),
        "found": found,
        "unproved": list(unproved),
        "slowest": round(slowest, 1),
        "cpu": round(time.process_time() - started[0], 1),
        "seconds": round(time.perf_counter() - started[1], 1),
    }


def stop(*_: object) -> None:
    """The time of a proof is over.

    Raises:
        Over: always.
    """
    raise Over


def table(done: Sequence[Mapping[str, Any]]) -> str:
    """The summary, as docs/benchmarks.md has it."""
    lines = [
        "| taken away | tasks | proofs that rested on it | found again within 60 s each "
        "| all of a task | s a task |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for what, number in (("one invariant", 1), ("two invariants", 2)):
        mine = [each for each in done if len(each["without"]) == number]
        if not mine:
            continue
        asked = sum(each["goals"] for each in mine)
        again = sum(each["proved"] for each in mine)
        whole = sum(each["proved"] == each["goals"] for each in mine)
        lines.append(
            f"| {what} | {len(mine)} | {asked} | {again} ({again / asked:.0%}) "
            f"| {whole} ({whole / len(mine):.0%}) | {sum(e['cpu'] for e in mine) / len(mine):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what is not done yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="results, a line a task")
    parser.add_argument("--singles", type=int, default=0, help="so many invariants, one at a time")
    parser.add_argument("--pairs", type=int, default=0, help="so many pairs")
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    done = kept(args.file)
    if not args.table:
        users, known = rested(), knowledge_of(SYSTEM)
        signal.signal(signal.SIGPROF, stop)
        finished = {tuple(each["without"]) for each in done}
        for names in tasks(users, args.singles, args.pairs):
            if names not in finished:
                done.append(run(names, users, known))
                keep(args.file, done[-1])
                print(json.dumps(done[-1]), flush=True)
    print(table(done))


if __name__ == "__main__":
    main()
