"""Which operations there are, and how to draw one: one that is enabled, or one to be refused.

An operation of several steps begins with one that decides most of its refusals:
its *opening*.  Whether the operation is enabled is asked of the reference by it.

`RULES` are what a whole machine is asked; a target that names its operations may name any of
`EVERY`, which has each action of the specification, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from memhp.reference.machine import Machine
from memhp.reference.topology import Topology, Value, cut
from memhp.spec.language.system import Action, System
from memhp.spec.system import SYSTEM

from .protocol import TargetError, guess

__all__ = ["EVERY", "RULES", "Operation", "Rule", "draw", "every", "rules_for"]

Operation = tuple[str, tuple[Value, ...]]
"""An operation's name and its parameters."""

_TOLD = 5
"""So many names that are no operations are told one by one."""
_MOST_TEXT = 4096
"""Nothing longer is written to a file of sysfs: a page.  Source: fs/sysfs/file.c."""
_WORDS = ("offline", "online", "online_movable", "online_kernel")


@dataclass(frozen=True)
class Rule:
    """One operation, and how it is drawn.

    Attributes:
        name: the operation's.
        params: for each parameter the name of a sort, or the values to choose from.
        opening: from the machine and the parameters to the step that begins the operation, or
            to None where it is enabled always; without it, the operation is a step itself.
        weight: how often it is drawn, beside others.
    """

    name: str
    params: tuple[str | tuple[Value, ...], ...]
    opening: Callable[[Machine, tuple[Value, ...]], Operation | None] | None = None
    weight: int = 4

    def choices(self, topology: Topology) -> list[Sequence[Value]]:
        """For each parameter the values that it can have on that machine."""
        return [
            range(topology.sizes[choice]) if isinstance(choice, str) else choice
            for choice in self.params
        ]

    def draw(self, topology: Topology, random: Random) -> tuple[Value, ...]:
        """Random parameters, whether or not the operation is enabled for them."""
        return tuple(map(random.choice, self.choices(topology)))

    def check(self, topology: Topology, params: Sequence[Value]) -> None:
        """Check that the operation takes such parameters on that machine.

        Raises:
            ValueError: their number is another, or one is none of the values that it can have.
        """
        if len(params) != len(self.params):
            raise ValueError(f"{self.name} takes {len(self.params)} parameters, not {len(params)}")
        for choice, param in zip(self.params, params, strict=True):
            if isinstance(choice, str):
                size = topology.sizes[choice]
                if type(param) is not int or not 0 <= param < size:
                    raise ValueError(
                        f"{self.name}: {cut(param)} is no {choice}: a number from 0 to {size - 1}"
                    )
            elif not isinstance(param, str) or len(param) > _MOST_TEXT:
                words = ", ".join(map(repr, choice))
                raise ValueError(f"{self.name}: {cut(param)} is none of {words}")

    def enabled(self, machine: Machine, params: tuple[Value, ...]) -> bool:
        """Whether the operation's opening is enabled in the machine's state."""
        step = (self.name, params) if self.opening is None else self.opening(machine, params)
        return step is None or machine.why_not(step[0], *step[1]) is None


def _step(action: str) -> Callable[[Machine, tuple[Value, ...]], Operation]:
    """The opening that is a step of that action, with the operation's own parameters."""
    return lambda _, params: (action, params)


def _write_state(machine: Machine, params: tuple[Value, ...]) -> Operation:
    block, word = params
    if word == "offline":
        return "begin_offline", (block,)
    zone = "movable" if word == "online_movable" else "kernel"
    return "begin_online", (block, zone)


def _write_online(machine: Machine, params: tuple[Value, ...]) -> Operation:
    block, text = params
    return _write_state(machine, (block, "online" if text == "1" else "offline"))


def _probe(machine: Machine, params: tuple[Value, ...]) -> Operation:
    """The last step of adding, which a block that is there refuses; the others follow it."""
    owner = machine.topology.tables["block_of_section"]
    return "allocate_memmap", (owner.index(int(params[0])),)


def _add_memory(machine: Machine, params: tuple[Value, ...]) -> Operation | None:
    devices = _devices(machine, params)
    missing = [device for device in devices if not machine.get("inserted", device)]
    return ("insert_device", ((missing or devices)[0],)) if devices else None


def _eject(machine: Machine, params: tuple[Value, ...]) -> Operation | None:
    devices = _devices(machine, params)
    return ("request_eject", (devices[0],)) if devices else None


def _devices(machine: Machine, params: Sequence[Value]) -> list[int]:
    blocks = machine.topology.sizes["Block"]
    table = machine.topology.tables["in_range"]
    block = int(params[0])
    return [m for m in range(machine.topology.sizes["MemoryDevice"]) if table[m * blocks + block]]


def _online_unnamed(machine: Machine, params: tuple[Value, ...]) -> Operation:
    return "begin_online", (*params, machine.evaluate("default_zone", params[0]))


