"""What the kernel does when memory has an error: it takes it from whoever has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from errno import EBUSY

from .steps import SUCCESS, Result, Steps
from .topology import Value

__all__ = ["PageErrors"]


class PageErrors(Steps):
    """How frames with an error are set aside.  It states no rule: steps refuse."""

    def hard_offline_page(self, frame: int) -> Result:
        """An error is found in the frame; EBUSY if somebody keeps it, as the kernel its own.

        Source: mm/memory-failure.c, memory_failure; drivers/base/memory.c, hard_offline_page_store.
        """
        result = self._try("memory_failure", frame, self.machine.get("data", frame))
        if not result:
            return result
        self._dissolve_around(frame)
        while self._set_something_aside(self._block_of(frame)):
            pass
        aside = self.machine.get("frame_state", frame) == "off_buddy"
        return SUCCESS if aside else Result(EBUSY)

    def corrupt_pfn(self, frame: int) -> Result:
        """An error is injected, where the frame can be taken from whoever has it.

        Source: mm/hwpoison-inject.c, hwpoison_inject.
        """
        before, done = self.machine.key(), len(self.steps)
        return self._all_or_nothing(self.hard_offline_page(frame), before, done)

    def _set_something_aside(self, block: int) -> bool:
        """Take one step to set aside a frame of the block that has an error, if one is possible.

        Source: mm/memory_hotplug.c, do_migrate_range; mm/memory-failure.c, me_huge_page.
        """
        errors = [frame for frame in self._frames_of(block) if self._has_error(frame)]
        ranges = {self._table("range_of", frame) for frame in errors}
        if not errors:
            return False
        ways: dict[str, Callable[[Mapping[str, Value]], bool]] = {
            "unmap_poisoned": lambda params: params["f"] in errors,
            "give_up_folio": lambda params: self.machine.get("home", params["o"]) in errors,
            "unmap_poisoned_huge": lambda params: self._range_of(params["h"]) in ranges,
            "give_up_huge": lambda params: self._range_of(params["h"]) in ranges,
        }
        for action, is_here in ways.items():
            for _, params in self.machine.enabled(action):
                if is_here(params):
                    return bool(self._try(action, *params.values()))
        return False

    def _dissolve_around(self, frame: int) -> None:
        """Give a free huge folio back that takes the frame, where the pool can spare it.

        Source: mm/memory-failure.c, __page_handle_poison.
        """
        for _, params in list(self.machine.enabled("dissolve")):
            if self._range_of(params["h"]) == self._table("range_of", frame):
                self._try("dissolve", params["h"])

    def _has_error(self, frame: int) -> bool:
        return bool(self.machine.get("hwpoison", frame))

    def _frames_of(self, block: int) -> list[int]:
        frames = range(self.machine.topology.sizes["Frame"])
        return [frame for frame in frames if self._block_of(frame) == block]

    def _range_of(self, folio: Value) -> int:
        return int(self.machine.get("huge_home", folio))
