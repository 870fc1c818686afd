"""Plans made and done inside real kernels: what was said, what came of it, in which time.

Pairs of a guest and a goal are drawn by a seed.  What memhp plan says *can* of is done by memhp
apply, and taken back; of what *cannot*, `chmem -d` (util-linux) tries it from the same start, which
is the same guest, with all blocks back.  Guests count their instructions, so that their own clock
does not depend on what else this machine does.  A line of JSON for each pair is appended to the
results, and what is there is not done again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

from memhp.lab.kernels.kernel import load
from memhp.lab.tools.errors import LabError
from memhp.machines.applying.planned import PlanError

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kept import keep, kept
from bench.plan_guests import (
    BLOCK,
    ORDER_STARTS,
    STARTS,
    Bench,
    Start,
    drawn_goal,
    kill,
    states_in,
    zones_in,
)

__all__ = ["kills", "orders", "pairs", "table"]

KERNELS = ("x86_64-6.1", "x86_64-6.12", "x86_64-newest", "x86_64-5.10")
Record = dict[str, Any]


def pairs(bench: Bench, start: Start, count: int, draw: Random) -> Iterator[Record]:
    """What came of so many goals, from one start."""
    before, zones = states_in(bench.guest), zones_in(bench.guest)
    others = sorted(set(before).difference(bench.own))
    for at in range(count):
        if at:  # what moved away comes back with holders who begin anew
            bench.hold(start)
        record = _pair(bench, drawn_goal(draw, bench.own, others), before, zones)
        if record["verdict"] == "cannot":
            record["chmem"] = _chmem(bench, record, before, zones)
        yield {**record, "intact": bench.intact()}


def _pair(
    bench: Bench, words: Sequence[str], before: Mapping[int, str], zones: Mapping[int, str]
) -> Record:
    """A goal planned, and done if it can or may be; the machine is as it was afterwards."""
    plan = bench.plan(*words)
    seconds, reboot = plan["seconds"], plan["reboot"]["lower"]
    record: Record = {
        "goal": " ".join(words),
        "verdict": plan["verdict"],
        "wanted": plan["wanted"],
        "steps": [step["block"] for step in plan["steps"]],
        "doubts": plan["doubts"],
        "facts": [fact["text"] for core in plan["obstacles"] for fact in core],
        "low": seconds["low"],
        "expected": seconds["expected"],
        "high": seconds["high"],
        "reboot": reboot,
    }
    if plan["verdict"] == "cannot" or plan["nearest"] or not plan["steps"]:
        return record
    ran = bench.apply()
    after = states_in(bench.guest)
    gone = sorted(b for b in before if before[b] == "online" and after[b] != "online")
    record |= {
        "code": ran.code,
        "told": [] if ran.code == 0 else (ran.out + ran.err).splitlines()[-4:],
        "done": ran.code == 0 and gone == sorted(record["steps"]),
        "took": bench.seconds(),
    }
    back = bench.take_up("undo")
    record["undone"] = back.code == 0 and states_in(bench.guest) == before
    record["zones"] = zones_in(bench.guest) == zones
    bench.as_it_was(before, zones)
    return record


def _chmem(
    bench: Bench, record: Record, before: Mapping[int, str], zones: Mapping[int, str]
) -> Record:
    """What `chmem -d` frees of a goal: by size where the goal is a size alone, else by blocks."""
    words, own = record["goal"].split(), bench.own
    if len(words) == 1:
        tries = [words]
    elif "--blocks" in words:
        tries = [["-b", words[words.index("--blocks") + 1]]]
    elif "--keep" in words:
        kept = {int(block) for block in words[words.index("--keep") + 1].split(",")}
        tries = [["-b", f"{block}-{block}"] for block in before if block not in kept]
    else:
        tries = [["-b", f"{own[0]}-{own[-1]}"]]
    went: set[int] = set()
    for each in tries:
        went |= bench.chmem(*map(_ranged, each))
    bench.as_it_was(before, zones)
    return {"went": sorted(went), "failed": len(went) < record["wanted"]}


def _ranged(word: str) -> str:
    """A block as the range that chmem wants."""
    return f"{word}-{word}" if word.isdigit() else word


def orders(bench: Bench, start: Start, count: int, draw: Random) -> Iterator[Record]:
    """As many blocks as single offlines free in the best order: by memhp, and by chmem.

    Of four blocks there are 24 orders, and all are tried unless fewer are asked for.  What goes
    when the kernel has ended a process for want of memory does not count.
    """
    before, zones, own = states_in(bench.guest), zones_in(bench.guest), bench.own
    every = list(permutations(own))
    tried = draw.sample(every, min(count, len(every)))
    freed = []
    for order in tried:
        freed.append(_freed(bench, order))
        bench.as_it_was(before, zones)
        bench.intact()
        bench.hold(start)
    most = max(freed)
    record: Record = {"goal": "orders", "blocks": own, "orders": len(tried), "freed": freed}
    record["most"] = most
    if most:
        size = f"{most * (BLOCK >> 20)}M"
        ended = bench.ended_by_the_kernel()
        pair = _pair(bench, [f"{size}iB", "--node", "1"], before, zones)
        freed_them = bool(pair.get("done")) and bench.ended_by_the_kernel() == ended
        bench.intact()
        bench.hold(start)
        went = len(bench.chmem(size, "-z", zones[own[0]]))
        bench.as_it_was(before, zones)
        record |= {"verdict": pair["verdict"], "memhp": freed_them, "went": went}
        record["chmem"] = {"went": went, "failed": went < most}
    yield {**record, "intact": bench.intact()}


def _freed(bench: Bench, order: Sequence[int]) -> int:
    """How many blocks go, one after the other, until the first process is ended."""
    ended, freed = bench.ended_by_the_kernel(), 0
    for block in order:
        went = bench.try_one(block)
        if bench.ended_by_the_kernel() != ended:
            break
        freed += went
    return freed


def kills(bench: Bench, start: Start, count: int, draw: Random) -> Iterator[Record]:
    """What came of killing `memhp apply` so often at random moments, and going on or back.

    The plan is made once, of three blocks; holders begin anew every five kills.  One that comes
    when it has ended already is no kill.
    """
    before, zones = states_in(bench.guest), zones_in(bench.guest)
    bench.plan("--blocks", f"{bench.own[0]}-{bench.own[2]}")
    killed, held_at = 0, 0  # the holders of the start hold already
    while killed < count:
        if killed % 5 == 0 and killed > held_at:
            bench.hold(start)
            held_at = killed
        full = killed == held_at
        delay = int(draw.uniform(0, 1.5 if full else 0.6) * 1e6)
        record = kill(bench, delay, back=draw.random() < 0.5)
        bench.as_it_was(before, zones)
        if record["code"] == -9:
            killed += 1
            last = killed % 5 == 0 or killed == count
            yield {**record, "intact": bench.intact() if last else True}


# --- the results --------------------------------------------------------------------------------


def table(records: Sequence[Record]) -> Iterator[str]:
    """Lines of Markdown."""
    made = [r for r in records if r["goal"] not in ("orders", "kill")]
    yield "| kernel | pairs | can | done | inside the range | cannot | chmem failed | may | done |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for kernel in [*sorted({r["kernel"] for r in made}), ""]:
        some = [r for r in made if kernel in ("", r["kernel"])]
        can = [r for r in some if r["verdict"] == "can" and "code" in r]
        inside = [r for r in can if r["done"] and r["low"] <= r["took"] <= r["high"]]
        cannot = [r for r in some if r["verdict"] == "cannot"]
        failed = [r for r in cannot if r["chmem"]["failed"]]
        may = [r for r in some if r["verdict"] == "may"]
        done = [r for r in may if r.get("done")]
        counts = [some, can, [r for r in can if r["done"]], inside, cannot, failed, may, done]
        yield f"| {kernel or 'all'} | {' | '.join(str(len(each)) for each in counts)} |"
    if some := [r for r in made if r.get("done") and r["low"]]:
        ratios = sorted(r["high"] / r["low"] for r in some)
        spread = sorted(r["took"] / r["expected"] for r in some)
        yield f"high / low: median {ratios[len(ratios) // 2]:.1f}, most {ratios[-1]:.1f}"
        yield (
            f"took / expected: {spread[0]:.2f} to {spread[-1]:.2f},"
            f" median {spread[len(spread) // 2]:.2f}"
        )
    whole = [r for r in made if r.get("done") and r["goal"] == "--node 1"]
    said = [r for r in whole if r["high"] < r["reboot"]]
    yield (
        f"whole nodes: {len(whole)} removed; of {len(said)} the plan said that it takes less than"
        f" a reboot, of these {sum(r['took'] < r['reboot'] for r in said)} did"
    )
    bad = [r for r in made if r.get("undone") is False or r.get("zones") is False]
    yield f"not as before after the way back: {len(bad)}; contents lost: {_lost(records)}"
    trials = [r for r in records if r["goal"] == "orders"]
    yield (
        f"orders: {len(trials)} guests; memhp frees what the best order does in"
        f" {sum(bool(r.get('memhp')) or not r['most'] for r in trials)}, chmem in"
        f" {sum(not r['most'] or not r['chmem']['failed'] for r in trials)}"
    )
    killed = [r for r in records if r["goal"] == "kill"]
    yield (
        f"kills: {len(killed)}; every block as the journal says in"
        f" {sum(r['described'] for r in killed)}, gone on or taken back in"
        f" {sum(r['ended'] for r in killed)};"
        f" in doubt {sum(r.get('doubt') is not None for r in killed)}"
    )


def _lost(records: Sequence[Record]) -> int:
    return sum(not record["intact"] for record in records)


WHAT = {"pairs": pairs, "orders": orders, "kills": kills}
_STARTS = {"orders": ORDER_STARTS, "kills": {"processes": STARTS["processes"]}, "pairs": STARTS}
_DIMMS = {"orders": 4, "kills": 8, "pairs": 8}
"""Blocks of node 1: few where every order of them is tried."""


def main() -> int:
    """Measure what is not measured yet, and print the table; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--results", type=Path, default=Path("build/plans.jsonl"))
    parser.add_argument("--kernel", choices=KERNELS, action="append")
    parser.add_argument("--what", choices=list(WHAT), action="append")
    parser.add_argument("--pairs", type=int, default=6, help="of each start and kernel")
    parser.add_argument("--orders", type=int, default=24, help="of each start and kernel")
    parser.add_argument("--kills", type=int, default=35, help="of each kernel")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    done = Counter(_key(record) for record in kept(args.results))
    for kernel in args.kernel or KERNELS:
        for what in args.what or WHAT:
            left = [
                (kernel, start, round_, what)
                for start in _STARTS[what]
                for round_ in range(args.rounds)
                if not done[kernel, start, round_, what]
            ]
            if left:
                _measure(args, kernel, _DIMMS[what], left)
    records = kept(args.results)
    for line in table(records):
        print(line)
    return 1 if _wrong(records) else 0


