"""What a profile of Linux changes of the list's design, and what it leaves."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EINTR, EPERM

import pytest

from memhp.checks.proof.cache import default_folder
from memhp.checks.run import check
from memhp.checks.search.usual import reach
from memhp.checks.support.verdicts import Verdict
from memhp.reference import Machine, Operations
from memhp.reference.shapes import Shape
from memhp.spec.language import DropAction, DropGuard, DropUpdate, Profile, System, apply
from memhp.spec.language.edits import Edit
from memhp.spec.language.terms import Term
from memhp.spec.linux import CHOICES
from memhp.spec.linux.nodes import NODES_FROM_BOOT
from memhp.spec.profiles import (
    CHANGES,
    DEFAULT,
    LINUX,
    PROFILES,
    VERSIONS,
    as_of,
    otherwise,
    profile_of,
    system_of,
)
from memhp.spec.system import SYSTEM

from .test_platforms import S390

GONE = "a_whole_node_is_gone"
NEVER_FREED = "a_pgdat_goes_under_a_walk_of_another_node"
MADE = "nodes_with_memory_have_their_structures"
FREED = "node_structures_are_for_nodes_with_memory"


def rules(system: System) -> list[Term]:
    """All that decides what a machine does: no properties."""
    actions = [guard.condition for action in system.actions for guard in action.guards]
    updates = [term for a in system.actions for update in a.updates for term in update.terms]
    axioms = [axiom.formula for axiom in system.axioms]
    return [*actions, *updates, *axioms, *(variable.initial for variable in system.variables)]


def reading(symbol: str, system: System) -> int:
    return sum(symbol in system.symbols_in(term) for term in rules(system))


@pytest.mark.parametrize("profile", PROFILES[1:], ids=lambda profile: profile.name)
def test_where_the_list_has_a_pgdat_decides_nothing_under_linux(profile: Profile) -> None:
    assert reading("pgdat_section", SYSTEM) > 0
    assert reading("pgdat_section", system_of(profile.name)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES[1:], ids=lambda profile: profile.name)
def test_all_is_proved_or_reached_but_what_the_profile_gives_up(profile: Profile) -> None:
    decisions = check(system_of(profile.name), profile, folder=default_folder())
    assert [d.claim.name for d in decisions if not d.counts_as.passes] == []


@pytest.mark.parametrize(
    ("version", "given_up"),
    [
        ((5, 10), {MADE}),
        ((5, 11), {MADE}),
        ((5, 12), {MADE, FREED}),
        ((6, 12), {MADE, FREED}),
        ((6, 16), {MADE, FREED}),
        ((6, 17), {FREED}),
        ((7, 2), {FREED}),
    ],
)
def test_a_choice_is_of_its_versions_alone(version: tuple[int, int], given_up: set[str]) -> None:
    """When the slab allocator's structures of a node come, and whether they go."""
    assert {MADE, FREED} & as_of(SYSTEM, version).given_up == given_up


def test_a_version_without_a_profile_is_told_by_the_older_one_and_what_changed_since() -> None:
    assert [profile_of(each) for each in ((4, 9), (6, 0), (6, 1), (7, 1), (8, 0))] == [
        "linux-5.10",
        "linux-5.10",
        "linux-6.1",
        "linux-6.12",
        "linux-7.2",
    ]
    assert [otherwise(each) for each in VERSIONS] == [()] * len(VERSIONS)
    assert otherwise((6, 0)) == (
        "node-structures-with-normal-memory",
        "node-structures-from-normal-memory-on",
        "buffer-in-the-removable-area",
    )


def test_choices_have_names_of_their_own_and_none_is_of_no_version() -> None:
    names = [choice.name for choice in CHOICES]
    assert len(set(names)) == len(names)
    for choice in CHOICES:
        assert any(choice.is_of(version) for version in CHANGES)


def test_a_step_that_is_given_up_as_a_sometimes_is_proved_never_to_be() -> None:
    """What says something of two states is shown by a proof of all steps."""
    [linux] = [profile for profile in PROFILES if profile.name == LINUX]
    [decision] = check(system_of(LINUX), linux, only={NEVER_FREED}, jobs=1)
    assert (decision.verdict, decision.claim.kind) == (Verdict.refuted, "sometimes")
    assert decision.claim.of_step
    assert decision.counts_as is Verdict.holds


def test_where_a_mem_map_lies_decides_as_much_under_linux() -> None:
    for_an_ej0_that_failed = 1  # of which Linux tells the firmware without a look at the blocks
    under_linux = reading("memmap_host", system_of(LINUX)) + for_an_ej0_that_failed
    assert under_linux == reading("memmap_host", SYSTEM) > 0
    for action in ("allocate_memmap", "add_section", "remove_section", "free_memmap"):
        guards = [guard.name for guard in SYSTEM.action_by_name[action].guards]
        assert [g.name for g in system_of(LINUX).action_by_name[action].guards] == guards


