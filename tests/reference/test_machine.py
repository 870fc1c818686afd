"""What a machine answers to a caller: outcomes, reasons, readable values, clear errors."""

from __future__ import annotations

import pickle
from dataclasses import replace
from errno import EBUSY, EINVAL

import pytest

from memhp.reference import (
    OK,
    Machine,
    Refusal,
    Topology,
    diff,
)
from memhp.reference.shapes import Shape
from memhp.spec.language import System


def kernel_frame_in_block0(machine: Machine) -> Machine:
    """Bring block0 online and give frame1 to the kernel."""
    assert machine.step("online", b=0)
    assert machine.step("alloc", f=1, o="kernel")
    return machine


def test_a_step_is_taken_or_refused_with_its_reason(machine: Machine) -> None:
    assert machine.step("online", b=0) is OK
    refusal = machine.step("online", b=0)
    assert refusal == Refusal("online", "offline", EINVAL, "the block is not offline")
    assert not refusal
    assert str(refusal) == "online: EINVAL: the block is not offline (offline)"


def test_a_refused_step_changes_nothing(machine: Machine) -> None:
    kernel_frame_in_block0(machine)
    before = machine.copy()
    assert not machine.step("begin_offline", b=0)
    assert machine == before


def test_parameters_go_by_position_name_or_elements_name(machine: Machine) -> None:
    machine.step("online", 0)
    same = [machine.copy() for _ in range(5)]
    outcomes = [
        same[0].step("alloc", 1, 2),
        same[1].step("alloc", 1, "user"),
        same[2].step("alloc", o="user", f=1),
        same[3].step("alloc", "frame1", "user"),
        same[4].step("alloc", 1, o="user"),
    ]
    assert outcomes == [OK] * 5
    assert len(set(same)) == 1
    assert machine.parameters("alloc", "frame1", 2) == {"f": 1, "o": "user"}


@pytest.mark.parametrize(
    ("args", "params", "message"),
    [
        (("onlin",), {}, "unknown action 'onlin'; did you mean online"),
        (("online",), {}, r"online\(b: Block\) is not given b"),
        (("online", 1, 2), {}, r"online\(b: Block\) is given 2 parameters by position"),
        (("online", 1), {"b": 1}, r"online\(b: Block\) is given b twice"),
        (("online",), {"c": 1}, "online: unknown parameter 'c'; known: b"),
        (("online",), {"b": 5}, "Block 5 does not exist: a number from 0 to 4"),
        (("online",), {"b": -1}, "Block -1 does not exist"),
        (("online",), {"b": True}, "True is no Block"),
        (("online",), {"b": 1.0}, "1.0 is no Block"),
        (("online",), {"b": None}, "None is no Block"),
        (("online",), {"b": "frame1"}, "'frame1' is no Block"),
        (("online",), {"b": "block5"}, "'block5' is no Block"),
        (("alloc", 1, "usr"), {}, "'usr' is no Owner: one of nobody, kernel, user"),
        (("alloc", 1, 3), {}, "Owner 3 does not exist"),
        (("alloc", 1, []), {}, r"\[\] is no Owner"),
    ],
)
def test_a_call_that_makes_no_sense_teaches(
    machine: Machine, args: tuple[str, object], params: dict[str, object], message: str
) -> None:
    before = machine.copy()
    for call in (machine.step, machine.why_not, machine.failing):
        with pytest.raises(ValueError, match=message):
            call(*args, **params)
    assert machine == before


def test_why_not_asks_without_stepping(machine: Machine) -> None:
    kernel_frame_in_block0(machine)
    before = machine.copy()
    refusal = machine.why_not("begin_offline", b=0)
    assert refusal is not None
    assert (refusal.guard, refusal.errno) == ("no_kernel_frame", EBUSY)
    assert machine.why_not("free", f=1) is None
    assert machine == before


