"""What a user meets beside the specification: operations, scenarios, capabilities, words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from inspect import cleandoc, signature

from memhp.lab.conform.scenarios import SCENARIOS, Scenario
from memhp.reference import Operations
from memhp.spec.numbers.architectures import ARCHITECTURES, Architecture
from memhp.spec.numbers.kconfig import CAPABILITIES, Capability
from memhp.spec.numbers.kconfig_language import names

from .entry import Entry, Told

__all__ = ["configurations", "glossary", "operations", "scenarios"]

_ROW = re.compile(r"(?m)^\| ([^|]+) \| ([^|]+) \|$")


def operations() -> Iterator[Entry]:
    """What a user does with a machine: `memhp.reference.Operations`."""
    for name, method in vars(Operations).items():
        if not name.startswith("_") and callable(method):
            params = [
                f"{each.name}: {each.annotation}" for each in signature(method).parameters.values()
            ][1:]
            head = f"operation {name}({', '.join(params)})"
            doc = cleandoc(method.__doc__ or "")
            where = f"{method.__module__}:{method.__code__.co_firstlineno}"
            yield Entry("operation", name, doc, partial(Told, head, where))


def scenarios() -> Iterator[Entry]:
    """What is played on real kernels by ``memhp lab conform``."""
    for each in SCENARIOS:
        yield Entry("scenario", each.name, each.doc, partial(_scenario, each))


def _scenario(scenario: Scenario) -> Told:
    deviates = ("Linux does otherwise than these rows ask",) if scenario.deviates else ()
    related = {"rows": scenario.rows, "guests of": scenario.arches}
    return Told(f"scenario {scenario.name}", "", deviates, related)


def configurations() -> Iterator[Entry]:
    """What ``memhp kconfig`` looks for, and the architectures of ``memhp sections``."""
    for each in CAPABILITIES:
        doc = f"{each.gives[0].upper()}{each.gives[1:]}."
        yield Entry("capability", each.name, doc, partial(_capability, each))
    for one in ARCHITECTURES:
        doc = f"Pages of {one.page >> 10} KiB, sections of {one.section >> 20} MiB."
        yield Entry("architecture", one.name, doc, partial(_architecture, one))


def _capability(capability: Capability) -> Told:
    policy = ("wanted only when it is asked for (--want)",) if capability.policy else ()
    seen = f"seen since Linux {'.'.join(map(str, capability.seen))}"
    options = tuple(dict.fromkeys(names(capability.needs)))
    head = f"capability {capability.name}"
    return Told(head, "", (seen, *policy), {"decided by options": options})


def _architecture(architecture: Architecture) -> Told:
    logic = (
        f"largest buddy block: {architecture.max_order_block >> 20} MiB",
        f"physical address: {architecture.physmem_bits} bits",
        f"source: {architecture.source}",
    )
    return Told(f"architecture {architecture.name}", "", logic)


def glossary() -> Iterator[Entry]:
    """The words of docs/glossary.md."""
    text = files("memhp").joinpath("docs/glossary.md").read_text()
    for words, meaning in _ROW.findall(text):
        if words not in ("word", "---"):
            name, *others = (word.strip() for word in words.split(","))
            yield Entry("word", name, meaning, partial(Told, f"word {words}"), tuple(others))
