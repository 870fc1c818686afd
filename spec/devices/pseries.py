"""ppc64 under a hypervisor: logical memory blocks come, go, and are given back (R3).

A logical memory block (LMB) is a block whose memory the hypervisor gives through
a connector (DRC).  Linux adds an LMB and onlines it, always, by the same steps
as ever; then the LMB counts as assigned.  A request to remove removes LMB after
LMB; either it gets as many as it wants, and the hypervisor gets them all, or it
gives up, and all of them come back.

How many a request wants is not modelled: reaching the count and giving up may
both happen at any time.  Source: arch/powerpc/platforms/pseries/hotplug-memory.c
(dlpar_add_lmb, dlpar_remove_lmb, dlpar_memory_remove_by_count).
"""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL

from ..blocks.block_states import BlockState, block_state
from ..blocks.sections import (
    Metadata,
    block_device,
    memmap,
    pgdat,
    present,
)
from ..language import (
    Bool,
    action,
    after,
    always,
    definition,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from ..machine.platform_state import (
    LmbRequest,
    assigned,
    drc_acquired,
    is_lmb,
    removed_for_request,
    reserved_lmb,
)
from ..machine.topology import (
    Block,
    Node,
    Section,
    block_of_section,
    early,
    node_of,
    pgdat_block,
)


@definition
def decided() -> Bool:
    """The running request has removed its last LMB: they leave, or they come back."""
    return exists(
        Block,
        lambda b: (
            (removed_for_request[b] == LmbRequest.leaving)
            | (removed_for_request[b] == LmbRequest.coming_back)
        ),
    )


# --- the way in ---------------------------------------------------------------------------------


@action
def acquire_lmb(b: Block) -> None:
    """Get the LMB from the hypervisor; its memory is there (dlpar_acquire_drc)."""
    guard("is_lmb", is_lmb[b], errno=EINVAL, why="the block is no logical memory block")
    guard("not_acquired", ~drc_acquired[b], errno=EEXIST, why="Linux has the LMB already")
    drc_acquired[b] = true


@action
def assign_lmb(b: Block) -> None:
    """The LMB is added and online: Linux uses it (dlpar_add_lmb), by a request or again."""
    guard("acquired", drc_acquired[b], errno=EINVAL, why="the hypervisor has the LMB")
    guard("not_assigned", ~assigned[b], errno=EINVAL, why="the LMB is assigned already")
    guard(
        "online",
        block_state[b] == BlockState.online,
        errno=EINVAL,
        why="the LMB's memory is not online",
    )
    assigned[b] = true
    removed_for_request[b] = LmbRequest.none


# --- the way out --------------------------------------------------------------------------------


@action
def unassign_lmb(b: Block) -> None:
    """The LMB's memory is removed: one more for the request (dlpar_remove_lmb)."""
    guard("assigned", assigned[b], errno=EINVAL, why="Linux does not use the LMB")
    guard(
        "request_goes_on",
        ~decided(),
        errno=EBUSY,
        why="the LMBs of an earlier request are still leaving or coming back (it would wait)",
    )
    guard(
        "memory_removed",
        ~exists(Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.absent)),
        errno=EBUSY,
        why="the LMB's memory is not removed",
    )
    assigned[b] = false
    removed_for_request[b] = LmbRequest.removed


def _becomes_of_the_removed(b: Block, what: LmbRequest) -> None:
    guard(
        "has_removed",
        removed_for_request[b] == LmbRequest.removed,
        errno=EINVAL,
        why="the request has not removed this LMB",
    )
    removed_for_request.update(
        where=lambda other: removed_for_request[other] == LmbRequest.removed, value=what
    )


@action
def reach_count(b: Block) -> None:
    """With this LMB the request has removed as many as it was to."""
    _becomes_of_the_removed(b, LmbRequest.leaving)


