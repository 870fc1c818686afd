"""Pieces of work: a piece that ends whoever does it is lost alone, on this machine or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from memhp.checks.support.cluster import Cluster, ClusterError, pool, shard_of
from memhp.checks.support.workers import Lost, Pool, Workers, all_of

DEADLY = "__import__('os').kill(__import__('os').getpid(), 9)"


def done(workers: Pool, *work: str) -> dict[int, Any]:
    """What comes of all the pieces."""
    return dict(all_of(workers, [(each,) for each in work]))


def test_when_a_process_is_killed_another_one_takes_its_place() -> None:
    with pool(None, 1, eval) as workers:
        results = []
        for number, work in enumerate(("__import__('os').kill(0, 0)", DEADLY, "6 * 7"), 5):
            workers.give(number, work)
            assert (workers.busy, workers.free) == (1, False)
            results += workers.finished()
    lost = Lost("a process of memhp was ended (SIGKILL)")
    assert results == [(5, None), (6, lost), (7, 42)]


def test_what_fails_in_a_process_fails_here() -> None:
    with Workers(1, eval) as workers:
        workers.give(1, "int('x')")
        with pytest.raises(ValueError, match="'x'"):
            list(workers.finished())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    with Cluster("local", 2, eval) as it:
        yield it


@pytest.mark.slow
def test_a_worker_of_a_cluster_that_is_killed_loses_its_piece_alone(cluster: Cluster) -> None:
    results = done(cluster, "6 * 7", DEADLY, "1 + 1", "2 + 2")
    assert {number: each for number, each in results.items() if number != 1} == {0: 42, 2: 2, 3: 4}
    assert results[1] == Lost("a worker of the cluster was ended")
    assert done(cluster, "1", "3 * 3") == {0: 1, 1: 9}


@pytest.mark.slow
def test_what_fails_on_a_cluster_fails_here(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="'x'"):
        done(cluster, "int('x')")
    assert cluster.busy == 0


@pytest.mark.slow
def test_a_scheduler_at_an_address_is_asked(cluster: Cluster) -> None:
    address = cluster._client.scheduler.address
    with Cluster(address, 1, eval) as other:
        assert done(other, "6 * 7") == {0: 42}
    assert done(cluster, "1 + 1") == {0: 2}


def test_where_no_scheduler_answers_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("memhp.checks.support.cluster._WAIT", 0.1)
    with (
        pytest.raises(ClusterError, match=r"no cluster at tcp://127\.0\.0\.1:1: "),
        Cluster("tcp://127.0.0.1:1", 1, eval),
    ):
        pass


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "1/", "-1/2", "1/2/3", "٣/4", "1/1e3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a shard such as 3/8"):
        shard_of(text)
