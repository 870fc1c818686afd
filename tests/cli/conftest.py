"""What the tests of commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from memhp.checks.support.workers import Lost
from memhp.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*words)``: the exit code of the command, what it printed, and what it complained of."""

    def ran(*words: str | Path) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        return code, *capsys.readouterr()

    return ran


class HereAlone:
    """A cluster that is this process; it loses the pieces whose numbers are in ``losing``."""

    losing: tuple[int, ...] = ()

    def __init__(self, where: str, jobs: int, do: Callable[..., Any]) -> None:
        self._do = do
        self._work: list[tuple[int, tuple[Any, ...]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    @property
    def busy(self) -> int:
        return len(self._work)

    @property
    def free(self) -> bool:
        return len(self._work) < 2

    def give(self, number: int, *work: Any) -> None:
        self._work.append((number, work))

    def finished(self) -> Iterator[tuple[int, Any]]:
        number, work = self._work.pop()
        lost = Lost("a worker of the cluster was ended")
        yield number, lost if number in self.losing else self._do(*work)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[HereAlone]:
    """What ``--cluster local`` uses, in this process."""

    class It(HereAlone):
        pass

    monkeypatch.setattr("memhp.checks.support.cluster.Cluster", It)
    return It
