"""A session takes steps, and takes them back."""

from __future__ import annotations

from memhp.reference import Machine, Trace
from memhp.reference.session import Session
from memhp.spec.language import System


def test_steps_are_taken_back_one_by_one(machine: Machine) -> None:
    session = Session(machine)
    assert session.take("online", b=0)
    online = session.machine.copy()
    assert session.take("alloc", 1, "user")
    assert session.before == online
    assert session.back() == 1
    assert session.machine == online
    assert session.back(5) == 1
    assert session.machine == machine == session.before
    assert session.back() == 0


def test_a_refused_step_is_none(machine: Machine) -> None:
    session = Session(machine)
    assert not session.take("begin_offline", 0)
    assert session.steps == ()
    assert session.machine == machine


def test_where_it_begins_stays_as_it_is(machine: Machine) -> None:
    before = machine.copy()
    Session(machine).take("online", 0)
    assert machine == before


def test_the_run_is_a_trace(machine: Machine, system: System) -> None:
    session = Session(machine)
    session.take("online", "block0")
    assert session.trace().start is None
    later = Session(session.machine)
    later.take("alloc", f="frame1", o="user")
    assert later.trace().start == session.machine.values
    for each in (session, later):
        assert list(each.trace().replay(system))[-1] == each.machine
        assert Trace.from_itf(each.trace().to_itf(system), system) == each.trace()
