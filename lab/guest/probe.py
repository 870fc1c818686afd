"""A guest that is booted to learn something: which kernel it is, whether KVM works."""

from __future__ import annotations

import os
from dataclasses import replace

from ..kernels.kernel import Kernel
from ..tools.errors import GuestDied, GuestSilent
from .guest import Accelerator, Guest

__all__ = ["identified", "usable_accelerator"]

_PROBE_SECONDS = 60.0
"""How long a boot with KVM may take before it is called hanging."""


def identified(kernel: Kernel) -> Kernel:
    """The kernel with its version: one of the user's own is booted once, and says it.

    Raises:
        LabError: it does not boot.
    """
    if kernel.version is not None:
        return kernel
    with Guest.boot(kernel) as guest:
        return replace(kernel, version=guest.shell("uname -r").out.strip())


def usable_accelerator(kernel: Kernel, *, limit: float = _PROBE_SECONDS) -> Accelerator:
    """KVM if a guest boots with it within the limit, otherwise software emulation.

    A `/dev/kvm` that opens says little: under some hypervisors its guests hang.
    """
    if kernel.arch != os.uname().machine or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    try:
        with Guest.boot(kernel, limit=limit, command_limit=limit, accel="kvm") as guest:
            guest.agent("ping")
    except (GuestDied, GuestSilent):
        return "tcg"
    return "kvm"
