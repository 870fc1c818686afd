"""A notebook shows what a machine is, what has changed since boot, and what a run did."""

from __future__ import annotations

from memhp.examples import last_block
from memhp.reference import Machine, Step, Topology, Trace
from memhp.reference.outcome import Change
from memhp.reference.page import page
from memhp.spec.language import load

SYSTEM = load("last_block", (last_block,))


def test_what_has_changed_is_in_the_table() -> None:
    machine = Machine(SYSTEM, Topology({"Block": 2}, {}))
    assert machine._repr_html_() == "<b>last_block</b>: 2 Block; as at boot"
    assert machine.step("take_offline", 1)
    assert "<td>online[block1]</td><td>true</td><td>false</td>" in machine._repr_html_()
    assert "block0" not in machine._repr_html_()


def test_a_name_is_no_markup() -> None:
    assert "<script>" not in page("<script>", {"A<b": 1}, [Change("<script>", (), "&", "<")])


def test_a_long_table_is_cut() -> None:
    changes = [Change("x", (str(number),), "0", "1") for number in range(300)]
    text = page("x", {}, changes)
    assert (text.count("<tr>"), text.endswith("and 100 more")) == (201, True)


def test_a_run_shows_its_steps_and_that_it_never_ends() -> None:
    steps = (Step("take_offline", {"b": 1}), Step("<b>", {"x": "&"}))
    trace = Trace("last_block", Topology({"Block": 2}, {}), steps, loop=1)
    text = trace._repr_html_()
    assert text.startswith("<b>last_block</b>: 2 Block<table>")
    assert "<td>1</td><td>take_offline</td><td>b=1</td>" in text
    assert "<td>2</td><td>&lt;b&gt;</td><td>x=&amp;</td>" in text
    assert text.endswith("and again from after step 1, without end")
