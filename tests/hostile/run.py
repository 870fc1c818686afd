#!/usr/bin/env python3
"""Wrong inputs for every reader of memhp, by a seed: what is not refused in a line is shown.

    .venv/bin/python tests/hostile/run.py --inputs 20000 --seed 1

Inputs take turns over the readers (`readers.py`), or are of one alone with ``--reader``.  Each is
a sound input that is made wrong by rules that know its form (`mutate.py`, `archive.py`), and is
read by the command that a user would give it to, in a process that has 1 GiB, 10 s of the
processor and 2 minutes (`bounded.py`).  The exit code must be 0 to 3; a refusal (2) is one line;
no traceback, no control character, and no file that nobody asked for.  Files of the same kind of
fault are counted, and the smallest input is kept in ``--keep``, as `KIND/` with the files, and
the number with which ``--only`` makes it again.

The exit code is 1 if anything failed.  The same seed makes the same inputs.  Standard error
tells how far it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])

from tests.hostile.bounded import Case, Found, run
from tests.hostile.progress import counted
from tests.hostile.readers import READERS, prepare


def _maker(seed: int, names: list[str]):  # type: ignore[no-untyped-def]
    def make(number: int, folder: Path) -> Case:
        name = names[number % len(names)]
        return READERS[name](Random(f"{seed} {name} {number // len(names)}"), folder)

    return make


class _Faults:
    """How many inputs of each kind failed, and the smallest of each."""

    def __init__(self, keep: Path, names: list[str]) -> None:
        self._keep, self._names = keep, names
        self.counts: Counter[tuple[str, str]] = Counter()
        self.smallest: dict[tuple[str, str], tuple[int, int, str]] = {}

    def take(self, number: int, found: Found, folder: Path) -> None:
        kind = (self._names[number % len(self._names)], found.kind)
        self.counts[kind] += 1
        size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
        if kind in self.smallest and self.smallest[kind][0] <= size:
            return
        self.smallest[kind] = (size, number, found.detail)
        place = self._keep / re.sub(r"[^\w.-]+", "-", " ".join(kind))[:120]
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place, symlinks=True, ignore=_pipes)
        (place / "NUMBER").write_text(f"{number}\n{found.detail}\n", errors="backslashreplace")


def _pipes(folder: str, names: list[str]) -> list[str]:
    """What cannot be copied."""
    places = [Path(folder, name) for name in names]
    return [p.name for p in places if not (p.is_symlink() or p.is_file() or p.is_dir())]


def main(argv: list[str] | None = None) -> int:
    """Try inputs; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=20_000, metavar="N", help="default: 20000")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--reader", choices=list(READERS), action="append", help="only this one")
    parser.add_argument("--only", type=int, metavar="N", help="only the input of that number")
    parser.add_argument(
        "--keep", type=Path, default=Path("hostile-found"), help="default: hostile-found"
    )
    args = parser.parse_args(argv)
    names = args.reader or list(READERS)
    numbers: Iterator[int] = iter(range(args.inputs) if args.only is None else [args.only])
    faults = _Faults(args.keep.absolute(), names)
    told = counted(numbers, args.inputs, faults.counts.total, sys.stderr)
    prepare()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        count = run(_maker(args.seed, names), told, args.jobs, faults.take)
    except KeyboardInterrupt:
        count = next(numbers, args.inputs)  # those that were begun
    for kind, many in faults.counts.most_common():
        size, number, detail = faults.smallest[kind]
        print(f"{kind[0]}: {kind[1]}: {many} inputs; number {number} has {size} bytes: {detail}")
    print(f"{count:,} inputs of {len(names)} readers, seed {args.seed}:", end=" ")
    print(f"{faults.counts.total():,} failed, {len(faults.counts)} kinds")
    return 1 if faults.counts else 0


if __name__ == "__main__":
    sys.exit(main())
