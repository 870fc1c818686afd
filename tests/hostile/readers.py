"""What memhp reads, each with a sound input that is then made wrong.

Sound inputs come from `tests/data` or are made by memhp itself, in this process, once.
"""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from unittest import mock

from memhp.cli.main import main

from . import mutate
from .archive import tar
from .bounded import Case

__all__ = ["READERS", "prepare"]

DATA = Path(__file__).parents[1] / "data"
MEMORY, NODE = "sys/devices/system/memory", "sys/devices/system/node"

Files = dict[str, bytes]
Links = dict[str, str]


def _command(reader: str, *words: str, writes: frozenset[str] = frozenset()) -> Case:
    return Case(reader, lambda: main(words), json="--json" in words, writes=writes)


def _said(work: Callable[[], object], *refusals: type[Exception]) -> Callable[[], int]:
    """A function as if it were a command: what it refuses is told in a line, with exit code 2."""

    def run() -> int:
        import sys

        try:
            work()
        except refusals as error:
            print(f"memhp lab: {error}", file=sys.stderr)
            return 2
        return 0

    return run


# --- machines -----------------------------------------------------------------------------------


@cache
def _small() -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Two nodes, three blocks, and all else that is read."""
    texts = {f"{MEMORY}/block_size_bytes": "8000000\n", f"{MEMORY}/auto_online_blocks": "online\n"}
    links: Links = {}
    for block, node, state, zones in (
        (0, 0, "online", "none"),
        (1, 0, "online", "Normal"),
        (32, 1, "offline", "Normal Movable"),
    ):
        folder = f"{MEMORY}/memory{block}"
        texts |= {f"{folder}/state": f"{state}\n", f"{folder}/valid_zones": f"{zones}\n"}
        texts |= {f"{folder}/removable": "1\n", f"{folder}/phys_index": f"{block:08x}\n"}
        links[f"{folder}/node{node}"] = f"../../node/node{node}"
        links[f"{NODE}/node{node}/memory{block}"] = f"../../memory/memory{block}"
    for node in (0, 1):
        texts[f"{NODE}/node{node}/distance"] = "10 20\n" if node == 0 else "20 10\n"
        texts[f"{NODE}/node{node}/cpulist"] = "0-1,4\n" if node == 0 else "\n"
        texts[f"{NODE}/node{node}/meminfo"] = (
            f"Node {node} MemTotal:  262000 kB\nNode {node} MemFree:  1000 kB\n"
        )
        pool = f"{NODE}/node{node}/hugepages/hugepages-2048kB"
        texts |= {f"{pool}/{name}_hugepages": "2\n" for name in ("nr", "free", "surplus")}
    for name in ("online", "possible", "has_memory", "has_cpu", "has_normal_memory"):
        texts[f"{NODE}/{name}"] = "0-1\n"
    return {name: text.encode() for name, text in texts.items()} | _from_record(), links


@cache
def _record(name: str) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """The files and links of a record of tests/data."""
    files, links = {}, {}
    with tarfile.open(DATA / f"{name}.tar.gz") as archive:
        for member in archive:
            if member.issym():
                links[member.name] = member.linkname
            elif (content := archive.extractfile(member)) is not None:
                files[member.name] = content.read()
    return files, links


@cache
def _from_record() -> Files:
    """What a real machine says in /proc, and of its page words."""
    files, _ = _record("busy")
    return {name: data for name, data in files.items() if not name.startswith("sys/")}


_RECORDS = ("busy", "dimms", "arm64-device", "movablecore")


def _tree(random: Random) -> tuple[Files, Links]:
    """A machine with one to three files or links changed."""
    seed = _record(random.choice(_RECORDS)) if random.random() < 0.03 else _small()
    files, links = dict(seed[0]), dict(seed[1])
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        path = random.choice(list(files))
        how = random.randrange(12)
        if how == 0:
            del files[path]
        elif how == 1:
            folder, _, name = path.rpartition("/")
            files[f"{folder}/{mutate.word(random)[:5000]}{name}"] = files[path]
        elif how == 2 and links:
            link = random.choice(list(links))
            some = (mutate.word(random), "../" * 5000 + "x", link.rpartition("/")[2], "/" + link)
            links[link] = random.choice(some)
        elif how == 3 and links:
            del links[random.choice(list(links))]
        elif how == 4:
            path = random.choice((f"{MEMORY}/memory{{}}", f"{NODE}/node{{}}"))
            leaf = "state" if path.startswith(MEMORY) else "distance"
            files[f"{path.format(mutate.number(random)[:4000])}/{leaf}"] = b"online\n"
        elif how == 5:
            count = random.choice((10, 100, 1_000))
            files |= {f"{MEMORY}/memory{n}/state": b"online\n" for n in range(count)}
            files |= {f"{MEMORY}/memory{n}/valid_zones": b"Normal\n" for n in range(count)}
        elif how == 6:
            files |= {f"{NODE}/node{n}/cpulist": b"0-3\n" for n in range(random.choice((10, 500)))}
        else:
            files[path] = mutate.text(files[path].decode(errors="replace"), random)
    return files, links


def _inspecting(reader: str, path: str, random: Random) -> Case:
    more = random.choice(
        ((), (), ("--json",), ("--reboot",), ("--reboot", "--json"), ("--node", "1"))
    )
    if random.random() < 0.1:
        return _command(reader, "sections", path, "--json")
    return _command(reader, "inspect", path, *more)


def _of_tar(random: Random, folder: Path) -> Case:
    files, links = _tree(random) if random.random() < 0.5 else _small()
    data = mutate.packed(tar(files, links, random), random)
    (folder / "machine.tar").write_bytes(data)
    return _inspecting("tar", "machine.tar", random)


def _of_directory(random: Random, folder: Path) -> Case:
    files, links = _tree(random)
    root = folder / "machine"
    for path, data in files.items():
        with suppress(OSError, ValueError):  # a name that no file system has
            place = root / path.lstrip("/").replace("../", "")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    for path, target in links.items():
        with suppress(OSError, ValueError):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(target)
    if random.random() < 0.02:
        place = root / random.choice(list(files))
        with suppress(OSError, ValueError):
            place.unlink(missing_ok=True)
            random.choice((os.mkfifo, os.mkdir))(place)
    return _inspecting("directory", "machine", random)


def _of_iomem(random: Random, folder: Path) -> Case:
    (folder / "iomem").write_bytes(mutate.text(_from_record()["proc/iomem"].decode(), random))
    return _command("iomem", "sections", "iomem", *random.choice(((), ("--json",))))


# --- documents ----------------------------------------------------------------------------------

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
    return _command("kconfig", "kconfig", "config", *wanted, *random.choice(((), ("--json",))))


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
        files, links = _small()
        (folder / "machine.tar").write_bytes(tar(files, links, Random(1)))
        more = random.choice(((), ("-v",), ("--json",)))
        return _command("costs", "inspect", "machine.tar", "--reboot", "--costs", name, *more)
    from memhp.cli.common import UsageError
    from memhp.cli.inspect_time import read_costs

    return Case("costs", _said(lambda: read_costs(name), UsageError))


@cache
def _trace() -> str:
    """A trace of a real step, as `memhp check --trace` writes it."""
    from memhp.checks.reach import first_violation
    from memhp.spec.system import SYSTEM

    found = first_violation(SYSTEM, _sometimes())
    assert found is not None
    return json.dumps(found.trace(SYSTEM).to_itf(SYSTEM))


@cache
def _sometimes() -> str:
    """A property that a short trace shows."""
    from memhp.spec.system import SYSTEM

    return next(p.name for p in SYSTEM.properties if p.kind == "sometimes")


def _of_trace(random: Random, folder: Path) -> Case:
    (folder / "t.json").write_bytes(mutate.json_text(_trace(), random))
    return _command("ITF trace", "replay", "t.json")


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
    return _command("divergence", "replay", "d.json")


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


# --- caches -------------------------------------------------------------------------------------


def _kept(random: Random, folder: Path, files: Mapping[str, str]) -> None:
    """A cache with one file damaged."""
    damaged = random.choice(list(files))
    (folder / "cache").mkdir()
    for name, text in files.items():
        data = mutate.json_text(text, random) if name == damaged else text.encode()
        (folder / "cache" / name).write_bytes(data)
    if random.random() < 0.01:
        (folder / "cache" / damaged).unlink()
        random.choice((os.mkfifo, os.mkdir))(folder / "cache" / damaged)


def _written(fill: Callable[[Path], object]) -> Mapping[str, str]:
    """The files that are written to an empty cache."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        return {path.name: path.read_text() for path in Path(name).iterdir() if path.is_file()}


