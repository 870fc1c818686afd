"""Memory devices of a running guest: DIMMs that are added and ejected, virtio-mem resized.

Sources: drivers/acpi/acpi_memhotplug.c and device_bus_hotplug of drivers/acpi/scan.c (what
the guest does and reports through _OST), docs of QEMU on pc-dimm and virtio-mem.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ..tools.errors import GuestSilent
from .guest import COMMAND_SECONDS, Guest
from .qmp import MonitorRefused
from .snapshot import block_states

__all__ = ["Ejection", "add_dimm", "eject_dimm", "plug_dimm", "resize", "wait_for_blocks"]

_INSERTION, _EJECTION = (0, 1), (3,)
"""The sources of an _OST that answers an insertion or an ejection request (ACPI specification,
6.3.5): a check of the bus or of the device, and the request itself."""

_ADDING, _EJECTING = 0x80, 0x84
"""The status of an _OST that is not final: the guest has begun.  Of an ejection 0x80 is final: it
is not supported."""


@dataclass(frozen=True)
class Ejection:
    """How an ejection ended.

    `status` is what the guest reported through _OST (0x82: busy); None if it reported none
    before the device was gone.
    """

    gone: bool
    status: int | None


def add_dimm(guest: Guest, name: str, node: int, size: int, *, place: int | None = None) -> None:
    """Add a DIMM of ``size`` bytes to a node; the guest's driver then adds its memory.

    Args:
        guest: the guest.
        name: what QEMU calls it.
        node: the node.
        size: bytes.
        place: its first physical address; None: QEMU chooses.

    Raises:
        MonitorRefused: no slot or no room is left, or the name is taken.
    """
    guest.qmp("object-add", qom_type="memory-backend-ram", id=f"{name}-ram", size=size)
    address = {} if place is None else {"addr": place}
    try:
        guest.qmp(
            "device_add", driver="pc-dimm", id=name, memdev=f"{name}-ram", node=node, **address
        )
    except MonitorRefused:
        guest.qmp("object-del", id=f"{name}-ram")
        raise


def plug_dimm(guest: Guest, name: str, node: int, size: int, *, place: int) -> int:
    """Add a DIMM, and wait until the guest's driver has told how that went.

    Args:
        guest: the guest.
        name: what QEMU calls it.
        node: the node.
        size: bytes.
        place: its first physical address.

    Returns:
        The status that it told through _OST: 0 if the memory is there.

    Raises:
        GuestSilent: it told nothing within the guest's limit for commands.
        MonitorRefused: as for `add_dimm`.
    """
    guest.events()
    deadline = time.monotonic() + guest.command_limit
    add_dimm(guest, name, node, size, place=place)
    while (left := deadline - time.monotonic()) > 0:
        for event in guest.events(wait=left):
            status = _reported(event, name, _INSERTION)
            if status not in (None, _ADDING):
                return status
    raise GuestSilent(f"{guest.kernel.name}: {name} was not taken", guest.last_lines())


def eject_dimm(guest: Guest, name: str, *, limit: float = COMMAND_SECONDS) -> Ejection:
    """Ask the guest to give a DIMM back and wait until it has done so or refused.

    Guests of ppc64le do not tell QEMU that they refuse (their console does): it is silence.

    Raises:
        GuestSilent: it did neither within ``limit`` seconds.
        MonitorRefused: there is no such DIMM, or it is being ejected.
    """
    guest.events()
    guest.qmp("device_del", id=name)
    deadline = time.monotonic() + limit
    status: int | None = None
    while (left := deadline - time.monotonic()) > 0:
        for event in guest.events(wait=left):
            data = event.get("data", {})
            if event["event"] == "DEVICE_DELETED" and data.get("device") == name:
                guest.qmp("object-del", id=f"{name}-ram")
                return Ejection(True, status)
            reported = _reported(event, name, _EJECTION)
            if reported is not None:
                status = reported
                if status not in (0, _EJECTING):
                    return Ejection(False, status)
    raise GuestSilent(
        f"{guest.kernel.name}: {name} was neither ejected nor refused within {limit:g} s",
        guest.last_lines(),
    )


def wait_for_blocks(guest: Guest, count: int) -> dict[int, str]:
    """The state of each block, once the guest has ``count``: it tells nobody when it is ready.

    Raises:
        GuestSilent: it has fewer after the guest's limit for commands.
    """
    deadline = time.monotonic() + guest.command_limit
    while len(states := block_states(guest)) < count:
        if time.monotonic() > deadline:
            raise GuestSilent(
                f"{guest.kernel.name} has {len(states)} of {count} blocks that it was given",
                guest.last_lines(),
            )
        time.sleep(0.05)
    return states


def _reported(event: dict[str, Any], name: str, sources: tuple[int, ...]) -> int | None:
    """The status of an _OST about this device, of one of these sources."""
    info = event.get("data", {}).get("info", {})
    if event["event"] != "ACPI_DEVICE_OST" or info.get("device") != name:
        return None
    return int(info["status"]) if info.get("source") in sources else None


def resize(guest: Guest, number: int, size: int) -> None:
    """Ask that ``size`` bytes of a virtio-mem device be plugged; the guest does it later."""
    path = f"/machine/peripheral/virtiomem{number}"
    guest.qmp("qom-set", path=path, property="requested-size", value=size)