def test_the_default_profile_is_the_specification() -> None:
    assert system_of() is system_of(DEFAULT) is SYSTEM
    assert system_of(LINUX) is system_of(LINUX)
    with pytest.raises(ValueError, match="no profile 'linux'; there are list-2004, linux-"):
        system_of("linux")


def test_a_sometimes_that_is_given_up_is_proved_never_to_be() -> None:
    [linux] = [profile for profile in PROFILES if profile.name == LINUX]
    [decision] = check(system_of(LINUX), linux, only={GONE}, jobs=1)
    assert (decision.verdict, decision.method) == (Verdict.refuted, "induction")
    assert decision.claim.kind == "sometimes"
    assert decision.counts_as is Verdict.holds


@pytest.mark.parametrize("edits", [(), (DropAction("drain"),)], ids=["none", "another"])
def test_a_sometimes_that_is_given_up_and_still_comes_is_an_error(
    edits: tuple[DropAction, ...],
) -> None:
    profile = Profile("vain", "Gives up what it has.", edits, ((GONE, "no reason"),))
    [decision] = check(apply(SYSTEM, profile), profile, only={GONE}, jobs=1)
    assert decision.verdict is Verdict.holds
    assert decision.counts_as is Verdict.error


def test_without_what_keeps_a_pgdat_nothing_is_proved() -> None:
    """The property that Linux's pgdats stay is proved, not assumed."""
    kept = tuple(edit for edit in NODES_FROM_BOOT if edit != DropAction("free_pgdat"))
    profile = Profile("freed", "Frees pgdats.", kept, ())
    system = apply(SYSTEM, profile)
    claim = system.property_by_name["pgdats_are_there_for_ever"]
    only = replace(system, properties=(claim,))
    [decision] = check(only, profile, only={claim.name}, jobs=1)
    assert not decision.verdict.passes


@pytest.mark.parametrize(("version", "with_memory"), [((6, 18), False), ((6, 19), True)])
def test_s390_assigns_storage_as_its_version_does(
    version: tuple[int, int], with_memory: bool
) -> None:
    """Before 6.19 as long as the block is online, and then as long as it is there."""
    linux = as_of(SYSTEM, version)
    machine = Machine(linux, S390.build(linux))
    user = Operations(machine)

    def assigned() -> list[bool]:
        return [bool(machine.get("assigned_increment", increment)) for increment in (1, 2)]

    assert user.probe(2)
    assert assigned() == [with_memory] * 2
    assert user.write_state(2, "online")
    assert assigned() == [True, True]
    assert user.write_state(2, "offline")
    assert assigned() == [with_memory] * 2
    assert user.remove_memory(2)
    assert assigned() == [False, False]


def test_storage_of_a_block_in_use_is_not_given_back() -> None:
    linux = as_of(SYSTEM, (7, 2))
    machine = Machine(linux, S390.build(linux))
    user = Operations(machine)
    assert user.probe(2)
    assert user.write_state(2, "online")
    assert machine.why_not("return_increment", 1).guard == "block_offline"
    assert user.remove_memory(2).errno == EBUSY
    assert machine.get("assigned_increment", 1)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_what_lies_in_a_kernel_zone_does_not_go_where_all_memory_is_movable(
    profile: Profile,
) -> None:
    """Linux tries until a signal comes; the list's design moves it there."""
    system = system_of(profile.name)
    shape = Shape(nodes=2, blocks=1, movable=frozenset([1]))
    user = Operations(Machine(system, shape.build(system)))
    assert user.machine.step("alloc_folio", 0, 0, "anonymous")
    answer = user.write_state(0, "offline").errno
    assert answer == (None if profile.name == DEFAULT else EINTR)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_gigantic_folio_is_made_of_movable_memory_from_7_0_on_if_that_is_allowed(
    profile: Profile,
) -> None:
    system = system_of(profile.name)
    shape = Shape(
        blocks=2,
        movable=frozenset([0, 1]),
        more=(("HugeFolio", 1), ("Range", 1)),
        tables=(("gigantic", (1,)), ("range_of", (0, 0)), ("head_frame", (0,))),
    )
    refusal = Machine(system, shape.build(system)).why_not("grow_pool", 0, 0)
    if profile.name == "linux-7.2":
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.guard == "gigantic_outside_removable_area"


