"""How QEMU runs each architecture: its program, machine, CPU and serial lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from memhp.machines.lab.errors import LabError

__all__ = ["PLATFORMS", "Platform", "platform_of"]


@dataclass(frozen=True)
class Platform:
    """QEMU for one architecture; `console` and `agent` are the guest's serial devices.

    `early` is the word of the kernel's command line that has it print before its console is up,
    `agent_line` QEMU's argument for the serial line of the agent.
    """

    qemu: str
    package: str
    machine: str
    cpu: str
    console: str
    agent: str
    early: str
    agent_line: tuple[str, str] = ("-serial", "chardev:agent")


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
        ),
        "aarch64": Platform(
            "qemu-system-aarch64",
            "qemu-system-arm",
            "virt",
            "cortex-a72",
            "ttyAMA0",
            "ttyS0",
            "earlycon",
            ("-device", "pci-serial,chardev=agent"),
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
