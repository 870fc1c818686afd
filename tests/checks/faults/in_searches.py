"""Faults in the searches, in what their traces show, and in the verdicts."""

from __future__ import annotations

from functools import partial

from memhp.checks import run
from memhp.checks.ground import cuts, tables
from memhp.checks.search import lasso, layers, localise, search, trivial, usual
from memhp.checks.support import remembered, verdicts
from memhp.reference import compile as compiled

from .. import test_language_by_hand as by_hand
from ..proof import test_answers_are_judged as judged
from ..search import test_layers as compiled_layers
from ..search import test_search as first_searches
from ..search import test_searches_of_toys as searches
from ..search import test_traces as traces
from ..search import test_trivial as alone
from .fault import Fault
from .watches import no_trace, trace

SEARCHES = (
    Fault(
        "two states are one if they begin alike",
        search._expand,
        "if new not in parents:",
        "if new[:3] not in {key[:3] for key in parents}:",
        partial(
            searches.test_the_search_sees_the_states_that_the_walk_sees, "toy_moves", searches.MOVES
        ),
    ),
    Fault(
        "a search goes one step less deep than asked",
        search._next,
        "going_on = [f for f in open_ended if f.depth != depth]",
        "going_on = [f for f in open_ended if depth is None or f.depth + 1 < depth]",
        trace("somebody_is_calm_and_done"),
    ),
    Fault(
        "a search that gave up calls itself complete",
        search.search,
        "result.complete, result.spent = False, True",
        "result.spent = True",
        searches.test_a_search_that_gave_up_says_so,
    ),
    Fault(
        "only the first machine is searched",
        search.search,
        "waiting = list(topologies)",
        "waiting = list(topologies)[:1]",
        searches.test_every_machine_is_looked_at,
    ),
    Fault(
        "the boot state is not looked at",
        search._look_at_boot,
        "frontier.look(targets, result)",
        "pass",
        trace("lamps_are_lit"),
    ),
    Fault(
        "a step property is judged with its states exchanged",
        search._judge_step,
        "cases(claim.name)(before, after)",
        "cases(claim.name)(after, before)",
        trace("who_wears_out_is_torn"),
    ),
    Fault(
        "a property that no step violates counts as violated at boot",
        search._judge,
        "for point in cases:",
        "for point in cases or [(0,) * len(claim.params)]:",
        no_trace("two_folios_move"),
    ),
    Fault(
        "machines with other tables are taken for one",
        cuts.kinds_of,
        "tuple(topology.tables[symbol.name] for symbol in tables),",
        "",
        searches.test_every_machine_is_looked_at,
    ),
    Fault(
        "a cut machine lacks an action",
        cuts.cut,
        "changing = [action for action in actions if action.updates]",
        "changing = [action for action in actions if action.updates][1:]",
        trace("nothing_is_torn"),
    ),
    Fault(
        "a trace of the cut machine is believed of the whole",
        localise.looked_for,
        "missing = refusal(system, witness) - kept",
        "missing = frozenset[str]()",
        trace("somebody_is_inside"),
    ),
    Fault(
        "what can be broken is called decided",
        trivial.decided,
        "return model.begins_inside and counted and not model.watches",
        "return counted",
        alone.test_true_decides_a_claim_and_false_a_sometimes,
    ),
    Fault(
        "a counter that leaves its numbers decides",
        trivial.decided,
        "counted = all(instance.overflow is FALSE for instance in model.instances)",
        "counted = True",
        partial(searches.test_a_counter_without_end_decides_nothing),
    ),
    Fault(
        "any cycle is one on which what helps does not help",
        lasso._Graph._turns,
        "edge for edge in helps or mine if",
        "edge for edge in self.edges[node] if",
        partial(
            searches.test_work_that_ends_has_no_run_without_end,
            "toy_moves",
            searches.MOVES,
            "leaving_ends",
        ),
    ),
    Fault(
        "where nothing comes back nothing helps",
        lasso._Graph._turns,
        "if not helps and not round_trips:",
        "if not round_trips:",
        partial(
            searches.test_work_that_ends_has_no_run_without_end,
            "toy_pages",
            searches.PAGES,
            "cleaning_ends",
        ),
    ),
    Fault(
        "the work may be brought back by what the claim excepts",
        lasso._Graph._explore,
        "if name not in unless:",
        "if True:",
        partial(
            searches.test_work_that_ends_has_no_run_without_end,
            "toy_moves",
            searches.MOVES,
            "leaving_ends",
        ),
    ),
    Fault(
        "where there is work, no run is looked for",
        lasso._with_work,
        "if result.complete and not result.witnesses:",
        "if result.complete:",
        partial(searches.test_work_that_never_ends_is_a_cycle_or_stuck, *searches.ENDLESS[1]),
    ),
    Fault(
        "who is stuck is not seen",
        lasso._Graph._turns,
        "if not helps and not round_trips:",
        "if False:",
        partial(searches.test_work_that_never_ends_is_a_cycle_or_stuck, *searches.ENDLESS[1]),
    ),
    Fault(
        "a run need not come back",
        search.Witness._never_ends,
        "machines[self.loop].key() != machines[-1].key()",
        "not machines",
        partial(
            searches.test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help,
            *searches.RUNS[1],
        ),
    ),
    Fault(
        "where something helps a run may go round all the same",
        search.Witness._never_ends,
        "return helped or any(",
        "return helped or all(machines) or any(",
        partial(
            searches.test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help,
            *searches.RUNS[2],
        ),
    ),
    Fault(
        "on a run the work may be done",
        search.Witness._never_ends,
        "if not all(work):",
        "if not work:",
        partial(
            searches.test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help,
            *searches.RUNS[-1],
        ),
    ),
    Fault(
        "a trace that was the shortest before an edit is so after it",
        localise.still_shortest,
        "return None if shorter else replace(",
        "return replace(",
        traces.test_with_a_store_of_before_an_edit_the_same_traces_are_found,
    ),
    Fault(
        "a stored trace is believed",
        usual._shown,
        "if witness.is_shown_by(witness.replay(system)):",
        "if witness.replay(system):",
        searches.test_a_stored_trace_that_shows_nothing_is_not_believed,
    ),
)

