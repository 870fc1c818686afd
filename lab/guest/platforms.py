"""How QEMU runs each architecture: its program, machine, CPU and serial lines."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..tools.errors import LabError
from ..tools.programs import run

__all__ = ["PLATFORMS", "Platform", "platform_of", "version_of_qemu"]


@dataclass(frozen=True)
class Platform:
    """QEMU for one architecture; `console` and `agent` are the guest's serial devices.

    `early` is the word of the kernel's command line that has it print before its console is up
    (empty: it does so unasked), `compiler` what the names of a cross compiler's programs and
    package begin with, `lines` are QEMU's arguments for the serial lines of console and agent,
    `numa` tells whether it has nodes.
    """

    qemu: str
    package: str
    machine: str
    cpu: str
    console: str
    agent: str
    early: str
    compiler: str
    lines: tuple[str, ...] = ("-serial", "chardev:console", "-serial", "chardev:agent")
    numa: bool = True


PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        "x86_64": Platform(
            "qemu-system-x86_64",
            "qemu-system-x86",
            "q35",
            "max",
            "ttyS0",
            "ttyS1",
            "earlyprintk=serial,ttyS0,115200",
            "x86_64-linux-gnu",
        ),
        "aarch64": Platform(
            "qemu-system-aarch64",
            "qemu-system-arm",
            "virt",
            "cortex-a72",
            "ttyAMA0",
            "ttyS0",
            "earlycon",
            "aarch64-linux-gnu",
            ("-serial", "chardev:console", "-device", "pci-serial,chardev=agent"),
        ),
        # Its own small firmware (vof) starts a kernel in an instant, where SLOF takes seconds.
        "ppc64le": Platform(
            "qemu-system-ppc64",
            "qemu-system-ppc",
            "pseries,x-vof=on",
            "power9",
            "hvc0",
            "hvc1",
            "",
            "powerpc64le-linux-gnu",
        ),
        # The first serial line is a VT220, which takes any byte; the second one writes EBCDIC.
        "s390x": Platform(
            "qemu-system-s390x",
            "qemu-system-s390x",
            "s390-ccw-virtio",
            "max",
            "ttyS0",
            "ttysclp0",
            "earlyprintk",
            "s390x-linux-gnu",
            ("-serial", "chardev:agent", "-serial", "chardev:console"),
            numa=False,
        ),
    }
)
"""By the name that `uname -m` gives."""


def platform_of(arch: str) -> Platform:
    """The platform of an architecture.

    Raises:
        LabError: the lab does not boot this architecture.
    """
    if arch not in PLATFORMS:
        raise LabError(f"the lab boots no guests of {arch} yet, only of {', '.join(PLATFORMS)}")
    return PLATFORMS[arch]


def version_of_qemu(arch: str) -> str:
    """The line in which QEMU for an architecture tells its version; ``unknown`` if it is not here.

    Raises:
        LabError: the lab does not boot this architecture.
    """
    program = shutil.which(platform_of(arch).qemu)
    if program is None:
        return "unknown"
    lines = run(program, "--version").stdout.splitlines()
    return lines[0] if lines else "unknown"