Key = tuple[str, str, int, str]


def _key(record: Record) -> Key:
    return record["kernel"], record["start"], record["round"], record["what"]


def _measure(args: argparse.Namespace, kernel: str, dimms: int, keys: Sequence[Key]) -> None:
    """Do what is left of a kernel, in one guest, and append what came of it."""
    loaded = load(kernel)
    if loaded is None:
        print(f"{kernel} is not here: memhp lab fetch {kernel}")
        return
    try:
        with Bench.of(loaded, dimms=dimms) as bench:
            for key in keys:
                head = dict(zip(("kernel", "start", "round", "what"), key, strict=True))
                keep(args.results, *({**head, **each} for each in _measured(args, bench, key)))
    except (LabError, PlanError, OSError) as error:
        print(f"{kernel}: {error}", flush=True)


def _measured(args: argparse.Namespace, bench: Bench, key: Key) -> list[Record]:
    _, start, _, what = key
    begun = time.monotonic()
    held = _STARTS[what][start]
    with bench.started(held):
        found = []
        count, draw = getattr(args, what), Random(str(key))
        for record in WHAT[what](bench, held, count, draw):
            found.append(record)
            print(f"  {record}", flush=True)
    print(f"{key}: {len(found)} in {time.monotonic() - begun:.0f} s", flush=True)
    return found


def _wrong(records: Sequence[Record]) -> bool:
    """A *can* that was not done, a *cannot* that was, contents lost, a block elsewhere."""
    return any(map(_is_wrong, records))


def _is_wrong(record: Record) -> bool:
    if not record["intact"]:
        return True
    if record["goal"] == "orders":
        return bool(record["most"]) and not record["memhp"]
    if record["goal"] == "kill":
        return not (record["described"] and record["ended"])
    if record["verdict"] == "cannot":
        return not record["chmem"]["failed"]
    return record["verdict"] == "can" and record.get("done") is False


if __name__ == "__main__":
    sys.exit(main())
