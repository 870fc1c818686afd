"""A toy machine for the proofs: blocks of frames, each frame used by at most one folio.

Its invariants need each other, its actions update points and whole sets, and
one definition is used, with its bound variable, on both sides of a step.
"""

from __future__ import annotations

from errno import EBUSY

from memhp.spec.language import (
    Bool,
    Enumeration,
    Sort,
    action,
    after,
    always,
    axiom,
    definition,
    exists,
    false,
    guard,
    implies,
    step,
    topology,
    true,
    variable,
)


class Block(Sort):
    """A block."""


class Frame(Sort):
    """A frame."""


class Folio(Sort):
    """A folio."""


class Mode(Enumeration):
    """What a block is."""

    offline: Mode
    online: Mode
    leaving: Mode


block_of = topology(Frame, Block)
first_of = topology(Block, Frame)
mode = variable(Block, Mode, initial=lambda b: Mode.offline)
free = variable(Frame, Bool, initial=lambda f: false)
first_block = topology(Folio, Block)
home = variable(Folio, Frame, initial=lambda o: first_of[first_block[o]])
live = variable(Folio, Bool, initial=lambda o: false)
crowded = variable(Block, Bool, initial=lambda b: false)


@axiom
def blocks_have_their_first_frame(b: Block) -> Bool:
    """The first frame of a block is in the block."""
    return block_of[first_of[b]] == b


@definition
def has_user(b: Block) -> Bool:
    """A folio lives in the block."""
    return exists(Folio, lambda o: live[o] & (block_of[home[o]] == b))


@definition
def has_free(b: Block) -> Bool:
    """A frame of the block is free."""
    return exists(Frame, lambda f: free[f] & (block_of[f] == b))


@action
def online(b: Block) -> None:
    """All frames become free."""
    guard("offline", mode[b] == Mode.offline, errno=EBUSY, why="the block is not offline")
    mode[b] = Mode.online
    free.update(where=lambda f: block_of[f] == b, value=true)


@action
def begin_offline(b: Block) -> None:
    """Free frames are taken out."""
    guard("online", mode[b] == Mode.online, errno=EBUSY, why="the block is not online")
    mode[b] = Mode.leaving
    free.update(where=lambda f: block_of[f] == b, value=false)


@action
def finish_offline(b: Block) -> None:
    """The block is empty."""
    guard("leaving", mode[b] == Mode.leaving, errno=EBUSY, why="the block is not leaving")
    guard("empty", ~has_user(b), errno=EBUSY, why="somebody lives there")
    mode[b] = Mode.offline


@action
def born(o: Folio, f: Frame) -> None:
    """A folio gets a frame."""
    guard("dead", ~live[o], why="it lives already")
    guard("free", free[f], why="the frame is not free")
    live[o] = true
    home[o] = f
    free[f] = false


@action
def move(o: Folio, f: Frame) -> None:
    """A folio goes to another frame."""
    guard("live", live[o], why="there is no such folio")
    guard("leaving", mode[block_of[home[o]]] == Mode.leaving, why="it may stay")
    guard("free", free[f], why="the frame is not free")
    home[o] = f
    free[f] = false


@action
def swap(o: Folio, p: Folio) -> None:
    """Two folios change places."""
    guard("live", live[o] & live[p], why="there is no such folio")
    guard("different", o != p, why="there is nothing to do")
    guard("same_block", block_of[home[o]] == block_of[home[p]], why="they are far apart")
    guard("leaving", mode[block_of[home[o]]] == Mode.leaving, why="they may stay")
    home[o] = home[p]
    home[p] = home[o]


@action
def refill(b: Block) -> None:
    """Wherever no frame of an online block is free, those that nobody uses become free."""
    guard("online", mode[b] == Mode.online, errno=EBUSY, why="the block is not online")
    free.update(
        where=lambda f: (
            ~has_free(block_of[f])
            & (mode[block_of[f]] == Mode.online)
            & ~exists(Folio, lambda o: live[o] & (home[o] == f))
        ),
        value=true,
    )


@action
def count(o: Folio) -> None:
    """Blocks with users are marked, in one sweep."""
    guard("live", live[o], why="there is no such folio")
    crowded.update(where=lambda b: has_user(b), value=true)


@always(covers="T1")
def free_frames_are_online(f: Frame) -> Bool:
    """A free frame is in an online block."""
    return implies(free[f], mode[block_of[f]] == Mode.online)


@always(covers="T1")
def nobody_lives_in_free_frames(o: Folio) -> Bool:
    """A folio's frame is not free."""
    return implies(live[o], ~free[home[o]])


@always(covers="T1")
def folios_live_in_blocks_that_are_not_offline(o: Folio) -> Bool:
    """No folio is lost."""
    return implies(live[o], mode[block_of[home[o]]] != Mode.offline)


@always()
def folios_do_not_share(o: Folio, p: Folio) -> Bool:
    """Two folios have two frames."""
    return implies(live[o] & live[p] & (home[o] == home[p]), o == p)


@always()
def crowds_are_seen(b: Block) -> Bool:
    """Only a block that was online once is crowded."""
    return implies(crowded[b] & has_user(b), mode[b] != Mode.offline)


@step(covers="T2")
def folios_move_only_out_of_leaving_blocks(o: Folio) -> Bool:
    """A folio in an online block stays where it is."""
    moved = live[o] & (after(home[o]) != home[o])
    return implies(moved, mode[block_of[home[o]]] == Mode.leaving)


@step()
def a_mark_says_that_there_is_a_user(b: Block) -> Bool:
    """A mark is set only where somebody lives."""
    return implies(~crowded[b] & after(crowded[b]), has_user(b) & after(has_user(b)))
