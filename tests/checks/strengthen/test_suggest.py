"""What is suggested is proved, is enough, and can be pasted; what cannot be helped is said."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import memhp
from memhp.checks.proof.prove import prove
from memhp.checks.strengthen.clauses import Knowledge
from memhp.checks.strengthen.search import Search
from memhp.checks.strengthen.suggest import Effort, Suggestion, suggest
from memhp.checks.support.verdicts import Verdict
from memhp.examples import distributed_lock, last_block, lock_service, sharded_store, two_processes
from memhp.spec.language import System, apply, load
from memhp.spec.language.terms import negate

from . import lamps, shelves

MODULES = (lock_service, two_processes, distributed_lock, sharded_store)


def system_of(module: ModuleType) -> System:
    return load(module.__name__, (module,))


def asked(system: System) -> list[str]:
    return [claim.name for claim in system.of_kind("always")]


@pytest.fixture(scope="module", params=MODULES, ids=lambda module: module.__name__)
def answer(request: pytest.FixtureRequest) -> tuple[ModuleType, Suggestion]:
    module: ModuleType = request.param
    system = system_of(module)
    return module, suggest(system, asked(system), jobs=1)


def test_safety_alone_is_not_proved_and_is_with_what_is_found(
    answer: tuple[ModuleType, Suggestion],
) -> None:
    module, found = answer
    assert prove(system_of(module), jobs=1).verdict is not Verdict.proved
    assert found.open == found.goals
    assert found.unproved == ()
    assert prove(found.system, jobs=1).verdict is Verdict.proved


def test_nothing_that_is_found_can_be_left_out(answer: tuple[ModuleType, Suggestion]) -> None:
    found = answer[1]
    for left_out in found.found[::3]:
        kept = tuple(claim for claim in found.system.properties if claim != left_out)
        report = prove(replace(found.system, properties=kept), jobs=1)
        assert report.verdict is not Verdict.proved, left_out.name


def test_the_source_code_is_a_declaration_of_what_was_found(
    answer: tuple[ModuleType, Suggestion],
) -> None:
    module, found = answer
    text = "\n\n\n".join((_text_of(module), found.imports, *found.sources))
    pasted = ModuleType("pasted")
    pasted.__file__ = module.__file__
    exec(compile(text, "pasted", "exec"), vars(pasted))
    again = load("pasted", (pasted,))
    for claim in found.found:
        assert str(again.property_by_name[claim.name].formula) == str(claim.formula)
        assert set(found.serves[claim.name]) <= set(found.goals)


def _text_of(module: ModuleType) -> str:
    assert module.__file__
    with open(module.__file__) as file:
        return file.read()


def test_what_is_proved_needs_nothing() -> None:
    system = system_of(last_block)
    found = suggest(system, ["some_block_is_online"], jobs=1)
    assert (found.open, found.unproved, found.found) == ((), (), ())


def test_what_is_false_is_not_helped() -> None:
    system = apply(system_of(last_block), last_block.CARELESS)
    found = suggest(system, ["some_block_is_online"], jobs=1)
    assert found.unproved == ("some_block_is_online",)
    assert found.found == ()


def test_without_any_state_that_was_seen_nothing_wrong_is_said() -> None:
    system = system_of(lock_service)
    ignorant = Knowledge(system, ())
    found = suggest(system, asked(system), knowledge=ignorant, effort=Effort(rounds=2), jobs=1)
    proved = {claim.name for claim in found.found}
    report = prove(found.system, only=proved | set(found.goals) - set(found.unproved), jobs=1)
    assert report.verdict is Verdict.proved or not proved


def test_a_name_that_cannot_be_proved_is_an_error() -> None:
    with pytest.raises(ValueError, match="no property that can be proved"):
        suggest(system_of(last_block), ["a_block_is_offline"])


def test_what_the_search_makes_up_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    system = system_of(lock_service)
    holds = system.property_by_name["a_client_holds_the_lock"]
    never = replace(holds, name="nobody_ever_holds", kind="always", formula=negate(holds.formula))
    monkeypatch.setattr(Search, "run", lambda self, goals, _: self.goals.extend(goals))
    monkeypatch.setattr(Search, "minimise", lambda self: None)
    monkeypatch.setattr(Search, "found", lambda self: (never,))
    found = suggest(system, asked(system), jobs=1)
    assert found.unproved == found.goals
    assert found.found == ()


def test_the_same_is_found_in_several_processes() -> None:
    system = system_of(two_processes)
    once, again = (suggest(system, asked(system), jobs=jobs) for jobs in (1, 2))
    assert once.sources == again.sources


def test_a_counter_is_found_to_be_exact() -> None:
    system = system_of(shelves)
    found = suggest(system, asked(system), jobs=1)
    assert found.unproved == ()
    (counter,) = (claim for claim in found.found if claim.name == "number_is_exact")
    assert str(counter.formula).startswith("number[s] == (count b: Book. there[b]")
    assert found.imports == "from memhp.spec.language import Bool, always, count"


def test_the_session_in_the_documentation_is_the_real_one() -> None:
    guide = Path(memhp.__file__).parent / "docs" / "strengthening.md"
    session = "".join(re.findall(r"(?ms)^```pycon\n(.*?)^```$", guide.read_text()))
    test = doctest.DocTestParser().get_doctest(session, {}, guide.name, None, None)
    assert test.examples
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_a_variable_that_nobody_writes_stays_as_it_was_at_boot() -> None:
    system = system_of(lamps)
    assert prove(system, jobs=1).verdict is not Verdict.proved
    found = suggest(system, asked(system), jobs=1)
    assert found.unproved == ()
    assert [claim.name for claim in found.found] == ["wired_stays_as_at_boot"]
    assert "return wired[x] == exists(Wire, lambda w: leads_to[w, x])" in found.sources[0]