@action
def give_up_removal(b: Block) -> None:
    """Too few LMBs can go: this one, and all that the request removed, come back."""
    _becomes_of_the_removed(b, LmbRequest.coming_back)


@action
def release_lmb(b: Block) -> None:
    """Give the LMB to the hypervisor: removed by a request, or not added (dlpar_release_drc)."""
    guard("acquired", drc_acquired[b], errno=EINVAL, why="the hypervisor has the LMB")
    guard("not_assigned", ~assigned[b], errno=EBUSY, why="Linux uses the LMB")
    guard(
        "not_coming_back",
        (removed_for_request[b] == LmbRequest.none)
        | (removed_for_request[b] == LmbRequest.leaving),
        errno=EBUSY,
        why="the request that removed the LMB may still have to bring it back",
    )
    guard(
        "no_memmap_left",
        ~exists(Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.absent)),
        errno=EBUSY,
        why="a section of the LMB is not removed",
    )
    guard(
        "holds_no_pgdat",
        ~exists(Node, lambda n: (pgdat_block(n) == b) & (pgdat[n] != Metadata.absent)),
        errno=EBUSY,
        why="the LMB holds the pgdat of a node",
    )
    drc_acquired[b] = false
    removed_for_request[b] = LmbRequest.none


# --- what is true -------------------------------------------------------------------------------


@always(covers="R3")
def only_lmbs_come_from_the_hypervisor(b: Block) -> Bool:
    """A block that is no LMB has no connector."""
    return implies(drc_acquired[b], is_lmb[b])


@always(covers="R3")
def assigned_lmbs_are_acquired(b: Block) -> Bool:
    """Linux uses no LMB that the hypervisor has."""
    return implies(assigned[b], drc_acquired[b])


@always(covers="R3 A1")
def present_lmbs_are_acquired(s: Section) -> Bool:
    """While a section of an LMB is present, the hypervisor has given the LMB."""
    b = block_of_section[s]
    return implies(is_lmb[b] & present[s], drc_acquired[b])


@always(covers="R3")
def reserved_lmbs_never_go(b: Block) -> Bool:
    """A reserved LMB is never removed, so that the hypervisor finds it where it was."""
    return implies(early[b] & reserved_lmb[b], block_device[b])


@always(covers="R3")
def requests_keep_what_they_removed(b: Block) -> Bool:
    """Until its fate is sealed, an LMB that a request removed is Linux's: it can come back."""
    return implies(removed_for_request[b] != LmbRequest.none, drc_acquired[b])


@always(covers="R3")
def removed_lmbs_are_not_assigned(b: Block) -> Bool:
    """Linux uses no LMB that a request has removed, until it is back."""
    return implies(removed_for_request[b] != LmbRequest.none, ~assigned[b])


@always(covers="R3")
def removed_lmbs_are_not_there(s: Section) -> Bool:
    """What a request has removed is not added again, unless the request brings it back."""
    what = removed_for_request[block_of_section[s]]
    gone = (what == LmbRequest.removed) | (what == LmbRequest.leaving)
    return implies(gone, memmap[s] == Metadata.absent)


@always(covers="R3")
def a_request_succeeds_or_fails_as_a_whole(a: Block, b: Block) -> Bool:
    """What one request has removed leaves together or comes back together."""
    both = (removed_for_request[a] != LmbRequest.none) & (removed_for_request[b] != LmbRequest.none)
    return implies(both, removed_for_request[a] == removed_for_request[b])


@step(covers="R3 A1")
def lmbs_are_released_when_nothing_of_them_is_left(b: Block, s: Section) -> Bool:
    """The hypervisor gets an LMB only when nothing of it is present, mem_map included."""
    released = drc_acquired[b] & ~after(drc_acquired[b])
    gone = (memmap[s] == Metadata.absent) & ~present[s]
    return implies(released & (block_of_section[s] == b), gone)


