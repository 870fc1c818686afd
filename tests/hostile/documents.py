"""Documents that users write or hand on: configurations, costs, traces, campaigns."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from unittest import mock

from memhp.cli.main import main

from . import mutate
from .archive import tar
from .bounded import Case
from .cases import Reader, command, said
from .machines import small

__all__ = ["READERS", "prepare", "sometimes"]

_CONFIG = """#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.12.9 Kernel Configuration
#
CONFIG_X86_64=y
CONFIG_64BIT=y
CONFIG_NUMA=y
CONFIG_ACPI=y
CONFIG_ACPI_NUMA=y
CONFIG_SPARSEMEM_VMEMMAP=y
CONFIG_MEMORY_HOTPLUG=y
# CONFIG_MEMORY_HOTREMOVE is not set
CONFIG_MIGRATION=y
CONFIG_VIRTIO_MEM=m
CONFIG_VIRTIO=y
CONFIG_CMDLINE="quiet"
"""


def _of_kconfig(random: Random, folder: Path) -> Case:
    data = mutate.text(_CONFIG, random)
    if random.random() < 0.3:
        data = gzip.compress(data, mtime=0)
        data = mutate.packed(data, random) if random.random() < 0.3 else data
    elif random.random() < 0.03:
        data = gzip.compress(data + bytes(200 << 20), 1)
    (folder / "config").write_bytes(data)
    wanted = () if random.random() < 0.1 else ("--want", "hot-remove")
    return command("kconfig", "kconfig", "config", *wanted, *random.choice(((), ("--json",))))


_COSTS = '{"copy": {"lower": 0.1, "upper": 0.4}, "zero": {"lower": 0.05, "upper": 0.1}}'
_COSTS_TOML = "copy = { lower = 0.1, upper = 0.4 }\n[zero]\nlower = 0.05\nupper = 0.1\n"


def _of_costs(random: Random, folder: Path) -> Case:
    if random.random() < 0.5:
        name, data = "costs.json", mutate.json_text(_COSTS, random)
    else:
        name, data = "costs.toml", mutate.text(_COSTS_TOML, random)
        if random.random() < 0.1:
            depth = random.choice((100, 2_000, 100_000))
            data += b"\nx = " + b"[" * depth + b"]" * depth + b"\n" + b"a." * depth + b"b = 1\n"
    (folder / name).write_bytes(data)
    if random.random() < 0.05:
        files, links = small()
        (folder / "machine.tar").write_bytes(tar(files, links, Random(1)))
        more = random.choice(((), ("-v",), ("--json",)))
        return command("costs", "inspect", "machine.tar", "--reboot", "--costs", name, *more)
    from memhp.cli.inspect_time import read_costs
    from memhp.cli.output.streams import UsageError

    return Case("costs", said(lambda: read_costs(name), UsageError))


@cache
def _trace() -> str:
    """A trace of a real step, as `memhp check --trace` writes it."""
    from memhp.checks.search.usual import first_violation
    from memhp.spec.system import SYSTEM

    found = first_violation(SYSTEM, sometimes())
    assert found is not None
    return json.dumps(found.trace(SYSTEM).to_itf(SYSTEM))


@cache
def sometimes() -> str:
    """A property that a short trace shows."""
    from memhp.spec.system import SYSTEM

    return next(p.name for p in SYSTEM.properties if p.kind == "sometimes")


def _of_trace(random: Random, folder: Path) -> Case:
    (folder / "t.json").write_bytes(mutate.json_text(_trace(), random))
    return command("ITF trace", "replay", "t.json")


@cache
def _divergence() -> str:
    from memhp.checks.fuzz.record import Record
    from memhp.checks.fuzz.topologies import SHAPES, built
    from memhp.spec.system import SYSTEM

    operations = (("write_state", (0, "offline")), ("write_state", (0, "online")))
    return json.dumps(
        Record(SYSTEM.name, 1, built(next(iter(SHAPES))), operations, "was seen").to_json()
    )


def _of_divergence(random: Random, folder: Path) -> Case:
    (folder / "d.json").write_bytes(mutate.json_text(_divergence(), random))
    return command("divergence", "replay", "d.json")


@cache
def _campaign() -> str:
    from memhp.checks.fuzz.campaign import Campaign
    from memhp.checks.fuzz.topologies import SHAPES

    campaign = Campaign("walk", "engine", 0)
    campaign.steps, campaign.changed = 100, 50
    campaign.answers.update({("write_state", None): 60, ("write_state", 16): 40})
    campaign.untold[next(iter(SHAPES))] = {"zone": {0, 1}}
    return json.dumps(campaign.to_json())


def _of_campaign(random: Random, folder: Path) -> Case:
    """What is kept is read and shown; nothing is walked."""
    (folder / "c.json").write_bytes(mutate.json_text(_campaign(), random))
    words = ["fuzz", "--walk", "--keep", "c.json", *random.choice(((), ("--json",)))]

    def run() -> int:
        with mock.patch("memhp.checks.fuzz.campaign.run", return_value=()):
            return main(words)

    return Case("campaign", run, json="--json" in words, writes=frozenset({"c.json"}))


READERS: Mapping[str, Reader] = {
    "kconfig": _of_kconfig,
    "costs": _of_costs,
    "ITF trace": _of_trace,
    "divergence": _of_divergence,
    "campaign": _of_campaign,
}


def prepare() -> None:
    """Make the sound inputs once."""
    for make in (_trace, _divergence, _campaign):
        make()
