"""`memhp kconfig`: which hotplug capabilities a kernel configuration has, and what it lacks."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import Once
from .files import fail
from .names import choose
from .output.streams import UsageError
from .output.terminal import coloured, console, say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.checks.numbers.configuration_judge import Answer, Judgement, Stranger
    from memhp.checks.numbers.configuration_plan import Plan
    from memhp.machines.reading.kernel_config import KernelConfig

_EPILOG = """examples:
  memhp kconfig /proc/config.gz
  memhp kconfig .config --want hot-remove --want virtio-mem --fragment hotplug.config
  zcat config.gz | memhp kconfig - --json
  memhp kconfig delta.config --base /boot/config-6.12.118

The changes are a smallest set of options that a user can set, of equally small ones that
of least risk; what they select and what follows by default is listed apart.  Apply a fragment
in a kernel tree:
  scripts/kconfig/merge_config.sh .config hotplug.config

What the rules of a release that was not read ask for is said to be unknown.  Of a file
without a header and with few lines it is said what it decides, whatever the rest is.

columns: capability, what an administrator can do; works, missing, impossible or unknown; why, what
  lacks; gives, what it is good for

exit codes: 0 all wanted capabilities work, 1 one does not, 2 usage or malformed input,
3 of one it is not known
"""
_ALIASES = {
    "x86_64": "x86",
    "amd64": "x86",
    "aarch64": "arm64",
    "ppc64": "powerpc",
    "ppc64le": "powerpc",
    "ppc64el": "powerpc",
    "s390x": "s390",
    "riscv64": "riscv",
}
_WORDS = "nmy"
_COLOURS = {"works": "green", "missing": "yellow", "impossible": "dim", "unknown": "magenta"}


@dataclass(frozen=True)
class Kconfig:
    """A configuration that was read, and the judgement of it."""

    config: KernelConfig
    architecture: str
    version: tuple[int, ...]
    notes: tuple[str, ...]
    judgement: Judgement
    wanted: tuple[str, ...]
    proposed: Plan


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "kconfig",
        help="a kernel's configuration: which hotplug features work, what is missing",
        description="Reads a kernel's configuration and says which memory hotplug capabilities it"
        " has, what the others lack, and the smallest change that gives them.",
        epilog=_EPILOG,
    )
    parser.add_argument("file", help="a .config, plain or gzip; - for standard input")
    parser.add_argument(
        "--want",
        action="append",
        metavar="NAME",
        help="a capability, may be repeated (default: all that the architecture can have,"
        " policies and testing aids left out)",
    )
    parser.add_argument(
        "--base", action=Once, metavar="FILE", help="the configuration that FILE is a fragment of"
    )
    parser.add_argument("--arch", help="x86, arm64, powerpc, s390 or riscv (default: the file's)")
    parser.add_argument("--kernel-version", metavar="X.Y", help="default: the file's")
    parser.add_argument(
        "--fragment", type=Path, action=Once, metavar="FILE", help="write the changes there"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, judge, plan and show; the exit code is 2 for anything that is no configuration."""
    from memhp.machines.reading.errors import MachineError

    try:
        reading = _judged(args)
        if args.fragment:
            _write(args.fragment, reading.proposed)
    except (MachineError, UsageError) as error:
        return fail("kconfig", error)
    except ValueError as error:
        return fail("kconfig", UsageError(f"{args.file}: {error}"))
    if args.json:
        print(json.dumps(_document(reading), indent=1))
    else:
        _show(console(), reading)
    states = {a.state for a in reading.judgement.answers if a.capability.name in reading.wanted}
    return 0 if states <= {"works"} else 3 if states <= {"works", "unknown"} else 1


def _judged(args: argparse.Namespace) -> Kconfig:
    from memhp.checks.numbers.configuration_fragment import alone
    from memhp.checks.numbers.configuration_judge import judge, proposal, whole
    from memhp.checks.numbers.configuration_plan import Plan
    from memhp.machines.reading.kernel_config import merged, read_config
    from memhp.spec.numbers.kconfig import CAPABILITIES

    names = [each.name for each in CAPABILITIES]
    want = [choose("capability", name, names) for name in args.want or ()]
    config = read_config(args.file)
    if args.base is not None:
        config = merged(read_config(args.base), config)
    fragment = config.fragment
    architecture = _architecture(args.arch, config)
    version, suffix = _version(args, config)
    judgement = judge(
        architecture, version, config.values, vendor=_vendor(suffix),
        view=alone if fragment else whole,
    )  # fmt: skip
    wanted = _wanted(judgement, want)
    proposed = (
        Plan(None, {}, because="this is a fragment; give --base FILE to have one proposed")
        if fragment
        else proposal(judgement, [n for n in wanted if want or _may_be(judgement, n)])
    )
    notes = tuple(_notes(config, architecture, version, suffix))
    return Kconfig(config, architecture, version, notes, judgement, wanted, proposed)


