"""What a user does with a machine: one sysfs write, one hot-add, one removal.

An operation is a sequence of the specification's steps; its choices are fixed:
the lowest frame first, the first destination that the guards allow.  It states
no rule: whatever it may not do, a step refuses, and the refusal's errno is what
the user sees.  An operation that fails gives back what it took.  Nobody else acts
meanwhile, but while an operation waits, a store that answers gets its data.

>>> from memhp.reference.machine import Machine
>>> from memhp.reference.shapes import Shape
>>> from memhp.spec.system import SYSTEM
>>> machine = Machine(SYSTEM, Shape(blocks=2).build(SYSTEM))
>>> user = Operations(machine)
>>> print(user.write_state(1, "offline"))
ok
>>> print(user.write_state(1, "offline"))
begin_offline: EINVAL: the block is not online (block_online)
"""

from __future__ import annotations

from collections.abc import Sequence
from errno import EBUSY, EINTR, EINVAL

from .emptying import Emptying
from .removal import removal_order
from .steps import SUCCESS, Result

__all__ = ["ZONES", "Operations", "Result"]

ZONES = {"online_kernel": "kernel", "online_movable": "movable"}
"""The zone that each kind of online names."""


def _truth(text: str) -> bool | None:
    """What the first letters say (lib/kstrtox.c, kstrtobool); the rest is not looked at."""
    start = text.lower()
    if start.startswith(("1", "y", "t", "on")):
        return True
    return False if start.startswith(("0", "n", "f", "of")) else None


