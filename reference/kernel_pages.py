"""How kernel pages leave a block that goes offline: with every CPU stopped, one by one."""

from __future__ import annotations

from .huge_folios import HugeFolios

__all__ = ["KernelPages"]


class KernelPages(HugeFolios):
    """What a removal does with kernel pages that can move.  It states no rule: steps refuse."""

    def _move_kernel_page(self, block: int) -> bool:
        """Move the kernel page in the lowest frame of the block that can go somewhere.

        Source: kernel/stop_machine.c, stop_machine: what a kernel would do it with.
        """
        ways = (
            (int(self.machine.get("maps_to", params["k"])), int(params["f"]), int(params["k"]))
            for _, params in self.machine.enabled("begin_kernel_migration")
        )
        way = min((way for way in ways if self._block_of(way[0]) == block), default=None)
        if way is None:
            return False
        old, frame, page = way
        self._try("begin_kernel_migration", page, frame)
        cpus = range(self.machine.topology.sizes["Cpu"])
        for cpu in cpus:
            self._try("stop_cpu", cpu)
        for action in ("copy_kernel_page", "remap_kernel_page"):
            self._try(action, page)
        for cpu in cpus:
            if self.machine.get("tlb", cpu, page) == old:
                self._try("flush_tlb", cpu, page)
        result = self._try("finish_kernel_migration", page)
        for cpu in cpus:
            self._try("resume_cpu", cpu)
        return bool(result)