def test_failing_lists_every_guard_that_fails_in_order(machine: Machine) -> None:
    names = [guard.name for guard in machine.failing("alloc", 4, "nobody")]
    assert names == ["somebody", "block_online", "memory"]
    assert machine.failing("online", 0) == ()


def test_enabled_steps_are_the_ones_that_succeed(states: list[Machine]) -> None:
    for machine in states[:5]:
        steps = list(machine.enabled())
        assert all(machine.copy().step(name, **params) for name, params in steps)
        assert ("follow", {}) in steps
    assert {name for name, _ in states[0].enabled("swap", "online")} <= {"swap", "online"}
    with pytest.raises(ValueError, match="unknown action 'onlne'"):
        list(states[0].enabled("onlne"))


def test_violations_name_the_property_and_the_elements(machine: Machine) -> None:
    for block in (0, 1, 2, 4):
        machine.step("online", block)
    (violation,) = machine.violations()
    assert violation.property == "every_block_is_online"
    assert violation.params == {"b": 3}
    assert str(violation) == "every_block_is_online(b=block3)"


def test_step_violations_compare_two_states(machine: Machine) -> None:
    before = machine.copy()
    assert machine.step_violations(before) == []
    machine.step("swap", 1, 2)
    shown = [str(violation) for violation in machine.step_violations(before)]
    assert shown == ["partners_stay(b=block1)", "partners_stay(b=block2)"]


def test_what_is_given_up_is_no_violation_and_can_still_be_asked(machine: Machine) -> None:
    given_up = frozenset({"every_block_is_online", "partners_stay"})
    system = replace(machine.system, given_up=given_up)
    before = Machine(system, machine.topology)
    after = before.copy()
    after.step("swap", 1, 2)
    assert machine.violations()
    assert (after.violations(), after.step_violations(before)) == ([], [])
    assert [found.property for found in after.violations_of("every_block_is_online")]
    assert len(after.violations_of("partners_stay", before)) == 2
    assert after.violations_of("partners_stay") == []
    with pytest.raises(ValueError, match="kind sometimes, not always or step"):
        after.violations_of("a_frame_is_used")
    with pytest.raises(ValueError, match="unknown property"):
        after.violations_of("partners_sty")


def test_witnesses_are_the_elements_of_a_sometimes_property(machine: Machine) -> None:
    assert machine.witnesses("a_frame_is_used") == []
    kernel_frame_in_block0(machine)
    assert machine.witnesses("a_frame_is_used") == [{"f": 1}]
    with pytest.raises(ValueError, match="kind always, not sometimes"):
        machine.witnesses("every_block_is_online")
    with pytest.raises(ValueError, match="unknown property"):
        machine.witnesses("a_frame_is_usd")


def test_values_are_read_by_name(machine: Machine) -> None:
    kernel_frame_in_block0(machine)
    assert machine.get("owner", "frame1") == "kernel"
    assert machine.get("partner", 3) == 3
    assert machine.get("linked", 0, 1) is True
    assert machine.evaluate("node_of_frame", 3) == 1
    assert machine.evaluate("is_empty", "block0") is False
    assert machine.evaluate("is_empty", "block2") is True


def test_reading_what_does_not_exist_teaches(machine: Machine) -> None:
    with pytest.raises(ValueError, match="unknown variable or table 'ownr'; did you mean owner"):
        machine.get("ownr", 0)
    with pytest.raises(ValueError, match="Frame 7 does not exist"):
        machine.get("owner", 7)
    with pytest.raises(ValueError, match=r"linked\[Block, Frame\] is given 1 arguments"):
        machine.get("linked", 0)
    with pytest.raises(ValueError, match="unknown definition 'is_emty'; did you mean is_empty"):
        machine.evaluate("is_emty", 0)


def test_a_copy_lives_its_own_life(machine: Machine) -> None:
    copy = machine.copy()
    assert copy == machine
    assert hash(copy) == hash(machine)
    copy.step("online", 0)
    assert copy != machine
    assert machine.get("mode", 0) == "offline"