def _architecture(option: str | None, config: KernelConfig) -> str:
    from memhp.spec.numbers.kconfig import ARCHITECTURE_SYMBOLS

    name = option or config.architecture
    if name is None:
        raise UsageError(
            f"{_of(config)} does not say its architecture; give --arch{_or_base(config)}"
        )
    return choose("architecture", _ALIASES.get(name, name), ARCHITECTURE_SYMBOLS)


def _version(args: argparse.Namespace, config: KernelConfig) -> tuple[tuple[int, ...], str]:
    from memhp.machines.reading.kernel_config import release_of

    if args.kernel_version is None:
        if config.version is None:
            raise UsageError(
                f"{_of(config)} does not say its version;"
                f" give --kernel-version X.Y{_or_base(config)}"
            )
        return config.version, config.suffix
    release = release_of(args.kernel_version)
    if not release:
        text = args.kernel_version[:40]
        raise UsageError(f"--kernel-version {text!r} is not like 6.12 or 6.1.90")
    return release


def _of(config: KernelConfig) -> str:
    if not config.fragment:
        return config.source
    lines = len(config.values)
    return f"{config.source} is a fragment ({lines} option{'s' * (lines != 1)}, no header) and"


def _or_base(config: KernelConfig) -> str:
    return ", or --base FILE" if config.fragment else ""


def _vendor(suffix: str) -> str:
    """What a vendor put after the version; a release candidate's number is none."""
    return re.sub(r"^-rc\d+", "", suffix)


def _wanted(judgement: Judgement, want: list[str] | None) -> tuple[str, ...]:
    """Without ``want``, all that is not known to be impossible."""
    return tuple(
        a.capability.name
        for a in judgement.answers
        if (
            a.capability.name in want
            if want
            else not a.capability.policy and a.state != "impossible"
        )
    )


def _may_be(judgement: Judgement, name: str) -> bool:
    """None of the rules that were read say that it cannot be, as far as that can be found out."""
    from memhp.checks.numbers.configuration_plan import impossible

    try:
        return not any(impossible(it, name) for it in judgement.kernels)
    except ModuleNotFoundError:  # z3: `proposal` says that it is not installed
        return True


def _write(path: Path, proposed: Plan) -> None:
    from memhp.checks.support.files import write_whole

    if proposed.changes is None:
        raise UsageError(f"no fragment is written: {proposed.because}")
    try:
        write_whole(path, "".join(f"{line}\n" for line in _lines(proposed.changes)))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _lines(changes: Mapping[str, int]) -> list[str]:
    """As a .config has them."""
    return [
        f"CONFIG_{name}={_WORDS[value]}" if value else f"# CONFIG_{name} is not set"
        for name, value in changes.items()
    ]


def _show(out: Console, reading: Kconfig) -> None:
    from rich.table import Table

    from memhp.spec.numbers.kernel_releases import dots

    config, version = reading.config, dots(reading.version)
    say(out, f"{config.source}: {reading.architecture} {version}{config.suffix}")
    for note in reading.notes:
        say(out, f"note: {note}")
    for each in reading.judgement.strangers:
        say(out, f"note: {_strange(each)}")
    reasons: dict[str, int] = {}
    table = Table("capability", "", "why", "gives", box=None, pad_edge=False)
    for answer in reading.judgement.answers:
        name, colour = answer.capability.name, _COLOURS[answer.state]
        wanted = name in reading.wanted or answer.state in ("works", "impossible")
        lacks = "\n".join([*filter(None, [answer.why]), *_lacking(answer)])
        number = str(reasons.setdefault(lacks, len(reasons) + 1)) if lacks else ""
        mark = "" if wanted else "\n(not wanted)"
        table.add_row(
            name, coloured(f"{answer.state}{mark}", colour), number, answer.capability.gives
        )
    out.print(table)
    out.print()
    if reasons:
        out.print("what is missing:")
        for reason, index in reasons.items():
            _say_each(out, f"{index:4}: ", reason.splitlines())
        out.print()
    _show_plan(out, reading)


def _lacking(answer: Answer) -> list[str]:
    return [] if answer.state == "impossible" else [f"CONFIG_{name}" for name in answer.lacks]


