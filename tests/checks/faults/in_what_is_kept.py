"""Faults in what is taken from before: verdicts of the same system, traces that were searched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from memhp.checks import earlier
from memhp.checks.search import traces

from .. import test_earlier
from ..search import test_traces
from .fault import Fault

_SAME = test_traces.test_with_a_store_of_before_an_edit_the_same_traces_are_found


def _taken(name: str) -> Callable[[], None]:
    test = test_traces.test_a_trace_is_kept_for_what_its_search_takes_on_the_whole_machine
    return partial(test, name)


_OTHERS = test_earlier.test_nothing_is_known_of_another_system_or_profile_or_without_a_folder


def _damaged(name: str, tmp_path: Path) -> None:
    damage = test_earlier.DAMAGES[name]
    test_earlier.test_a_record_that_is_not_whole_is_as_good_as_none(tmp_path, damage, again=True)


KEPT = (
    Fault(
        "what was decided is taken for any system",
        earlier.Earlier._path.func,
        "sorted(self._given_up), system))",
        "sorted(self._given_up)))",
        _OTHERS,
    ),
    Fault(
        "what was decided is taken for any profile",
        earlier.Earlier._path.func,
        "sorted(self._given_up), system))",
        "system))",
        _OTHERS,
    ),
    Fault(
        "a verdict is taken though a premise is missing",
        earlier.Earlier._with_premises,
        "(names | premises) - decisions.keys()",
        "names - decisions.keys()",
        partial(_damaged, "a premise is refuted"),
    ),
    Fault(
        "a premise need not be proved",
        earlier.Earlier._with_premises,
        "if not decisions[name].proof]",
        "if not decisions[name]]",
        partial(_damaged, "a premise is refuted"),
    ),
    Fault(
        "a verdict needs nothing that shows it",
        earlier.Earlier._read,
        "or not shown or",
        "or",
        partial(_damaged, "reached without a trace"),
    ),
    Fault(
        "a trace proves",
        earlier.Earlier._read,
        "or (needs_proof and not proof)",
        "",
        partial(_damaged, "proved by a trace"),
    ),
    Fault(
        "what is refuted passes",
        earlier.Earlier._read,
        "decision.verdict is not expected or ",
        "",
        partial(_damaged, "refuted, and nobody gives it up"),
    ),
    Fault(
        "a trace is kept for any guards of the machine that was cut",
        traces._Texts._made,
        "for guard in action.guards:",
        "for guard in ():",
        _SAME,
    ),
    Fault(
        "a trace is kept for any guard that reads no state",
        traces._Texts._made,
        "self._values(guard.condition, action, topology)",
        "None",
        test_traces.test_a_guard_that_reads_no_state_counts_by_what_it_says_on_the_machine,
    ),
    Fault(
        "a trace that is the shortest of all machines is kept for one of them",
        traces._digest,
        'topology if claim.kind == "sometimes" else None',
        "topology",
        test_traces.test_a_guard_that_reads_no_state_counts_by_what_it_says_on_the_machine,
    ),
    Fault(
        "a trace is kept for any updates",
        traces._Texts._made,
        "updates = [(each.symbol, each.variables, *each.terms) for each in action.updates]",
        "updates = list[tuple[object, ...]]()",
        _taken("born"),
    ),
    Fault(
        "a trace is kept whatever the actions that it takes ask for besides",
        traces._digest,
        "actions = (*smaller.actions, *taken)",
        "actions = smaller.actions",
        _taken("finish_offline"),
    ),
    Fault(
        "a trace is kept for any definitions",
        traces._digest,
        "*map(texts.of_definition, names),",
        "",
        _taken("refill"),
    ),
    Fault(
        "a trace is kept for any boot state",
        traces._Texts.__init__,
        "variables = [(variable.symbol, variable.initial) for variable in system.variables]",
        "variables = [(each.symbol, system.variables[0].initial) for each in system.variables]",
        _taken("born"),
    ),
)