class Operations(Emptying):
    """Operations on ``machine``, which they change; ``steps`` records the steps that they took.

    Each returns a `Result`, true for success, or with the errno that the user sees.

    Raises:
        ValueError: by each operation, for an element that does not exist.
    """

    def write_state(self, block: int, word: str) -> Result:
        """Write ``word`` to /sys/devices/system/memory/memoryN/state.

        Source: drivers/base/memory.c, state_store.
        """
        if not word:  # sysfs does not pass it on (fs/sysfs/file.c, sysfs_kf_write)
            return SUCCESS
        word = word.removesuffix("\n")
        if word == "offline":
            return self._offline(block)
        if word in ZONES:
            return self._online(block, ZONES[word])
        if word == "online":
            return self._online(block, self._default_zone(block))
        return Result(EINVAL)

    def write_online(self, block: int, text: str) -> Result:
        """Write ``text`` to the block's ``online`` attribute: nothing to do is success.

        Source: drivers/base/core.c, online_store.
        """
        if not text:
            return SUCCESS
        wanted = _truth(text)
        if wanted is None:
            return Result(EINVAL)
        already = self.machine.get("block_state", block) == ("online" if wanted else "offline")
        if already and self.machine.get("block_device", block):
            return SUCCESS
        return self.online_unnamed(block) if wanted else self._offline(block)

    def online_unnamed(self, block: int) -> Result:
        """Bring a block online when nobody says where: in the default zone.

        Source: drivers/base/memory.c, memory_subsys_online.
        """
        return self._online(block, self._default_zone(block))

    def add_memory(self, block: int) -> Result:
        """Hot-add a block with its devices: it is there, described, present, offline in sysfs.

        Source: mm/memory_hotplug.c, add_memory_resource.
        """
        before, done = self.machine.key(), len(self.steps)
        devices = self._devices_of(block)
        missing = [device for device in devices if not self.machine.get("inserted", device)]
        result = SUCCESS
        for device in missing or devices:
            result = result and self._try("insert_device", device)
        return self._all_or_nothing(result and self.probe(block), before, done)

    def probe(self, block: int) -> Result:
        """Add memory that is there, whoever asks: /sys/devices/system/memory/probe.

        Source: drivers/base/memory.c, probe_store.
        """
        before, done = self.machine.key(), len(self.steps)
        node = self._table("node_of", block)
        result = SUCCESS
        if self.machine.get("pgdat", node) == "absent":
            result = self._try("allocate_pgdat", node) and self._try("initialise_pgdat", node)
        self._assign_storage(block)
        result = result and self._each_section(block, "allocate_memmap", "add_section")
        if result and not self.machine.get("node_online", node):
            result = self._try("set_node_online", node)
        result = result and self._try("create_block_device", block)
        return self._all_or_nothing(result, before, done)

    def add_device(self, device: int) -> Result:
        """Insert a device; the firmware asks to add it, and is told how that went.

        When a block cannot be added, those that the call has added go again.

        Source: drivers/acpi/acpi_memhotplug.c, acpi_memory_device_add.
        """
        result = self._try("insert_device", device) and self._try("begin_add", device)
        if not result:
            return result
        added = []
        for block in self._missing_blocks(device):
            result = result and self.probe(block)
            if result:
                added.append(block)
        if result:
            return self._try("finish_add", device)
        self._try("fail_add", device)
        for block in removal_order(self.machine, added).order:
            self.remove_memory(block)
        self._try("conclude_failed_add", device)
        return result

    def remove_memory(self, block: int) -> Result:
        """Remove an offline block; its node goes with its last memory.

        Source: mm/memory_hotplug.c, try_remove_memory.
        """
        before, done = self.machine.key(), len(self.steps)
        for increment in self._increments_of(block):
            self._tell("return_increment", increment)
        result = self._try("delete_block_device", block)
        result = result and self._each_section(block, "remove_section", "free_memmap")
        if result:
            for section in self._sections_of(block):
                self._try("free_usage_map", section)
            self._try("free_altmap", block)
        node = self._table("node_of", block)
        if result and self._try("set_node_offline", node) and self._can("free_pgdat"):
            self._try("free_pgdat", node)
        return self._all_or_nothing(result, before, done)

    def eject(self, block: int) -> Result:
        """The firmware takes the devices of a removed block away.

        Source: drivers/acpi/scan.c, acpi_scan_hot_remove.
        """
        before, done = self.machine.key(), len(self.steps)
        result = SUCCESS
        for device in self._devices_of(block):
            for action in ("request_eject", "eject_device", "finish_eject"):
                result = result and self._try(action, device)
        return self._all_or_nothing(result, before, done)

    def eject_device(self, device: int) -> Result:
        """The firmware asks that a device goes: offline, remove, eject, or refuse with EBUSY.

        What is forbidden, or has no method, is declined at once.

        After a refusal the blocks that the call took offline are online again, each where
        a plain "online" brings it, whatever its zone was; what has moved stays moved.

        Source: drivers/acpi/scan.c, acpi_scan_hot_remove, acpi_scan_try_to_offline;
        drivers/base/memory.c, memory_subsys_online.
        """
        result = self._try("request_eject", device)
        if not result:
            self._try("decline_eject", device)
            return result
        blocks = [b for b in self._blocks_of(device) if self.machine.get("block_device", b)]
        online = [b for b in blocks if self.machine.get("block_state", b) == "online"]
        for block in online:  # what this pass cannot take may wait for a later block
            self._settle_offline(block)
        for block in online:
            result = result and self._settle_offline(block)
        before, done = self.machine.key(), len(self.steps)
        for block in removal_order(self.machine, blocks).order or blocks:
            result = result and self.remove_memory(block)
        removed, result = result, result and self._try("eject_device", device)
        if removed and not result and self._try("ej0_fails", device):
            self._try("conclude_failed_ej0", device)
            return result
        result = self._all_or_nothing(result, before, done)
        if result:
            return self._try("finish_eject", device)
        self._try("refuse_eject", device)
        self._bring_back(online)
        self._try("conclude_refusal", device)
        return Result(EBUSY, result.refusal)

    def add_lmbs(self, device: int) -> Result:
        """The hypervisor offers a device's logical memory blocks: they are added and go online.

        All of them, or none.

        Source: arch/powerpc/platforms/pseries/hotplug-memory.c, dlpar_memory_add_by_count.
        """
        before, done = self.machine.key(), len(self.steps)
        result = SUCCESS
        for block in self._blocks_of(device):
            result = result and self._try("acquire_lmb", block)
        result = result and self.add_device(device)
        for block in self._blocks_of(device):
            result = result and self.write_state(block, "online")
            result = result and self._try("assign_lmb", block)
        return self._all_or_nothing(result, before, done)

    def remove_lmbs(self, device: int) -> Result:
        """The hypervisor asks for a device's logical memory blocks: all go, or none.

        After a refusal those that the call took offline are online again; what has moved
        stays moved.

        Source: arch/powerpc/platforms/pseries/hotplug-memory.c, dlpar_memory_remove_by_count.
        """
        blocks = self._blocks_of(device)
        online = [b for b in blocks if self.machine.get("block_state", b) == "online"]
        result = SUCCESS
        for block in blocks:
            result = result and self._settle_offline(block)
        for block in blocks:
            result = result and self.remove_memory(block) and self._try("unassign_lmb", block)
        result = result and self._try("reach_count", blocks[0])
        for block in blocks:
            result = result and self._try("release_lmb", block)
        self._bring_back(() if result else online)
        return result

    def _bring_back(self, blocks: Sequence[int]) -> None:
        """Bring the blocks online that are offline; one may wait for another, as its mem_map."""
        came = True
        while came:
            waiting = [b for b in blocks if self.machine.get("block_state", b) == "offline"]
            came = any([self.online_unnamed(block) for block in waiting])

    def remove_node(self, node: int) -> Result:
        """Take all memory of a node away, in the order that its dependencies allow.

        When it fails, the blocks that it took offline are online again, each in
        its zone; what has moved stays moved.

        Source: mm/memory_hotplug.c, offline_and_remove_memory.
        """
        blocks = [
            block
            for block in range(self.machine.topology.sizes["Block"])
            if self._table("node_of", block) == node and self.machine.get("block_device", block)
        ]
        result = self._try("begin_node_removal", node)
        if not result:
            return result
        order = removal_order(self.machine, blocks).order or blocks
        zones = {block: str(self.machine.get("zone", block)) for block in order}
        for block in order:
            result = result and self._settle_offline(block)
        result = result and self._remove_all(order)
        if not result:
            self._online_again(zones)
        self._try("cancel_node_removal", node)
        return result

    def _remove_all(self, order: Sequence[int]) -> Result:
        before, done = self.machine.key(), len(self.steps)
        result = SUCCESS
        for block in order:
            result = result and self.remove_memory(block)
        for block in order:
            if any(self.machine.get("inserted", device) for device in self._devices_of(block)):
                result = result and self.eject(block)
        return self._all_or_nothing(result, before, done)

    def _online_again(self, zones: dict[int, str]) -> None:
        """Bring the blocks back that are offline, each in its zone."""
        for block, zone in reversed(zones.items()):  # what holds mem_maps of others comes first
            if zone != "none" and self.machine.get("block_state", block) == "offline":
                self._online(block, zone)

    # --- going online and offline -----------------------------------------------------------------

    def _online(self, block: int, zone: str) -> Result:
        result = self._try("begin_online", block, zone)
        if not result:
            return result
        self._assign_storage(block)
        result = self._try("initialise_memmap", block)
        self._tell("announce_first_memory", block)
        result = result and self._try("announce_online", block)
        result = result and self._try("finish_online", block)
        if not result:
            self._try("cancel_online", block)
            self._tell("cancel_node_event", self._table("node_of", block))
        return result

    def _assign_storage(self, block: int) -> None:
        """Ask for the block's increments, as they are added or before their block goes online."""
        for increment in self._increments_of(block):
            self._try("assign_increment", increment)

    def _default_zone(self, block: int) -> str:
        return str(self.machine.evaluate("default_zone", block))

    def _offline(self, block: int) -> Result:
        result = self._vet(block) and self._try("begin_offline", block)
        if not result:
            return result
        self._tell("announce_last_memory", block)
        result = self._try("announce_offline", block) and self._empty(block)
        if not result:
            self._try("cancel_offline", block)
            self._tell("cancel_node_event", self._table("node_of", block))
        return Result(EINTR, result.refusal) if result.guard == "empty" else result

    def _vet(self, block: int) -> Result:
        """Before anything moves out of a block that was closed: is there sticky memory in it?

        Who must wait for the lock does not look.
        """
        closed = self.machine.get("draining", block) and not self.machine.get("vetted", block)
        refusal = self.machine.why_not("begin_offline", block)
        waits = refusal is not None and refusal.guard == "device_hotplug_lock"
        return self._try("vet", block) if closed and not waits else SUCCESS

    def _settle_offline(self, block: int) -> Result:
        """Take the block offline unless it is."""
        offline = self.machine.get("block_state", block) == "offline"
        return SUCCESS if offline else self._offline(block)