def _query() -> object:
    from memhp.checks.solvers import Query

    return Query("z3", "(check-sat)", 1)


@cache
def _answers() -> Mapping[str, str]:
    from memhp.checks.cache import Cache
    from memhp.checks.solvers import Answer

    def fill(folder: Path) -> None:
        kept = Cache(folder)
        kept.put(_query(), Answer("unsat", 0.1, ("a", "b"), {"x": ("1", "2")}, ""))  # type: ignore[arg-type]
        kept.save()

    return _written(fill)


def _of_answers(random: Random, folder: Path) -> Case:
    from memhp.checks.cache import Cache
    from memhp.checks.solvers import Answer

    _kept(random, folder, _answers())

    def work() -> None:
        kept = Cache(folder / "cache")
        kept.get(_query())  # type: ignore[arg-type]
        kept.put(_query(), Answer("sat", 0.1, (), {}, ""))  # type: ignore[arg-type]
        kept.save()

    names = frozenset({"cache", *(f"cache/{name}" for name in _answers())})
    return Case("cache of answers", _said(work), writes=names)


@cache
def _traces() -> Mapping[str, str]:
    from memhp.checks.reach import first_violation
    from memhp.spec.system import SYSTEM

    return _written(lambda folder: first_violation(SYSTEM, _sometimes(), folder=folder))