_ALIKE = compiled_layers.test_the_compiled_search_finds_what_the_reference_finds
_WATCHED = compiled_layers.test_each_step_is_watched_for_what_it_writes

LAYERS = (
    Fault(
        "the compiled search takes steps whose guards fail",
        tables.Tables._made,
        "for guard in guards if guard is not TRUE",
        "for guard in guards if guard is FALSE",
        partial(_ALIKE, "toy_moves", searches.MOVES),
    ),
    Fault(
        "the compiled search writes where nothing is to be written",
        tables.Tables._row,
        "self.place(write.when)",
        "1",
        partial(_ALIKE, "toy_moves", searches.MOVES),
    ),
    Fault(
        "the compiled search begins elsewhere",
        tables.Tables.__init__,
        "bit(s, v) for",
        "0 for",
        partial(_ALIKE, "toy_pages", searches.PAGES),
    ),
    Fault(
        "the compiled search judges a step by the state before it",
        tables.Tables.watched,
        "if later.isdisjoint(",
        "if later is not None or later.isdisjoint(",
        partial(_ALIKE, "toy_false", searches.TOGETHER),
    ),
    Fault(
        "steps are watched as if they wrote alike",
        tables.Tables.watched,
        "*map(id, writes))",
        "len(writes))",
        partial(
            compiled_layers.test_each_step_is_watched_for_what_it_writes,
            "toy_false",
            searches.APART,
        ),
    ),
    Fault(
        "a machine is given up though its watches may hold",
        layers.Layers.__init__,
        "if claim.of_step:",
        "if False:",
        partial(_ALIKE, "toy_false", searches.TOGETHER),
    ),
    Fault(
        "a machine on which the trace was found is not looked at again",
        layers.Layers.is_over,
        "not self.layer and not self._is_shown",
        "not self.layer",
        trace("somebody_is_inside"),
    ),
    Fault(
        "no step that changes nothing shows a sometimes of steps",
        cuts.idle_of,
        "if claim.of_step",
        'if claim.kind == "step"',
        searches.test_a_step_that_changes_nothing_that_is_asked_shows_a_sometimes_of_steps,
    ),
    Fault(
        "one machine goes on alone where another may have a shorter trace",
        search.search,
        "all(f.depth >= (least or 0) for f in frontiers if f.layer)",
        "not (least and any(f.layer for f in frontiers))",
        partial(
            first_searches.test_where_no_trace_can_be_shorter_the_first_machine_goes_alone,
            first_searches.SMALL,
            1,
            [first_searches.SMALL, first_searches.TWO],
        ),
    ),
    Fault(
        "of machines that were alike, only the one that was searched is left out",
        localise.looked_for,
        "for alike in done for each in alike",
        "for alike in done for each in alike[:1]",
        compiled_layers.test_a_machine_that_can_show_nothing_is_not_looked_at_again,
    ),
    Fault(
        "a machine that was looked at in few states is not looked at again",
        localise._in_turn,
        "over += done",
        "over += [topology]",
        traces.test_a_design_of_ones_own_reaches_what_any_search_reaches,
    ),
    Fault(
        "of an action the same is left of every cut",
        cuts._Parts.part,
        "key = action.name, stays, action.written & kept",
        "key = action.name",
        trace("somebody_is_inside"),
    ),
    Fault(
        "where a number is too large, the search ends",
        layers.Layers._went,
        "raise Leaves",
        "return 0",
        compiled_layers.test_a_counter_that_leaves_its_numbers_is_followed_by_the_reference,
    ),
    Fault(
        "the compiled search has no budget",
        layers.Layers.expand,
        "most = max_states - result.states",
        "most = 1 << 40",
        partial(_ALIKE, "toy_moves", searches.MOVES),
    ),
    Fault(
        "what was made for one system is taken for another's",
        remembered.Remembered.__call__,
        "if entry is None or entry[0] is not system:",
        "if entry is None:",
        compiled_layers.test_what_is_remembered_is_of_one_system,
    ),
)

VERDICTS = (
    Fault(
        "the best verdict counts",
        verdicts.combine,
        "return max(",
        "return min(",
        judged.test_the_worst_verdict_counts,
    ),
    Fault(
        "what is given up may be proved",
        run.Decision.counts_as,
        "if self.verdict is Verdict.refuted else Verdict.error",
        "if self.verdict is not Verdict.undetermined else Verdict.error",
        partial(judged.test_a_property_that_is_given_up_must_be_refuted, verdicts.Verdict.proved),
    ),
    Fault(
        "a sometimes without a trace counts as reached",
        run._by_trace,
        "verdict, scope = without",
        "verdict, scope = Verdict.holds, without[1]",
        searches.test_a_sometimes_without_a_trace_is_undetermined,
    ),
    Fault(
        "a machine that violates an axiom is a machine",
        compiled.violated_axioms,
        "if not program.term(closed(axiom))(())",
        "if not system",
        by_hand.test_an_axiom_is_about_all_elements,
    ),
)
