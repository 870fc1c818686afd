"""How the engine does on large machines: loading, questions, offline, and the allocator.

Run it with `make bench`; it is a measurement, not a test.
"""

from __future__ import annotations

import platform
import resource
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np
from bench.synthetic import synthetic
from numpy.typing import NDArray

from memhp.engine.layout import Layout
from memhp.engine.machine import Machine
from memhp.engine.memory import Memory

GIB, TIB = 1 << 30, 1 << 40
PAIRS = 101


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, once."""
    started = perf_counter()
    work()
    return perf_counter() - started


def free_blocks(memory: Memory) -> NDArray[np.intp]:
    """Blocks whose frames are all free."""
    return np.flatnonzero(np.frombuffer(memory.free, dtype=np.int64) == memory.per_block)


def full_blocks(machine: Machine) -> list[int]:
    """Blocks that are full of folios that can move."""
    whole = np.frombuffer(machine.memory.user, dtype=np.int64) == machine.memory.per_block
    return np.flatnonzero(whole & machine.can_go()).tolist()


def copy_of_a_word_a_frame() -> float:
    """A numpy copy of 32,768 words of 32 bits, in seconds."""
    words = np.arange(32_768, dtype=np.uint32)
    return median(seconds(words.copy) for _ in range(201))


def offline_full_blocks(machine: Machine, blocks: list[int]) -> float:
    """The median of taking full blocks offline, in seconds; their contents move."""
    times = []
    for block in blocks:
        times.append(seconds(partial(machine.write_state, block, "offline")))
        assert machine.state[block] == 0
    return median(times)


def shattered(machine: Machine) -> None:
    """Take all free blocks away: what is left is room between other frames."""
    free = np.frombuffer(machine.memory.uniform, dtype=np.uint8) == 2
    for block in np.flatnonzero(free).tolist():
        if block not in machine.memory.mixed:
            machine.drain(block)


def mapped(machine: Machine, blocks: list[int]) -> None:
    """Each folio of these blocks is mapped by the entry of its number."""
    for block in blocks:
        first = block * machine.memory.per_block
        for folio in range(first, first + machine.memory.per_block):
            assert machine.memory.fault(folio) == 0


def each(machine: Machine, *, spread: bool) -> dict[str, float]:
    """Microseconds of some operations, the median over a hundred free blocks.

    Parameters: ``spread``, all over the machine, so that what is read is in no
    cache; otherwise next to each other.
    """
    free = free_blocks(machine.memory)
    blocks = (free[:: max(1, len(free) // 100)] if spread else free)[:100].tolist()
    times: dict[str, list[float]] = {}

    def timed(name: str, operation: Callable[..., int], *params: int | str) -> None:
        started = perf_counter()
        error = operation(*params)
        times.setdefault(name, []).append(perf_counter() - started)
        assert error == 0, (name, params, error)

    for block in blocks:
        frame = block * machine.memory.per_block + 5
        timed("alloc_folio", machine.memory.alloc_folio, frame, frame, 1)
        timed("free_folio", machine.memory.free_folio, frame)
        timed("drain", machine.drain, block)
        timed("undrain", machine.undrain, block)
        timed("offline (empty)", machine.write_state, block, "offline")
        timed("remove", machine.remove_memory, block)
        timed("eject", machine.eject, block)
        timed("add", machine.add_memory, block)
        timed("online", machine.write_state, block, "online")
    return {name: median(values) * 1e6 for name, values in times.items()}


@dataclass(frozen=True)
class Size:
    """What was measured on one synthetic machine: seconds, GiB, microseconds of operations."""

    load: float
    question: float
    peak: float
    spread: dict[str, float]
    adjacent: dict[str, float]


def measured(machine: Machine, load: float) -> Size:
    """All that is measured on a machine of one size."""
    question = median(seconds(machine.can_go) for _ in range(5))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return Size(load, question, peak, each(machine, spread=True), each(machine, spread=False))


def offline_ratios(machine: Machine) -> dict[str, float]:
    """Taking a full block offline, as a multiple of a copy of a 32-bit word a frame."""
    copy = copy_of_a_word_a_frame()
    blocks = full_blocks(machine)
    found = {"into whole free blocks": offline_full_blocks(machine, blocks[:100])}
    shattered(machine)
    found["into scattered free frames"] = offline_full_blocks(machine, blocks[100:200])
    mapped(machine, blocks[200:220])
    found["the same, every folio mapped"] = offline_full_blocks(machine, blocks[200:220])
    return {name: taken / copy for name, taken in found.items()}


def with_hotplug(layout: Layout) -> Machine:
    """A machine with hotplug state everywhere: offline, removed, draining, leaving."""
    machine = Machine(layout)
    free = free_blocks(machine.memory)
    for number, block in enumerate(free[len(free) // 2 :].tolist()):
        if number % 2:
            machine.drain(block)
        else:
            machine.write_state(block, "offline")
            machine.remove_memory(block)
    machine.begin_node_removal(1)
    return machine


def allocator_ratio() -> tuple[float, float]:
    """Allocation and free with hotplug state against a bare allocator: ratio, microseconds."""
    layout = synthetic(TIB, nodes=2).layout
    bare, full = Memory(layout), with_hotplug(layout).memory
    blocks = free_blocks(bare)[:64].tolist()
    frames = [block * bare.per_block + at for block in blocks for at in range(0, 32_768, 512)]

    def life(memory: Memory) -> None:
        for frame in frames:
            memory.alloc_folio(frame, frame, 1)
        for frame in frames:
            memory.free_folio(frame)

    errors = [full.alloc_folio(frame, frame, 1) or full.free_folio(frame) for frame in frames]
    assert not any(errors)
    ratios, times = [], []
    for number in range(PAIRS):
        order = (bare, full) if number % 2 else (full, bare)
        taken = {id(memory): seconds(partial(life, memory)) for memory in order}
        ratios.append(taken[id(full)] / taken[id(bare)])
        times.append(taken[id(bare)] / (2 * len(frames)))
    return median(ratios), median(times) * 1e6


SIZES = {"64 GiB": 64 * GIB, "1 TiB": TIB, "64 TiB": 64 * TIB}


def results(names: Collection[str] = tuple(SIZES)) -> Iterator[tuple[str, str]]:
    """What was measured on machines of these `SIZES`, and the result, line by line."""
    ratio, microseconds = allocator_ratio()
    yield (
        "alloc and free, with hotplug state / without",
        f"{ratio:.3f} ({microseconds:.2f} us each)",
    )
    sizes: dict[str, Size] = {}
    for name in names:
        started = perf_counter()
        machine = synthetic(SIZES[name], nodes=8)
        load = perf_counter() - started
        of = sizes[name] = measured(machine, load)
        yield (
            name,
            f"loads in {of.load:.2f} s; which blocks can go: {of.question:.4f} s;"
            f" {of.peak:.2f} GiB",
        )
    for operation in sizes[name].spread:
        far = ", ".join(f"{name} {of.spread[operation]:.1f}" for name, of in sizes.items())
        near = ", ".join(f"{of.adjacent[operation]:.1f}" for of in sizes.values())
        yield f"{operation}, us", f"{far} (on neighbouring blocks: {near})"
    yield "a copy of a word a frame", f"{copy_of_a_word_a_frame() * 1e6:.2f} us"
    for name, ratio in offline_ratios(machine).items():
        yield f"offline of a full block {name}, in copies", f"{ratio:.0f}"


def main() -> None:
    """Print a line for each measurement."""
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    for what, result in results():
        print(f"{what}: {result}")


if __name__ == "__main__":
    main()
