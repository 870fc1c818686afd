"""Reads the vectors that ``memhp export vectors DIR`` writes, and asks an implementation.

It imports nothing of memhp: copy it, and write a class that has

- ``operations``, the names of what it can do;
- ``reset(machine)``: boot the machine, a document of ``machines.jsonl``;
- ``do(operation, *params)``: do it; None for success, else the errno, a number;
- ``observe()``: what can be seen of the state, by variable, row-major; None for what cannot.

``check(DIR, implementation)`` yields a line for each answer or value that is not right.
"""

import json
from collections.abc import Iterator
from errno import errorcode
from pathlib import Path
from typing import Any

__all__ = ["check"]

_NAMES = {133: "EHWPOISON", **errorcode}  # Python names that one from 3.14 on


def check(folder: str | Path, implementation: Any) -> Iterator[str]:
    """What is wrong, line by line; nothing, if all is right.

    A walk or a vector ends at the first operation that the implementation does not have.

    Args:
        folder: that memhp has written.
        implementation: what is asked.
    """
    folder = Path(folder)
    machines = {each["machine"]: each for each in _documents(folder / "machines.jsonl")}
    for vector in _documents(folder / "operations.jsonl"):
        machine = machines[vector["machine"]]
        yield from _run(machine, vector["path"], [vector], vector["before"], implementation)
    for walk in _documents(folder / "walks.jsonl"):
        machine = machines[walk["machine"]]
        boot = {name: table["values"] for name, table in machine["boot"].items()}
        yield from _run(machine, [], walk["steps"], boot, implementation)


def _documents(path: Path) -> Iterator[Any]:
    with path.open() as lines:
        yield from map(json.loads, lines)


def _run(machine: Any, path: Any, steps: Any, state: Any, implementation: Any) -> Iterator[str]:
    implementation.reset(machine)
    for name, *params in path:
        if name not in implementation.operations:
            return
        implementation.do(name, *params)
    for number, step in enumerate(steps, len(path)):
        name, *params = step["operation"]
        if name not in implementation.operations:
            return
        where = f"{machine['machine']}, operation {number}, {name}{tuple(params)}"
        came = implementation.do(name, *params)
        answer = None if came is None else _NAMES.get(came, came)
        if answer != step["answer"]:
            yield f"{where}: {step['answer']} is right, {answer} came"
        state = {**state, **step["after"]}
        for variable, values in implementation.observe().items():
            for at, (right, value) in enumerate(zip(state[variable], values, strict=True)):
                if value is not None and value != right:
                    yield f"{where}: {variable}[{at}] is {right}, not {value}"
