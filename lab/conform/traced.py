"""What a kernel was seen to do meanwhile: functions that it entered, by its own tracing.

Sources: Documentation/trace/kprobetrace.rst, Documentation/trace/events.rst.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..guest.guest import Guest
from ..tools.errors import LabError, whole_number

__all__ = ["Entry", "entered", "known", "trace_allocations", "trace_functions"]

_TRACING = "/sys/kernel/tracing"
_ENTRY = re.compile(r"\bmemhp_(\w+): \(.*?\)(?: argument=(0x[0-9a-f]+))?")
_BUFFER_KIB = 16384
"""Of each CPU: what a block that goes online has the kernel allocate, and more."""


@dataclass(frozen=True)
class Entry:
    """A function that was entered, with the argument that was asked for as a number."""

    function: str
    argument: int


def _mounted(guest: Guest) -> None:
    guest.shell(f"grep -q {_TRACING} /proc/mounts || mount -t tracefs none {_TRACING}")


def known(guest: Guest, *names: str) -> tuple[str, ...]:
    """Those of these functions that the kernel has and can trace."""
    _mounted(guest)
    words = "|".join(names)
    found = guest.shell(f"grep -woE '({words})' {_TRACING}/available_filter_functions").out.split()
    return tuple(name for name in names if name in found)


def trace_functions(guest: Guest, *names: str, argument: int = 1) -> None:
    """Forget what was traced, and trace these functions from now on.

    Args:
        guest: the guest.
        names: the functions.
        argument: which of their arguments is told, from 1.

    Raises:
        LabError: the kernel refuses.
    """
    _mounted(guest)
    probes = "; ".join(
        f"echo 'p:memhp_{name} {name} argument=$arg{argument}:x64' >> {_TRACING}/kprobe_events"
        for name in names
    )
    reply = guest.shell(
        f"set -e; echo 0 > {_TRACING}/events/enable; echo > {_TRACING}/kprobe_events;"
        f" {probes}; echo > {_TRACING}/trace; echo 1 > {_TRACING}/events/kprobes/enable"
    )
    if reply.rc:
        raise LabError(f"{guest.kernel.name} does not trace {', '.join(names)}: {reply.out}")


def entered(guest: Guest) -> tuple[Entry, ...]:
    """The traced functions in the order in which they were entered; they are forgotten then."""
    text = guest.shell(f"grep memhp_ {_TRACING}/trace; echo > {_TRACING}/trace").out
    return tuple(
        Entry(name, whole_number(value or "0", 16)) for name, value in _ENTRY.findall(text)
    )


def trace_allocations(guest: Guest, caller: str) -> tuple[int, int]:
    """How many objects a function has taken and given back since this was called last.

    Args:
        guest: the guest.
        caller: what the function's name contains.
    """
    _mounted(guest)
    events = " ".join(f"{_TRACING}/events/kmem/kmem_cache_{e}/enable" for e in ("alloc", "free"))
    counts = [
        guest.shell(f"grep -c 'kmem_cache_{event}: .*call_site={caller}' {_TRACING}/trace").out
        for event in ("alloc", "free")
    ]
    guest.shell(
        f"for e in {events}; do echo 1 > $e; done; echo > {_TRACING}/trace;"
        f" test $(cat {_TRACING}/buffer_size_kb) = {_BUFFER_KIB} ||"
        f" echo {_BUFFER_KIB} > {_TRACING}/buffer_size_kb"
    )
    taken, given = (whole_number(count.strip() or "0") for count in counts)
    return taken, given