def _of_traces(random: Random, folder: Path) -> Case:
    from memhp.checks.reach import first_violation
    from memhp.spec.system import SYSTEM

    _kept(random, folder, _traces())

    def work() -> None:
        found = first_violation(SYSTEM, _sometimes(), folder=folder / "cache")
        if found is None or not found.is_shown_by(found.replay(SYSTEM)):
            raise AssertionError("a trace is shown that is none")

    names = frozenset({"cache", *(f"cache/{name}" for name in _traces())})
    return Case("cache of traces", _said(work), writes=names)


# --- the lab ------------------------------------------------------------------------------------


def _of_modules(random: Random, folder: Path) -> Case:
    from memhp.machines.lab import LabError
    from memhp.machines.lab.modules import load_order_in

    count = random.choice((2, 5, 1_500))
    place = folder / "modules"
    place.mkdir()
    for n in range(count):
        needed = f"m{n + 1}" if n + 1 < count else random.choice(("", "", "m0", "built_in"))
        text = f"license=GPL\0depends={needed}\0vermagic=6\0"
        data = text.encode()
        if n < 5 and random.random() < 0.3:
            data = mutate.bytes_of(data, random)
        name = f"m{n}.ko"
        if n < 5 and random.random() < 0.3:
            name += random.choice((".xz", ".gz", ".zst", ".bz2"))
            data = mutate.packed(data, random)
        (place / name).write_bytes(data)
    (place / "modules.builtin").write_bytes(
        mutate.text("kernel/a/built-in.ko\nkernel/b.ko\n", random)
    )
    return Case("modules", _said(lambda: load_order_in(place, ("m0",)), LabError))


