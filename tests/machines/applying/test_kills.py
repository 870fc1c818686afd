"""Whenever it is killed, the journal says where every block is, and it goes on or back."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from memhp.machines.applying.apply import Applier
from memhp.machines.applying.journal import Journal, history_of
from memhp.machines.applying.planned import PlanError
from memhp.machines.applying.states import Machine

from .fake import Kernel, apply, plan, states, tree, zones

BLOCKS = {at: "Movable" if at % 3 else "Normal" for at in range(8, 2, -1)}


def killed_after(seconds: float, journal: Path, root: Path, *, undo: bool = False) -> None:
    """Apply in a process of its own, and end that without a warning."""
    child = os.fork()
    if not child:
        try:
            slow = Kernel(seconds=0.002)
            if undo:
                Applier(Journal(journal), Machine(root), str, write=slow).undo()
            else:
                apply(Journal(journal, plan(BLOCKS)), root, slow)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def check_the_journal_describes(journal: Path, root: Path) -> None:
    """Every block is where the journal says, but for the one that is in doubt."""
    history = history_of(journal)
    for block, state in states(root).items():
        if history.doubt is None or block != history.doubt.block:
            assert (state == "offline") == (block in history.offline), (block, state)


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 20 else []) for seed in range(100)]


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_kill_it_goes_on_or_back(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    root, path = tree(tmp_path / "machine", BLOCKS), tmp_path / "it.journal"
    killed_after(draw.uniform(0.0, 0.045), path, root)
    back = draw.random() < 0.5
    while True:
        try:
            journal = Journal(path)  # waits for a write that outlives who began it
        except PlanError:  # not even the first line was written: nothing else was
            assert set(states(root).values()) == {"online"}
            return
        check_the_journal_describes(path, root)
        if back and draw.random() < 0.5:  # the way back may be killed, too
            journal.close()
            killed_after(draw.uniform(0.0, 0.03), path, root, undo=True)
            continue
        break
    if back:
        result = Applier(journal, Machine(root), str, write=Kernel()).undo()
        assert result.ending == "undone"
        assert set(states(root).values()) == {"online"}
        assert zones(root) == BLOCKS
    else:
        assert apply(journal, root, Kernel()).ending == "done"
        assert set(states(root).values()) == {"offline"}


def test_a_journal_that_says_what_is_not_so_would_be_seen(tmp_path: Path) -> None:
    root, path = tree(tmp_path / "machine", BLOCKS), tmp_path / "it.journal"
    apply(Journal(path, plan(BLOCKS)), root, Kernel())
    Kernel()(Machine(root).state_file(5), "online_movable")
    with pytest.raises(AssertionError):
        check_the_journal_describes(path, root)
