"""What an operator does before a plan, and after it: what the plan's own writes do not."""

from __future__ import annotations

from collections.abc import Iterator

from memhp.machines.reading.units import in_units

from ..reading.sysfs import MachineReading
from .obstacles import numbers
from .plan import Plan

__all__ = ["after_it", "before_it"]


def before_it(plan: Plan, reading: MachineReading) -> Iterator[str]:
    """Steps to take first, each a sentence.

    Args:
        plan: what is to be done.
        reading: the machine that it is for.
    """
    page = reading.page_size or 0
    added = reading.policy.added
    whole = plan.goal.device is not None or plan.goal.node is not None
    if added not in (None, "offline") and whole and plan.goal.size is None:
        yield (
            "echo offline > /sys/devices/system/memory/auto_online_blocks: it is"
            f" {added}, so what is added again would be in use at once"
        )
    spare = sum(move.block.spare for move in plan.moves) * page
    if spare:
        yield (
            f"{in_units(spare)} of huge pages that nobody uses lie in these blocks and are"
            " dissolved: lower nr_hugepages by as many, or add them elsewhere, if their number"
            " matters"
        )
    lacking = sum(move.reclaimed for move in plan.moves) * page
    if lacking:
        yield (
            f"free {in_units(lacking)} where contents go to, so that the kernel need not do it"
            " meanwhile: echo 1 > /proc/sys/vm/drop_caches frees clean page cache"
        )
    if plan.goal.to is not None:
        nodes = ",".join(map(str, plan.goal.to))
        yield (
            f"put the shell that does it into a cpuset with cpuset.mems={nodes}: the kernel looks"
            " at the cpuset of who writes, and at no option of memhp's"
        )


def after_it(plan: Plan, reading: MachineReading) -> Iterator[str]:
    """What takes the memory away once its blocks are offline, by device.

    Args:
        plan: what is to be done.
        reading: the machine that it is for.
    """
    if plan.goal.size is not None:
        return
    blocks: dict[str, list[int]] = {}
    for move in plan.moves:
        device = reading.devices.get(move.block.number)
        if device is not None:
            blocks.setdefault(device, []).append(move.block.number)
    for device, its in blocks.items():
        all_of = [number for number, name in reading.devices.items() if name == device]
        gone = {*its, *plan.wanted.gone}
        if gone.issuperset(all_of):
            yield _takes_away(device, its)


def _takes_away(device: str, blocks: list[int]) -> str:
    what = f"{device} (blocks {numbers(blocks)})"
    if device.startswith("PNP0C80"):
        return f"{what}: echo 1 > /sys/bus/acpi/devices/{device}/eject"
    if device.startswith("dax"):
        return f"{what}: daxctl reconfigure-device --mode=devdax {device}"
    if device.startswith("virtio"):
        return f"{what}: the hypervisor lowers the size that it requests of it"
    if device.startswith("DRC "):
        return f"{what}: drmgr -c mem -r -s {device[4:]}"
    return f"{what}: by the driver that brought it"
