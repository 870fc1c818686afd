"""What the lab reads: from guests, from packages, from its cache, and what it has shown."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

from . import mutate
from .archive import tar
from .bounded import Case
from .cases import Reader, command, said
from .machines import MEMORY

__all__ = ["READERS", "prepare"]


def _of_modules(random: Random, folder: Path) -> Case:
    from memhp.lab.guest.modules import load_order_in
    from memhp.lab.tools.errors import LabError

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
    return Case("modules", said(lambda: load_order_in(place, ("m0",)), LabError))


def _of_agent(random: Random, folder: Path) -> Case:
    """What comes over the line, in pieces; and what a guest is read from."""
    from memhp.lab.conform.look import read_listing
    from memhp.lab.guest.protocol import take_answer
    from memhp.lab.tools.errors import LabError, whole_number
    from memhp.machines.reading.errors import MachineError

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

    return Case("agent", said(work, LabError, MachineError))


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
    return command("about.json", "lab", "list", *random.choice(((), ("--json",))))


@cache
def _shown() -> str:
    from memhp.lab.conform.evidence import recorded

    document = recorded().to_json()
    return json.dumps({**document, "kernels": document["kernels"][:2]})


def _of_kernels(random: Random, folder: Path) -> Case:
    (folder / "kernels.json").write_bytes(mutate.json_text(_shown(), random))
    form = random.choice(((), ("--json",), ("--markdown",)))
    return command("kernels.json", "lab", "conform", "--show", "kernels.json", *form)


def _of_disagreement(random: Random, folder: Path) -> Case:
    from memhp.lab.conform.results import disagreement

    operations = (("add_device", (1,)), ("write_state", (4, "online")), ("hold", (0, "anon")))
    document = json.dumps(disagreement("x86_64-6.1", operations, "step 3"))
    (folder / "d.json").write_bytes(mutate.json_text(document, random))
    target = random.choice(((), ("--target", "kernel:x86_64-6.1")))
    return command("disagreement", "replay", "d.json", *target)


_APT = {
    "sources.list": "deb [signed-by=/k.gpg] http://a.example/ trixie main # here\n",
    "sources.list.d/a.sources": "Types: deb deb-src\nURIs: http://b.example/ http://c.example/\n"
    "Suites: trixie trixie-security\nComponents: main\nSigned-By:\n -----BEGIN\n .\n -----END\n",
}


def _of_sources(random: Random, folder: Path) -> Case:
    """The machine's own sources of packages, and what apt says of one."""
    from memhp.lab.kernels.packages import kernel_packages
    from memhp.lab.kernels.sources import machine_sources, stanzas_for
    from memhp.lab.tools.errors import LabError

    for name, text in _APT.items():
        (folder / "apt" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "apt" / name).write_bytes(mutate.text(text, random))
    shown = "Depends: linux-base, linux-image-6.12.1-amd64 (= 6.12-1), linux-modules-6.12.1\n"
    told = mutate.text(shown, random).decode(errors="replace")

    def work() -> None:
        found = machine_sources(folder / "apt")
        stanzas_for("sid", "amd64", sources=found, codename="trixie")
        kernel_packages(told)

    return Case("apt sources", said(work, LabError))


def _ar(members: Mapping[str, bytes]) -> bytes:
    """The archive that a Debian package is (ar(5), deb(5))."""
    parts = [b"!<arch>\n"]
    for name, data in members.items():
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        parts.append(head + data + b"\n" * (len(data) % 2))
    return b"".join(parts)


def _of_package(random: Random, folder: Path) -> Case:
    """The package of a kernel."""
    from memhp.lab.kernels.packages import unpack
    from memhp.lab.tools.errors import LabError

    kernel = "lib/modules/6.1/kernel"
    files = {"boot/vmlinuz-6.1": b"image", "boot/config-6.1": b"CONFIG_SMP=y\n"}
    files |= {f"./{kernel}/drivers/a.ko": b"module", "bin/busybox": b"b"}
    data = mutate.packed(tar(files, {f"{kernel}/b.ko": "/etc/passwd"}, random), random)
    name = "data.tar" + random.choice(("", "", ".xz", ".gz"))
    members = {"debian-binary": b"2.0\n", "control.tar": bytes(10240), name: data}
    whole = _ar(members)
    whole = mutate.bytes_of(whole, random) if random.random() < 0.2 else whole
    (folder / "a.deb").write_bytes(whole)
    work = said(lambda: unpack([folder / "a.deb"], folder / "kernel"), LabError)
    inside = ("", "/modules", "/vmlinuz", "/config", "/busybox", "/modules/a.ko", "/modules/b.ko")
    return Case("package", work, writes=frozenset(f"kernel{name}" for name in inside))


def _of_lab_files(random: Random, folder: Path) -> Case:
    """A kernel image of one's own, and files of the lab's cache that hold a few bytes."""
    from memhp.lab.kernels import kernel, selftest
    from memhp.lab.tools.errors import LabError

    head = bytearray(0x10010)
    at, magic = random.choice(
        ((0x202, b"HdrS"), (0x38, b"ARM\x64"), (0x10008, b"S390EP"), (0, b""))
    )
    head[at : at + len(magic)] = magic
    image = random.choice((bytes(head), b"\x7fELF\x02\x01" + bytes(12) + b"\x15\x00"))
    (folder / "image").write_bytes(mutate.bytes_of(image, random))
    script = folder / "lab/selftests/x.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes(mutate.text("#!/bin/sh\necho offline > state\n", random))
    if random.random() < 0.05:
        place = random.choice((folder / "image", script))
        place.unlink()
        random.choice((os.mkfifo, os.mkdir))(place)

    def work() -> None:
        with suppress(LabError):
            kernel.own(folder / "image")
        selftest.selftest("x")

    return Case("lab's files", said(work, LabError))


_C = """/* \\" */
int offline_pages(int a)
{
\treturn one("{\\"", '}');
}
#define for_each_zone(z) \\
\tx
struct memory_block { int a; };
"""


def _of_sources_of_a_kernel(random: Random, folder: Path) -> Case:
    """Sources in which functions are looked for."""
    for name, text in (("mm/a.c", _C), ("Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 2\n")):
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        wrong = mutate.text(text, random) if random.random() < 0.7 else text.encode()
        (folder / "tree" / name).write_bytes(wrong)
    if random.random() < 0.2:
        part = random.choice(('\\"', "{", "offline_pages(", "'", "/*", "#define \\\n", "}", "\n{"))
        (folder / "tree/mm/a.c").write_text(f'int offline_pages(int a) "{part * 300_000}')
    form = random.choice(((), ("--json",)))
    return command("kernel sources", "export", "requirements", "--drift", "tree", *form)


READERS: Mapping[str, Reader] = {
    "modules": _of_modules,
    "agent": _of_agent,
    "about.json": _of_about,
    "kernels.json": _of_kernels,
    "disagreement": _of_disagreement,
    "apt sources": _of_sources,
    "package": _of_package,
    "lab's files": _of_lab_files,
    "kernel sources": _of_sources_of_a_kernel,
}


def prepare() -> None:
    """Make the sound inputs once."""
    _shown()