def _add_lmbs(machine: Machine, params: tuple[Value, ...]) -> Operation | None:
    blocks = _blocks(machine, params)
    return ("acquire_lmb", (blocks[0],)) if blocks else None


def _remove_lmbs(machine: Machine, params: tuple[Value, ...]) -> Operation | None:
    blocks = _blocks(machine, params)
    online = [b for b in blocks if machine.get("block_state", b) == "online"]
    action = "begin_offline" if online else "unassign_lmb"
    return (action, ((online or blocks)[0],)) if blocks else None


def _blocks(machine: Machine, params: Sequence[Value]) -> list[int]:
    blocks = machine.topology.sizes["Block"]
    table = machine.topology.tables["in_range"]
    return [block for block in range(blocks) if table[int(params[0]) * blocks + block]]


def _soft_offline_page(machine: Machine, params: tuple[Value, ...]) -> Operation | None:
    """Nothing refuses where the error is known already; what has the frame moves out first."""
    known = machine.get("hwpoison", params[0])
    used = machine.get("frame_state", params[0]) in ("user", "huge")
    return None if known or used else ("soft_offline", params)


RULES = (
    Rule("write_state", ("Block", (*_WORDS, "nonsense")), _write_state, 8),
    Rule("write_online", ("Block", ("1", "0", "maybe", "")), _write_online, 4),
    Rule("add_memory", ("Block",), _add_memory, 4),
    Rule("probe", ("Block",), _probe, 4),
    Rule("remove_memory", ("Block",), _step("delete_block_device"), 6),
    Rule("eject", ("Block",), _eject, 3),
    Rule("add_device", ("MemoryDevice",), _step("insert_device"), 4),
    Rule("eject_device", ("MemoryDevice",), _step("request_eject"), 3),
    Rule("forbid_eject", ("MemoryDevice",), weight=1),
    Rule("allow_eject", ("MemoryDevice",), weight=3),
    Rule("remove_node", ("Node",), _step("begin_node_removal"), 1),
    Rule("drain", ("Block",), weight=3),
    Rule("undrain", ("Block",), weight=5),
    Rule("begin_node_removal", ("Node",), weight=2),
    Rule("cancel_node_removal", ("Node",), weight=4),
    Rule("alloc_folio", ("Folio", "Frame", ("anonymous", "page_cache", "none")), weight=24),
    Rule("free_folio", ("Folio",), weight=14),
    Rule("alloc_kernel", ("Frame",), weight=6),
    Rule("free_kernel", ("Frame",), weight=10),
    Rule("keep_on_cpu", ("Frame",), weight=5),
    Rule("drain_from_cpu", ("Frame",), weight=5),
    Rule("soft_offline", ("Frame",), weight=1),
    Rule("corrupt_pfn", ("Frame",), lambda _, params: ("memory_failure", (*params, 0)), 2),
    Rule("tell_of_loss", ("Folio",), weight=4),
    Rule("migrate_folio", ("Folio", "Frame"), _step("reserve_destination"), 10),
    Rule("fault", ("Pte",), weight=7),
    Rule("remap_file_pages", ("Pte", "Folio"), weight=3),
    Rule("unmap", ("Pte",), weight=5),
    Rule("store", ("Pte", "Data"), weight=8),
    Rule("begin_writeback", ("Folio",), weight=4),
    Rule("end_writeback", ("Folio",), weight=4),
    Rule("fail_writeback", ("Folio",), weight=2),
    Rule("report_error", ("Store",), weight=1),
    Rule("store_stops", ("Store",), weight=2),
    Rule("store_returns", ("Store",), weight=2),
    Rule("attach_private", ("Folio",), weight=3),
    Rule("use_private", ("Folio",), weight=1),
    Rule("put_private", ("Folio",), weight=3),
    Rule("release_private", ("Folio",), weight=2),
    Rule("pin_short", ("Pin", "Folio"), weight=3),
    Rule("pin_longterm", ("Pin", "Folio"), weight=3),
    Rule("unpin", ("Pin",), weight=4),
    Rule("device_write", ("Pin", "Data"), weight=3),
    Rule("get_reference", ("Reference", "Folio"), weight=2),
    Rule("put_reference", ("Reference",), weight=4),
    Rule("write_by_reference", ("Reference", "Data"), weight=2),
    Rule("grow_pool", ("HugeFolio", "Range"), weight=12),
    Rule("take_surplus", ("HugeFolio", "Range"), weight=1),
    Rule("dissolve", ("HugeFolio",), weight=2),
    Rule("reserve_huge", ("Reservation",), weight=1),
    Rule("unreserve_huge", ("Reservation",), weight=2),
    Rule("take_huge", ("HugeFolio",), weight=3),
    Rule("take_promised", ("HugeFolio", "Reservation"), weight=3),
    Rule("map_huge", ("HugePte", "HugeFolio"), weight=4),
    Rule("unmap_huge", ("HugePte",), weight=2),
    Rule("store_huge", ("HugePte", "Data"), weight=3),
    Rule("wait_for_huge", ("HugePte",), weight=5),
    Rule("wake_from_huge", ("HugePte",), weight=4),
    Rule("replace_huge_pte", ("HugePte", "HugeFolio"), weight=5),
    Rule("restore_huge_pte", ("HugePte",), weight=5),
    Rule("pin_huge_short", ("HugePin", "HugeFolio"), weight=1),
    Rule("pin_huge_longterm", ("HugePin", "HugeFolio"), weight=1),
    Rule("unpin_huge", ("HugePin",), weight=3),
    Rule("device_write_huge", ("HugePin", "Data"), weight=1),
    Rule("put_huge", ("HugeFolio",), weight=1),
    Rule("put_surplus", ("HugeFolio",), weight=2),
    Rule("begin_huge_migration", ("HugeFolio", "HugeFolio"), weight=8),
    Rule("begin_huge_migration_afresh", ("HugeFolio", "HugeFolio", "Range"), weight=8),
    Rule("copy_huge", ("HugeFolio",), weight=5),
    Rule("change_huge_home", ("HugeFolio",), weight=6),
    Rule("abort_huge_migration", ("HugeFolio",), weight=2),
    Rule("finish_huge_migration", ("HugeFolio",), weight=6),
    Rule("free_left_huge", ("HugeFolio",), weight=4),
)
"""Every operation that a walk takes, unless the target names its own."""