def test_restore_goes_back_to_a_key(machine: Machine) -> None:
    key = machine.key()
    kernel_frame_in_block0(machine)
    later = machine.key()
    machine.restore(key)
    assert machine.key() == key != later
    assert machine.get("owner", 1) == "nobody"
    with pytest.raises(ValueError, match="a key of this machine has"):
        machine.restore(key + b"\0")


def test_keys_hold_large_element_numbers(system: System) -> None:
    for blocks in (300, 70_000):
        big = Topology(
            {"Node": 1, "Block": blocks, "Frame": 1},
            {"block_of": (0,), "node_of": (0,) * blocks, "hole": (0,), "nearer": (0,)},
        )
        machine = Machine(system, big)
        machine.step("swap", 2, blocks - 1)
        other = Machine(system, big)
        other.restore(machine.key())
        assert other == machine
        assert other.get("partner", 2) == blocks - 1


def test_a_state_that_does_not_fit_is_refused(
    system: System, topology: Topology, machine: Machine
) -> None:
    with pytest.raises(ValueError, match=r"a state has \d+ values, not 1"):
        Machine(system, topology, [0])
    with pytest.raises(ValueError, match=r"value 3 at position 0 \(mode\) is no Mode \(0 to 2\)"):
        machine.at([3, *machine.values[1:]])


def test_what_is_no_machine_teaches(system: System) -> None:
    with pytest.raises(TypeError, match=r"not a Shape; build it: shape\.build\(system\)"):
        Machine(system, Shape())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a machine is a Topology, not a dict"):
        Machine(system, {"Frame": 1})  # type: ignore[arg-type]


def test_equal_states_of_different_machines_differ(
    system: System, topology: Topology, machine: Machine
) -> None:
    assert Machine(system, topology) == machine
    other = Machine(system, Topology(topology.sizes, {**topology.tables, "nearer": (0, 0, 0, 0)}))
    assert other.values == machine.values
    assert other != machine
    with pytest.raises(ValueError, match="differ in system or topology"):
        diff(machine, other)


def test_diff_shows_what_changed(machine: Machine) -> None:
    before = machine.copy()
    kernel_frame_in_block0(machine)
    machine.step("swap", 3, 4)
    assert [str(change) for change in diff(before, machine)] == [
        "mode[block0]: offline -> online",
        "owner[frame1]: nobody -> kernel",
        "partner[block3]: block3 -> block4",
        "partner[block4]: block4 -> block3",
    ]
    assert diff(machine, machine) == ()


def test_repr_says_which_machine_and_how_far(machine: Machine) -> None:
    machine.step("online", 0)
    assert repr(machine) == "<Machine toy: 2 Node, 5 Block, 7 Frame; 1 value changed since boot>"


def test_the_state_is_plain_data_that_agrees_with_get(machine: Machine) -> None:
    kernel_frame_in_block0(machine)
    state = machine.state()
    assert state["mode"] == {0: "online", **dict.fromkeys(range(1, 5), "offline")}
    for name, table in state.items():
        assert isinstance(table, dict)
        for point, value in table.items():
            args = point if isinstance(point, tuple) else (point,)
            assert machine.get(name, *args) == value
    assert len([value for table in state.values() for value in table]) == len(machine.values)  # type: ignore[union-attr]


def test_topology_is_read_as_variables_are(machine: Machine) -> None:
    assert machine.get("node_of", "block2") == 1
    assert machine.get("hole", 4) is True
    with pytest.raises(ValueError, match="unknown variable or table 'node_off'; did you mean node"):
        machine.get("node_off", 0)
    with pytest.raises(ValueError, match="Block 9 does not exist"):
        machine.get("node_of", 9)


def test_a_machine_survives_pickle(machine: Machine) -> None:
    kernel_frame_in_block0(machine)
    other = pickle.loads(pickle.dumps(machine))
    assert other == machine
    assert other.step("alloc", f=3, o="user") == machine.step("alloc", f=3, o="user")
    assert other == machine