def _of_agent(random: Random, folder: Path) -> Case:
    """What comes over the line, in pieces; and what a guest is read from."""
    from memhp.machines.errors import MachineError
    from memhp.machines.lab import LabError
    from memhp.machines.lab.conform.look import read_listing
    from memhp.machines.lab.errors import whole_number
    from memhp.machines.lab.protocol import take_answer

    body = f"{MEMORY}/block_size_bytes:8000000\n{MEMORY}/memory1/state:online\n"
    body = mutate.text(body, random).decode(errors="replace")
    whole = body.encode(errors="replace")
    line = b"noise\n= 7 0 %d\n%s= 8 16 0\n" % (len(whole), whole)
    data = mutate.bytes_of(line, random)
    if random.random() < 0.05:
        data = random.choice((b"= 1 0 ", b"=", b"= 1 1 9999999\n", b"x")) * (1 << 20) + data
    (folder / "line").write_bytes(data)

    def work() -> None:
        received = bytearray()
        for at in range(0, len(data), 1 << 16):
            received += data[at : at + (1 << 16)]
            while (answer := take_answer(received)) is not None:
                with suppress(LabError):
                    whole_number(answer.data.decode("ascii", "replace"))
            if len(received) > (1 << 20) + (1 << 17):
                raise AssertionError("noise is kept")
        read_listing(body)

    return Case("agent", _said(work, LabError, MachineError))


def _of_about(random: Random, folder: Path) -> Case:
    place = folder / "lab/kernels/x86_64-6.1"
    place.mkdir(parents=True)
    (place / "vmlinuz").write_bytes(b"image")
    digest = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
    about = {
        "arch": "x86_64",
        "version": "6.1.0-1",
        "packages": ["k"],
        "files": {"vmlinuz": digest},
    }
    (place / "about.json").write_bytes(mutate.json_text(json.dumps(about), random))
    if random.random() < 0.01:
        name = random.choice(("about.json", "vmlinuz"))
        (place / name).unlink()
        random.choice((os.mkfifo, os.mkdir))(place / name)
    return _command("about.json", "lab", "list", *random.choice(((), ("--json",))))


@cache
def _shown() -> str:
    from memhp.cli.conform import recorded

    document = recorded().to_json()
    return json.dumps({**document, "kernels": document["kernels"][:2]})


def _of_kernels(random: Random, folder: Path) -> Case:
    (folder / "kernels.json").write_bytes(mutate.json_text(_shown(), random))
    form = random.choice(((), ("--json",), ("--markdown",)))
    return _command("kernels.json", "lab", "conform", "--show", "kernels.json", *form)


def _of_disagreement(random: Random, folder: Path) -> Case:
    from memhp.machines.lab.conform.results import disagreement

    operations = (("add_device", (1,)), ("write_state", (4, "online")), ("hold", (0, "anon")))
    document = json.dumps(disagreement("x86_64-6.1", operations, "step 3"))
    (folder / "d.json").write_bytes(mutate.json_text(document, random))
    target = random.choice(((), ("--target", "kernel:x86_64-6.1")))
    return _command("disagreement", "replay", "d.json", *target)


READERS: Mapping[str, Callable[[Random, Path], Case]] = {
    "tar": _of_tar,
    "directory": _of_directory,
    "iomem": _of_iomem,
    "kconfig": _of_kconfig,
    "costs": _of_costs,
    "ITF trace": _of_trace,
    "divergence": _of_divergence,
    "campaign": _of_campaign,
    "cache of answers": _of_answers,
    "cache of traces": _of_traces,
    "modules": _of_modules,
    "agent": _of_agent,
    "about.json": _of_about,
    "kernels.json": _of_kernels,
    "disagreement": _of_disagreement,
}
"""By name: what makes an input and says how it is read."""


def prepare() -> None:
    """Make the sound inputs, and import what commands import, before anything is bounded."""
    for make in (_small, _trace, _divergence, _campaign, _answers, _traces, _shown):
        make()