WITH_NODES = as_of(SYSTEM, (6, 17))
NODES_THAT_REFUSE = (
    Shape(nodes=2, blocks=2, added=frozenset([3])),
    Shape(nodes=2, blocks=1, added=frozenset([1]), vetoing_nodes=frozenset([0, 1])),
)
TWO_NODES = Shape(nodes=2, blocks=2, added=frozenset([2, 3]))


def test_node_notifiers_hear_of_the_first_block_and_of_the_last_alone() -> None:
    """And of a removal that was given up: a kernel page came, or a signal."""
    machine = Machine(WITH_NODES, TWO_NODES.build(WITH_NODES))
    user = Operations(machine)
    heard = []
    for block, word in ((2, "online"), (3, "online"), (3, "offline"), (2, "offline")):
        if not machine.get("block_device", block):
            assert user.add_memory(block)
        assert user.write_state(block, word)
        heard.append(machine.get("node_event", 1))
    assert heard == ["added_first", "added_first", "added_first", "removed_last"]


def test_until_node_notifiers_have_heard_that_a_removal_failed_no_block_changes() -> None:
    machine = Machine(WITH_NODES, Shape(nodes=2, blocks=1).build(WITH_NODES))
    assert machine.step("begin_offline", 1)
    assert machine.step("announce_last_memory", 1)
    assert machine.why_not("cancel_node_event", 1).guard == "settled"
    assert machine.step("cancel_offline", 1)
    assert machine.get("event", 1) == "cancel_offline"
    assert machine.get("node_event", 1) == "removing_last"
    for block in (0, 1):
        assert machine.why_not("begin_offline", block).guard == "hotplug_lock"
    assert machine.step("cancel_node_event", 1)
    assert machine.get("node_event", 1) == "cancel_removing"
    assert machine.step("begin_offline", 0)


@pytest.mark.parametrize(
    ("block", "word", "event"),
    [(1, "online", "cancel_online"), (0, "offline", "cancel_offline")],
)
def test_memory_notifiers_hear_the_cancel_of_what_a_node_notifier_refused(
    block: int, word: str, event: str
) -> None:
    shape = Shape(nodes=2, blocks=1, added=frozenset([1]), vetoing_nodes=frozenset([0, 1]))
    machine = Machine(WITH_NODES, shape.build(WITH_NODES))
    user = Operations(machine)
    assert user.add_memory(1)
    answer = user.write_state(block, word)
    assert answer.errno == EPERM
    assert answer.guard == "node_notifiers_agree"
    assert (machine.get("event", block), machine.get("heard", 0, block)) == (event, event)
    assert ("announce_offline", (0,)) not in user.steps
    assert machine.get("node_event", block) == {0: "cancel_removing", 1: "cancel_adding"}[block]


WRONG_NODE_NOTIFIERS = {
    "node_notifiers_hear_of_the_first_memory_before_memory_notifiers": DropGuard(
        "announce_online", "node_notifiers_know"
    ),
    "node_notifiers_hear_of_the_last_memory_before_memory_notifiers": DropGuard(
        "announce_offline", "node_notifiers_know"
    ),
    "node_notifiers_know_whether_a_node_has_memory": DropUpdate("finish_offline", "node_event"),
    "node_notifiers_hear_of_a_removal_when_one_block_is_left": DropGuard(
        "announce_last_memory", "is_last"
    ),
    "node_vetoes_are_respected": DropGuard("announce_online", "node_notifiers_agree"),
    "node_notifiers_wait_for_one_block": DropGuard("announce_last_memory", "going_offline"),
    "every_word_to_node_notifiers_is_concluded": DropGuard("cancel_node_event", "told"),
    "a_nodes_cancel_comes_after_that_of_memory": DropGuard("cancel_node_event", "settled"),
}
"""By what it breaks: a wrong design of node notifiers."""


@pytest.mark.parametrize(("broken", "edit"), WRONG_NODE_NOTIFIERS.items())
def test_wrong_node_notifiers_are_refuted(broken: str, edit: Edit) -> None:
    wrong = apply(WITH_NODES, Profile("wrong", "Node notifiers that are wrong.", (edit,), ()))
    traces, _ = reach(wrong, [wrong.property_by_name[broken]], shapes=NODES_THAT_REFUSE)
    trace = traces[broken]
    assert trace.is_shown_by(trace.replay(wrong))


def test_every_property_of_node_notifiers_is_broken_by_a_wrong_design() -> None:
    claims = [p for p in WITH_NODES.properties if p.kind != "sometimes"]
    own = {claim.name for claim in claims if "node_notifiers:" in str(claim.where)}
    assert own == set(WRONG_NODE_NOTIFIERS)


def test_before_6_17_there_are_no_node_notifiers() -> None:
    assert "node_event" not in as_of(SYSTEM, (6, 16)).state