def _of_step(action: Action) -> Rule:
    """The rule for a single step: its parameters are those of its declaration."""
    return Rule(action.name, tuple(v.sort.members or v.sort.name for v in action.params))


_MORE = (
    Rule("online_unnamed", ("Block",), _online_unnamed),
    Rule("add_lmbs", ("MemoryDevice",), _add_lmbs),
    Rule("remove_lmbs", ("MemoryDevice",), _remove_lmbs),
    Rule("hard_offline_page", ("Frame",), lambda _, params: ("memory_failure", (*params, 0))),
    Rule("soft_offline_page", ("Frame",), _soft_offline_page),
)
_NAMED = {rule.name: rule for rule in (*RULES, *_MORE)}
EVERY: Mapping[str, Rule] = {
    **_NAMED,
    **{each.name: _of_step(each) for each in SYSTEM.actions if each.name not in _NAMED},
}
"""Every operation and every single step that there is, by name."""


def every(system: System) -> Mapping[str, Rule]:
    """`EVERY`, and each step that is the design's own."""
    own = (each for each in system.actions if each.name not in EVERY)
    return {**EVERY, **{each.name: _of_step(each) for each in own}}


def rules_for(operations: Collection[str] | None, system: System = SYSTEM) -> tuple[Rule, ...]:
    """The rules for what a target can do.

    Args:
        operations: their names; None, where a target does not say: `RULES`.
        system: the design to compare with: it may do without a step.

    Raises:
        TargetError: a name is no operation, or there is none at all.
    """
    if operations is None:
        return RULES
    if isinstance(operations, str) or not isinstance(operations, Collection):
        raise TargetError(f"its operations are {cut(operations)}: a set of names is needed")
    there = every(system)
    wrong = [name for name in operations if name not in there or _is_left_out(name, system)]
    if wrong or not operations:
        why = "; ".join(_no_operation(name, system) for name in sorted(wrong, key=str)[:_TOLD])
        more = f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
        raise TargetError(f"{why or 'it names no operations'}{more}: see memhp fuzz --list")
    return tuple(rule for rule in there.values() if rule.name in operations)


def _is_left_out(name: str, system: System) -> bool:
    """The step is one of the specification, and none of that design."""
    return name not in _NAMED and name not in system.action_by_name


def _no_operation(name: object, system: System) -> str:
    kinds = {v.symbol.name: "a variable" for v in system.variables}
    kinds |= {claim.name: "a property" for claim in system.properties}
    if isinstance(name, str) and name in kinds:
        return f"{name} is {kinds[name]}, not an operation"
    if isinstance(name, str) and name in EVERY:
        return f"{name} is no step of {system.name}"
    return f"there is no operation {cut(name)}{guess(name, EVERY)}"


def draw(
    rules: Sequence[Rule], machine: Machine, random: Random, *, refused: float = 0.2, tries: int = 8
) -> Operation:
    """A random operation that is enabled now; with probability ``refused``, one that is not.

    Args:
        rules: what to draw from.
        machine: the reference's.
        random: the source of what is drawn.
        refused: the share of operations that are not to be enabled.
        tries: how often another one is drawn before what was drawn last is taken.
    """
    wanted = random.random() >= refused
    weights = [rule.weight for rule in rules]
    for _ in range(tries):
        rule = random.choices(rules, weights)[0]
        params = rule.draw(machine.topology, random)
        for _ in range(4):
            if rule.enabled(machine, params) == wanted:
                return rule.name, params
            params = rule.draw(machine.topology, random)
    return rule.name, params
