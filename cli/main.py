"""The entry point: sub-commands, and what happens when something goes wrong."""

from __future__ import annotations

import argparse
import re
import sys
import traceback
from collections.abc import Sequence

from . import (
    check,
    coverage,
    explain,
    explore,
    fuzz,
    inspect,
    kconfig,
    lab,
    replay,
    sections,
    variants,
)

_EPILOG = """examples:
  memhp check                                 prove everything
  memhp check --variant pgdat-goes-early      see a wrong design refuted
  memhp check --scope node=2,block=4 --depth 6
  memhp coverage                              what every row of the list has
  memhp explore --scope block=1               every state of a small machine
  memhp fuzz --walk --minutes 10              hold the engine against the reference
  memhp replay trace.itf.json                 watch a trace, step by step
  memhp explain begin_offline                 an action, a guard or a property
  memhp inspect                               which memory of this machine can go
  memhp sections --size 1PiB --arch ia64-16k  what each section size costs
  memhp kconfig /proc/config.gz               what this kernel's configuration lacks
  memhp lab boot x86_64-6.1                   a guest with a real kernel

exit codes: 0 proved or holds, 1 refuted, 2 usage or malformed input, 3 undetermined,
4 internal error
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="memhp",
        description="A proven, executable specification of Linux memory hotplug.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    proving = (check, coverage, variants, explain, explore, replay, fuzz)
    for module in (*proving, inspect, sections, kconfig, lab):
        module.add_parser(commands)
    return top


def _joined(argv: Sequence[str]) -> list[str]:
    """With `--size -1GiB` as `--size=-1GiB`, so that argparse says what is wrong with the value."""
    joined: list[str] = []
    for word in argv:
        if joined and re.match("-[0-9]", word) and re.fullmatch("--[a-z-]+", joined[-1]):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    args = parser().parse_args(_joined(sys.argv[1:] if argv is None else argv))
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        print("memhp: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:
        traceback.print_exc()
        print("memhp: this is a fault of memhp itself, please report it", file=sys.stderr)
        return 4
    return code


if __name__ == "__main__":
    sys.exit(main())
