"""What is known from before: for this user alone, and nothing if it is damaged or not to be had."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memhp.checks.fuzz.agreement import agreement
from memhp.checks.fuzz.reached import Reached
from memhp.checks.proof.cache import Cache, default_folder
from memhp.checks.proof.solvers import Answer, Query
from memhp.checks.search.search import Witness
from memhp.checks.search.usual import first_violation
from memhp.checks.support.store import keep, kept, sealed, unsealed
from memhp.spec.language import apply
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

QUERY = Query("z3", "(check-sat)", 1000)
ANSWER = Answer("sat", 0.25, ("a",), {"x": ("true", "false")}, "why")


def answered(folder: Path | None) -> Answer | None:
    return Cache(folder).get(QUERY)


def remembered(folder: Path) -> Path:
    cache = Cache(folder)
    cache.put(QUERY, ANSWER)
    cache.save()
    return folder / "z3.json"


def test_an_answer_is_kept_for_this_user_alone(tmp_path: Path) -> None:
    path = remembered(tmp_path / "a" / "memhp")
    answer = answered(path.parent)
    assert answer is not None
    assert (answer.status, answer.model, answer.cached) == ("sat", ANSWER.model, True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def _nested(path: Path) -> None:
    path.write_text("[" * 100_000)


def _huge(path: Path) -> None:
    os.truncate(path, 5 << 30)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _own_words(text: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_text(text)

    return damage


def _entry(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change what is written of an answer, as damage would: the seal is of before."""

    def damage(path: Path) -> None:
        entries = json.loads(path.read_text())
        for entry in entries.values():
            change(entry)
        path.write_text(json.dumps(entries))

    return damage


