"""Tables and sets do what a plain list and a plain set do."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from memhp.engine.bits import Bits
from memhp.engine.tables import Table


@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_table_is_a_list(identity: bool, seed: int) -> None:
    random, size, chunk = Random(seed), 200, 40
    table = Table(size, chunk, identity=identity)
    plain = list(range(size)) if identity else [0] * size
    for _ in range(300):
        first = random.randrange(size)
        length = random.randrange(1, size - first + 1)
        choice = random.randrange(6)
        if choice == 0:
            table.set(first, 7 * first)
            plain[first] = 7 * first
        elif choice == 1 and identity:
            table.write_run(first, length, 1000)
            plain[first : first + length] = range(1000, 1000 + length)
        elif choice == 2:
            some = np.array(random.sample(range(size), 20), dtype=np.int64)
            table.scatter(some, some * 3)
            for element in some.tolist():
                plain[element] = element * 3
        elif choice == 3:
            values = np.array(random.sample(range(size), length), dtype=np.int64)
            table.write_values(first, values)
            plain[first : first + length] = values.tolist()
        elif choice == 4:
            chunk_of = first // chunk * chunk
            some = np.array(sorted(random.sample(range(chunk_of, chunk_of + chunk), 7)))
            table.write_rising(first // chunk, some, 5000)
            for number, element in enumerate(some.tolist()):
                plain[element] = 5000 + number
        else:
            some = np.array(random.sample(range(size), 20), dtype=np.int64)
            assert table.gather(some).tolist() == [plain[element] for element in some.tolist()]
        if random.random() < 0.3:
            assert table.numbers() == plain
    assert table.numbers() == plain


def test_runs_say_what_the_elements_say() -> None:
    table = Table(80, 40, identity=True)
    table.write_run(5, 10, 60)
    assert table.runs(range(0, 20)) == [(0, 5, 0), (5, 10, 60), (15, 5, 15)]
    table.set(1, 9)
    assert table.runs(range(0, 20)) is None
    assert table.mixed_chunks == 1
    table.write_run(0, 40, 40)
    assert (table.mixed_chunks, table.get(1)) == (0, 41)


@pytest.mark.parametrize("size", [1, 256, 257, 70_000])
def test_bits_are_a_set(size: int) -> None:
    random = Random(size)
    begun = {random.randrange(size) for _ in range(50)}
    bits, plain = Bits(size, begun), set(begun)
    for _ in range(500):
        number = random.randrange(size)
        if random.random() < 0.5:
            bits.add(number)
            plain.add(number)
        else:
            bits.discard(number)
            plain.discard(number)
        start = random.randrange(size + 1)
        assert bits.first(start) == min((n for n in plain if n >= start), default=-1)
        assert (bits.last(), len(bits)) == (max(plain, default=-1), len(plain))
        assert (number in bits) == (number in plain)
    assert list(bits) == sorted(plain)
