"""What a kernel entered is read from its trace; what its events are called, from its types."""

from __future__ import annotations

from typing import cast

import pytest

from memhp.lab.conform.board import BOARDS, arrangement
from memhp.lab.conform.notified import _MEMORY_EVENTS, _changes, _in_order, _named, _told
from memhp.lab.conform.traced import Entry, entered, known, trace_allocations, trace_functions
from memhp.lab.guest.guest import Guest, Reply
from memhp.lab.tools.errors import LabError
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.profiles import as_of
from memhp.spec.system import SYSTEM

TRACE = """\
 init-1 [000] .N... 9.454220: memhp_memory_notify: (memory_notify+0x4/0x20) argument=0x3
 init-1 [000] ..... 9.472968: memhp_node_notify: (node_notify+0x4/0x20) argument=0x0
"""


class Shell:
    """A guest on paper: its shell answers by a word of what it is asked."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.kernel = type("Named", (), {"name": "paper"})

    def shell(self, command: str) -> Reply:
        self.asked.append(command)
        return next(
            (Reply(*its) for word, its in self.answers.items() if word in command), Reply(0, "")
        )


def paper(**answers: tuple[int, str]) -> Guest:
    return cast("Guest", Shell(**answers))


def test_functions_that_were_entered_come_in_order_with_their_first_argument() -> None:
    assert entered(paper(memhp_=(0, TRACE))) == (
        Entry("memory_notify", 3),
        Entry("node_notify", 0),
    )


def test_functions_that_a_kernel_has_come_in_the_order_that_was_asked_for() -> None:
    guest = paper(available_filter_functions=(0, "register_node\nmemory_notify\n"))
    assert known(guest, "memory_notify", "node_notify") == ("memory_notify",)
    assert known(guest, "memory_notify", "register_node") == ("memory_notify", "register_node")


def test_a_kernel_that_does_not_trace_is_told() -> None:
    with pytest.raises(LabError, match="paper does not trace memory_notify: no such symbol"):
        trace_functions(paper(kprobe_events=(1, "no such symbol")), "memory_notify")


def test_what_was_taken_and_given_back_is_counted_apart() -> None:
    guest = paper(kmem_cache_alloc=(0, "12\n"), kmem_cache_free=(1, "0\n"))
    assert trace_allocations(guest, "slab_mem") == (12, 0)


@pytest.mark.parametrize(
    ("numbers", "rc"), [([3, 0], 0), ([8, 1], 1), ([64, 8, 1], 1)], ids=["enum", "bits", "s390"]
)
def test_events_have_one_name_whatever_their_number(numbers: list[int], rc: int) -> None:
    named = _named(paper(vmlinux=(rc, "")), numbers, _MEMORY_EVENTS, "MEM_GOING_ONLINE")
    assert named == "going_online, online"


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("free", "going_offline, offline"),
        ("kernel", "nothing"),
        ("pinned", "going_offline, cancel_offline"),
    ],
)
def test_what_notifiers_hear_depends_on_what_the_block_holds(held: str, told: str) -> None:
    system = as_of(SYSTEM, (7, 2))
    machine = Machine(system, arrangement(system, BOARDS["x86_64"]))
    user = Operations(machine)
    assert user.add_device(1)
    assert _told(machine, 4, "online_kernel", "free") == "going_online, online"
    first = _changes(machine, 4, "online_kernel", "node_event", 1)
    assert first == "adding_first, added_first"
    assert user.write_state(4, "online_kernel")
    assert _told(machine, 4, "offline", held) == told


def test_who_stands_behind_a_refusal_hears_the_cancel_alone_in_linux() -> None:
    board = BOARDS["aarch64"]
    for system, behind in ((as_of(SYSTEM, (7, 2)), "cancel_offline"), (SYSTEM, "nothing")):
        machine = Machine(system, arrangement(system, board))
        told = [_told(machine, 1, "offline", "free", "heard", listener) for listener in (0, 1)]
        assert told == ["going_offline, cancel_offline", behind]


def test_node_notifiers_hear_of_a_cancel_after_memory_notifiers() -> None:
    system = as_of(SYSTEM, (7, 2))
    shape = Shape(nodes=2, blocks=1, boot_kernel=frozenset([0]))
    machine = Machine(system, shape.build(system))
    assert _in_order(machine, 1, "offline", 1) == (
        "node removing_last, memory going_offline, node removed_last, memory offline"
    )
    assert machine.step("alloc_folio", 0, 1, "anonymous")
    assert _in_order(machine, 1, "offline", 1) == (
        "node removing_last, memory going_offline, memory cancel_offline, node cancel_removing"
    )
    old = as_of(SYSTEM, (6, 12))
    assert _in_order(Machine(old, shape.build(old)), 1, "offline", 1) == (
        "memory going_offline, memory offline"
    )