def _strange(each: Stranger) -> str:
    """In a line: an option that counts as not set, and what there is instead."""
    where = f"it can be set {each.where}" if each.where else "other architectures have it"
    instead = f"; CONFIG_{each.instead} took its place" if each.instead else ""
    return f"CONFIG_{each.name} counts as not set, for this kernel cannot have it: {where}{instead}"


def _say_each(out: Console, before: str, lines: list[str]) -> None:
    """One a line, the first after ``before`` and the others below it."""
    for line in lines:
        say(out, before + line)
        before = " " * len(before)


def _show_plan(out: Console, reading: Kconfig) -> None:
    proposed, rules = reading.proposed, reading.judgement.kernels[-1:]
    if proposed.changes is None:
        say(out, f"no change is proposed: {proposed.because}")
    elif not proposed.changes:
        say(out, "no change is needed by the rules that were read")
    else:
        say(out, f"smallest set of changes: {len(proposed.changes)}")
        for name, line in zip(proposed.changes, _lines(proposed.changes), strict=True):
            say(out, f"  {line}   ({rules[0].rules[name].source})")
        for replaced, name, value in proposed.others:
            say(out, f"  as small: {_lines({name: value})[0]} in place of CONFIG_{replaced}")
        if proposed.follow:
            say(out, "what follows:")
            _say_each(out, "  ", _lines(proposed.follow))
        if proposed.lost:
            say(out, f"no longer works: {', '.join(proposed.lost)}")


def _notes(
    config: KernelConfig, architecture: str, version: tuple[int, ...], suffix: str
) -> Iterator[str]:
    """What is to be known before the answers are read."""
    from memhp.spec.numbers.kernel_releases import (
        READ,
        dots,
        full,
        judges,
        later_than_read,
    )

    if config.fragment:
        yield f"{_of(config)} is judged only for what it sets; --base FILE judges the whole"
    for name in config.twice[:8]:
        yield f"CONFIG_{name[:60]} is given two values: the last one counts"
    if (
        config.header
        and config.architecture
        and architecture != _ALIASES.get(config.architecture, config.architecture)
    ):
        yield f"the file says {config.architecture[:20]}: it is judged as {architecture}"
    if re.match(r"-rc\d", suffix):
        yield f"a release candidate is judged as {dots(version)}"
    if vendor := _vendor(suffix):
        yield f"the rules are Linux {dots(version)}'s; what {vendor[:40]!r} changed is not known"
    if not (by := judges(version)):
        yield (
            f"{dots(version)} is older than {dots(READ[0][:2])}, the first series whose rules were"
            " read: it is said since when at least each capability exists"
        )
    elif later_than_read(version):
        yield f"{dots(version)} is later than {dots(READ[-1])}, the newest whose rules were read"
    elif len(by) > 1:
        shown = " and ".join(dots(each) for each in by)
        yield f"the rules of {dots(version)} were not read: it is judged by those of {shown}"
    elif full(version) > (newest := max(r for r in READ if r[:2] == full(version)[:2])):
        yield f"{dots(version)} is later than {dots(newest)}, the last of its series that was read"


def _document(reading: Kconfig) -> dict[str, Any]:
    from memhp.spec.numbers.kernel_releases import dots

    def words(values: Mapping[str, int]) -> dict[str, str]:
        return {name: _WORDS[value] for name, value in values.items()}

    proposed, judgement = reading.proposed, reading.judgement
    return {
        "schema": "memhp-kconfig/2",
        "source": reading.config.source,
        "fragment": reading.config.fragment,
        "architecture": reading.architecture,
        "version": dots(reading.version),
        "judged_by": [dots(it.version) for it in judgement.kernels],
        "notes": list(reading.notes),
        "not_there": [
            {"option": each.name, "where": each.where, "instead": each.instead}
            for each in judgement.strangers
        ],
        "capabilities": [
            {
                "name": answer.capability.name,
                "gives": answer.capability.gives,
                "state": answer.state,
                "lacks": list(answer.lacks),
                "why": answer.why,
                "wanted": answer.capability.name in reading.wanted,
            }
            for answer in judgement.answers
        ],
        "changes": None if proposed.changes is None else words(proposed.changes),
        "others": [
            {"in_place_of": replaced, "option": name, "value": _WORDS[value]}
            for replaced, name, value in proposed.others
        ],
        "follow": words(proposed.follow),
        "lost": list(proposed.lost),
        "because": proposed.because,
    }