DAMAGES = {
    "nested": _nested,
    "5 GiB": _huge,
    "a pipe": _pipe,
    "a folder": _folder,
    "empty": _own_words(""),
    "a list": _own_words("[]"),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe{}"),
    "too large a number": _own_words('{"x": {"seconds": 1e999}}'),
    "5000 digits": _own_words("9" * 5000),
    "NaN": _entry(lambda entry: entry.update(seconds=float("nan"))),
    "seconds are a word": _entry(lambda entry: entry.update(seconds="nan")),
    "unsat": _entry(lambda entry: entry.update(status="unsat")),
    "no model": _entry(lambda entry: entry.update(model={})),
    "a field more": _entry(lambda entry: entry.update(more=1)),
    "a field less": _entry(lambda entry: entry.pop("reason")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_as_good_as_none_and_written_anew(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = remembered(tmp_path / "memhp")
    damage(path)
    assert answered(path.parent) is None
    remembered(path.parent)
    assert (answered(path.parent) is not None) == (not path.is_fifo() and not path.is_dir())


def test_a_folder_in_which_others_write_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = remembered(tmp_path / "memhp")
    before = path.read_bytes()
    for mode in (0o720, 0o702):
        path.parent.chmod(mode)
        assert answered(path.parent) is None
        keep(path, {})
        assert path.read_bytes() == before
    path.parent.chmod(0o700)
    assert answered(path.parent) is not None


def test_another_users_cache_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = remembered(tmp_path / "memhp")
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert answered(path.parent) is None
    monkeypatch.undo()
    assert answered(path.parent) is not None


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "memhp", Path("/proc/none"), None):
        cache = Cache(place)
        cache.put(QUERY, ANSWER)
        cache.save()
        assert cache.get(QUERY) is not None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "{0}/cache"}, "{0}/cache/memhp"),
        ({"XDG_CACHE_HOME": "", "HOME": "{0}"}, "{0}/.cache/memhp"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "{0}"}, "{0}/.cache/memhp"),
        ({"HOME": "{0}/nobody"}, None),
        ({"HOME": "{0}/file"}, None),
        ({"HOME": "."}, None),
    ],
)
def test_the_cache_is_in_the_users_folder_if_there_is_one(
    environment: dict[str, str],
    expected: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert default_folder() == (Path(expected.format(tmp_path)) if expected else None)


def test_nobody_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert default_folder() is None


VARIANT = next(variant for variant in VARIANTS if variant.name == "pgdat-goes-early")
WRONG = apply(SYSTEM, VARIANT)


@pytest.fixture(scope="module")
def kept_trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is kept of a variant's trace."""
    folder = tmp_path_factory.mktemp("traces") / "memhp"
    assert first_violation(WRONG, VARIANT.breaks, folder=folder)
    (path,) = folder.iterdir()
    return f"{path.name}\n{path.read_text()}"


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry[1].pop(),
        lambda entry: entry[1][0].__setitem__(1, [7]),
        lambda entry: entry[1][-1].__setitem__(1, [-1]),
        lambda entry: entry[1][0].__setitem__(0, "no_such_action"),
        lambda entry: entry.__setitem__(0, -1),
        lambda entry: entry.__setitem__(0, 10**6),
        lambda entry: entry.__setitem__(0, True),
        lambda entry: entry.__setitem__(1, [["begin_offline"]]),
        lambda entry: entry.__setitem__(2, [-1]),
        lambda entry: entry.__setitem__(2, [0] * 50),
        lambda entry: entry.__setitem__(3, 10**9),
        lambda entry: entry.append(1),
    ],
)
def test_a_kept_trace_is_taken_anew_before_it_is_believed(
    tmp_path: Path,
    kept_trace: str,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[list[Any]], object],
) -> None:
    def search(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("memhp.checks.search.usual.each", search)
    name, text = kept_trace.split("\n")
    (entry,) = (unsealed(each) for each in json.loads(text))
    keep(tmp_path / "memhp" / name, [sealed(entry)])
    assert first_violation(WRONG, VARIANT.breaks, folder=tmp_path / "memhp")
    change(entry["trace"])
    keep(tmp_path / "memhp" / name, [sealed(entry)])
    with pytest.raises(InterruptedError):
        first_violation(WRONG, VARIANT.breaks, folder=tmp_path / "memhp")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_of_traces_is_as_good_as_none(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    keep(tmp_path / "memhp" / "traces.json", {"x": {"reason": ""}})
    damage(tmp_path / "memhp" / "traces.json")
    assert not isinstance(kept(tmp_path / "memhp" / "traces.json"), Witness)


def test_counts_of_a_lock_step_that_were_changed_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memhp.checks.fuzz import agreement as module

    walks: list[int] = []

    def reached(system: Any, _target: Any, *, steps: int, **_: Any) -> Reached:
        walks.append(steps)
        return Reached(system, steps, 1)

    monkeypatch.setattr(module, "reached", reached)
    folder = tmp_path / "memhp"
    for expected in (1, 1):
        agreement(SYSTEM, 10, folder=folder)
        assert len(walks) == expected
    path = folder / "lock-step.json"
    for name, value in {"steps": 9, "of": ["x"], "taken": {"x": "y"}, "untold": 1}.items():
        path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
        before = len(walks)
        agreement(SYSTEM, 10, folder=folder)
        assert len(walks) == before + 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", "x"),
        ("of", -1),
        ("taken", {"x": "y"}),
        ("taken", [["x", 1]]),
        ("untold", {"x": {}}),
        ("untold", {"flat": {"zone": ["x"]}}),
    ],
)
def test_counts_of_a_lock_step_that_are_none_are_not_believed_under_any_seal(
    name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memhp.checks.fuzz import agreement as module

    walked = Reached(SYSTEM, 10, 1)
    monkeypatch.setattr(module, "reached", lambda *_, **__: walked)
    agreement(SYSTEM, 10, folder=tmp_path)
    path = tmp_path / "lock-step.json"
    content = unsealed(kept(path))
    assert agreement(SYSTEM, 10, folder=tmp_path) is not walked
    keep(path, sealed(content | {name: value}))
    assert agreement(SYSTEM, 10, folder=tmp_path) is walked