@step(covers="R3")
def no_lmb_leaves_before_the_count_is_reached(b: Block) -> Bool:
    """The hypervisor gets no LMB of a request that has not yet removed enough."""
    return implies(removed_for_request[b] == LmbRequest.removed, after(drc_acquired[b]))


@step(covers="R3")
def lmbs_are_assigned_online(b: Block) -> Bool:
    """Linux reports an LMB as used when its memory is online."""
    return implies(~assigned[b] & after(assigned[b]), block_state[b] == BlockState.online)


@step(covers="R3")
def lmbs_in_use_are_not_added_again(s: Section) -> Bool:
    """An LMB that Linux uses is not added (dlpar_add_lmb)."""
    added = (memmap[s] == Metadata.absent) & after(memmap[s] != Metadata.absent)
    return implies(added, ~assigned[block_of_section[s]])


@step(covers="R3")
def lmbs_are_unassigned_when_their_memory_is_gone(b: Block, s: Section) -> Bool:
    """Linux reports an LMB as unused when no mem_map of it is left."""
    given_back = assigned[b] & ~after(assigned[b])
    return implies(given_back & (block_of_section[s] == b), memmap[s] == Metadata.absent)


@step(covers="R3")
def requests_know_what_they_removed(b: Block) -> Bool:
    """An LMB that Linux no longer uses is one that a request has removed."""
    given_back = assigned[b] & ~after(assigned[b])
    return implies(given_back, after(removed_for_request[b] == LmbRequest.removed))


@step(covers="R3")
def a_failed_request_brings_every_lmb_back(b: Block) -> Bool:
    """A request that gave up is done with an LMB only when the LMB is used as before."""
    over = (removed_for_request[b] == LmbRequest.coming_back) & after(
        removed_for_request[b] != LmbRequest.coming_back
    )
    return implies(over, after(assigned[b]))


@step(covers="R3")
def requests_are_done_with_an_lmb_when_it_is_somebodys(b: Block) -> Bool:
    """What a request removed is its own until Linux uses it again or the hypervisor has it."""
    done = (removed_for_request[b] != LmbRequest.none) & after(
        removed_for_request[b] == LmbRequest.none
    )
    return implies(done, after(assigned[b]) | ~after(drc_acquired[b]))


@sometimes(covers="R3")
def an_lmb_is_added(b: Block) -> Bool:
    """The hypervisor gives an LMB at run time, and Linux uses it."""
    return ~early[b] & assigned[b]


@sometimes(covers="R3")
def the_hypervisor_gets_an_lmb(b: Block) -> Bool:
    """An LMB that was there at boot is given to the hypervisor."""
    return early[b] & is_lmb[b] & ~drc_acquired[b]


@sometimes(covers="N2 R3")
def the_hypervisor_gets_an_lmb_that_held_a_pgdat(b: Block, n: Node) -> Bool:
    """A node is gone, and so is the LMB in which its pgdat was."""
    return is_lmb[b] & drc_acquired[b] & ~after(drc_acquired[b]) & (pgdat_block(n) == b)


@sometimes(covers="R3")
def a_request_removes_one_lmb_of_several(b: Block, s: Section) -> Bool:
    """A request counts an LMB while memory of another is still there."""
    removed = assigned[b] & ~after(assigned[b])
    return removed & (block_of_section[s] != b) & (memmap[s] != Metadata.absent)


@sometimes(covers="R3")
def an_lmb_leaves_a_node_that_stays(b: Block) -> Bool:
    """The hypervisor gets an LMB of a node whose pgdat lies elsewhere, and stays."""
    released = drc_acquired[b] & ~after(drc_acquired[b])
    return released & (pgdat[node_of[b]] != Metadata.absent)


@sometimes(covers="R3")
def a_failed_request_is_taken_back(b: Block) -> Bool:
    """An LMB that a request had removed is used again, after the request gave up."""
    return (removed_for_request[b] == LmbRequest.coming_back) & after(assigned[b])
