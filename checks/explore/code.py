"""The generated half of the search: the model as C, for `search.c` to include.

``model.h`` says how large things are and what a state is; ``steps.h``, what
follows a state and what is watched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..ground.formulas import FALSE, TRUE, Formula, places
from ..ground.model import Instance, Model, Watch, Write
from .expressions import Expressions
from .packing import WORD, Packing
from .sorting import canonical

__all__ = ["header", "steps"]


def header(model: Model, packing: Packing) -> str:
    """The text of ``model.h``: how large things are, what a state is, and the boot state."""
    boot = ", ".join(f"{word:#x}ul" for word in packing.pack(model.initial))
    return "\n".join(
        [
            f"enum {{ WORDS = {packing.words}, BYTES = {packing.bytes},",
            f"       INSTANCES = {len(model.instances)}, SWAPS = {len(model.symmetries)},",
            f"       CLAIMS = {len(model.claims)}, WATCHES = {len(_states(model))},",
            f"       PROBLEMS = {len(model.problems)}, LEFT_WORDS = {_left_words(model)} }};",
            "typedef struct { u64 w[WORDS]; } State;",
            f"typedef {'uint8_t' if len(model.instances) < 1 << 8 else 'uint16_t'} Origin;",
            f"static const State BOOT = {{{{{boot}}}}};",
            "",
        ]
    )


def steps(model: Model, packing: Packing) -> str:
    """The text of ``steps.h``: functions for what follows a state, and for what is watched."""
    expressions = Expressions(packing)
    lines = [
        *_passes(model),
        *_successors(model, packing, expressions),
        *_watches(model, packing, expressions),
        *_problems(model, packing, expressions),
        *canonical(model.grounding, packing, model.symmetries),
    ]
    return "\n".join([*lines, ""])


def _states(model: Model) -> list[Watch]:
    """What is watched in states, rather than at steps."""
    return [watch for watch in model.watches if watch.instance is None]


def _words(packing: Packing) -> str:
    return " ".join(f"const u64 w{n} = s.w[{n}]; (void)w{n};" for n in range(packing.words))


# --- steps ----------------------------------------------------------------------------------------


def _successors(model: Model, packing: Packing, expressions: Expressions) -> Iterator[str]:
    at_steps: dict[int, list[Watch]] = {}
    for watch in model.watches:
        if watch.instance is not None:
            at_steps.setdefault(watch.instance, []).append(watch)
    yield "static void successors(Worker *me, const State s) {"
    yield f"    {_words(packing)}"
    for number, instance in enumerate(model.instances):
        yield f"    /* {instance.action}{instance.point} */"
        yield from _step(model, expressions, number, instance, at_steps.get(number, []))
    yield "}"


def _step(
    model: Model,
    expressions: Expressions,
    number: int,
    instance: Instance,
    watches: Sequence[Watch],
) -> Iterator[str]:
    expressions.shared([])
    yield f"    if {_bracketed(expressions.text(instance.guard))} {{"
    broken = [(model.claims.index(watch.claim), watch.when) for watch in watches]
    conditions = (when for _, when in broken)
    for line in expressions.shared([*_read(instance.writes), instance.overflow, *conditions]):
        yield f"        {line}"
    if instance.overflow is not FALSE:
        yield f"        if ({expressions.text(instance.overflow)}) me->overflowed = 1;"
    for claim, when in broken:
        yield f"        if ({expressions.text(when)}) broke(me, {claim}, &s, {number});"
    yield f"        if (!passed_over(me, {number})) {{"
    yield "            State t = s;"
    for write in instance.writes:
        yield f"            {_write(expressions, write)}"
    yield f"            emit(me, t, {number});"
    yield "        }"
    yield "    }"


def _passes(model: Model) -> Iterator[str]:
    """For the step that led to a state, as bits, the steps from there to pass over.

    Those come before it and do not meddle with it; a state that is kept for its
    images does not tell which step led to it, so then there are none.
    """
    instances = model.instances
    reads = [instance.reads for instance in instances]
    writes = [frozenset(write.place for write in instance.writes) for instance in instances]
    words = len(instances) // WORD + 1
    rows = [0] * (len(instances) + 1)
    for last in range(len(instances) if not model.symmetries else 0):
        for earlier in range(last):
            one, other = reads[last] | writes[last], reads[earlier] | writes[earlier]
            if not (writes[last] & other or writes[earlier] & one):
                rows[last] |= 1 << earlier
    yield f"static const u64 passes[][{words}] = {{"
    for row in rows:
        parts = (row >> WORD * n & (1 << WORD) - 1 for n in range(words))
        yield f"    {{{', '.join(f'{part:#x}ul' for part in parts)}}},"
    yield "};"


def _bracketed(text: str) -> str:
    return text if text.startswith("(") and text.endswith(")") else f"({text})"


def _read(writes: Sequence[Write]) -> Iterator[Formula]:
    for write in writes:
        yield write.when
        if len(write.cases) > 1:
            yield from (when for when in write.cases.values() if when.parts)


def _write(expressions: Expressions, write: Write) -> str:
    field = expressions.packing.fields.get(write.place)
    if field is None:
        return f"/* place {write.place} has one value */"
    word = f"t.w[{field.word}]"
    change = (
        f"{word} = ({word} & ~{field.mask:#x}ul) | {expressions.stored(write.place, write.cases)};"
    )
    return change if write.when is TRUE else f"if ({expressions.text(write.when)}) {change}"


# --- properties -----------------------------------------------------------------------------------


def _watches(model: Model, packing: Packing, expressions: Expressions) -> Iterator[str]:
    watches = _states(model)
    for number, watch in enumerate(watches):
        yield f"static int watch_{number}(const State s) {{ /* {watch.claim.name} */"
        yield f"    {_words(packing)}"
        yield from (f"    {line}" for line in expressions.shared([watch.when]))
        yield f"    return {expressions.text(watch.when)};"
        yield "}"
    names = ", ".join(f"watch_{number}" for number in range(len(watches)))
    yield f"static int (*const watches[])(State) = {{{names or '0'}}};"
    claims = ", ".join(str(model.claims.index(watch.claim)) for watch in watches)
    yield f"static const int watch_claims[] = {{{claims or '0'}}};"
    yield from _flags("claim_is_step", (claim.of_step for claim in model.claims))
    yield from _flags("claim_is_reached", (claim.kind == "sometimes" for claim in model.claims))
    yield from _lists(model, watches)


def _left_words(model: Model) -> int:
    """How many words hold a bit for each element of any one problem."""
    return max(((len(problem.left) - 1) // WORD + 1 for problem in model.problems), default=1)


def _problems(model: Model, packing: Packing, expressions: Expressions) -> Iterator[str]:
    """For each problem: which elements are left in a state, and which steps help, or are cut."""
    for number, problem in enumerate(model.problems):
        yield f"static void left_{number}(const State s, u64 *found) {{ /* {problem.claim.name} */"
        yield f"    {_words(packing)}"
        yield from (f"    {line}" for line in expressions.shared(problem.left))
        for at, when in enumerate(problem.left):
            text = expressions.text(when)
            yield f"    if ({text}) found[{at // WORD}] |= {1 << at % WORD:#x}ul;"
        yield "}"
    names = ", ".join(f"left_{number}" for number in range(len(model.problems)))
    yield f"static void (*const left[])(State, u64 *) = {{{names or '0'}}};"
    yield from _rows("helping", model, (problem.helping for problem in model.problems))
    yield from _rows("unless", model, (problem.unless for problem in model.problems))


def _rows(name: str, model: Model, rows: Iterable[frozenset[int]]) -> Iterator[str]:
    """Sets of steps, as bits."""
    words = len(model.instances) // WORD + 1
    yield f"static const u64 {name}[][{words}] = {{"
    for row in (*rows, frozenset[int]()):
        bits = sum(1 << number for number in row)
        parts = (bits >> WORD * n & (1 << WORD) - 1 for n in range(words))
        yield f"    {{{', '.join(f'{part:#x}ul' for part in parts)}}},"
    yield "};"


def _flags(name: str, values: Iterable[bool]) -> Iterator[str]:
    yield f"static const char {name}[] = {{{', '.join(str(int(v)) for v in values) or '0'}}};"


def _lists(model: Model, watches: Sequence[Watch]) -> Iterator[str]:
    """What each step may change the answer of; after the last step, everything.

    With symmetries a step can change the answer for any parameters of a property.
    """
    reads = [places(watch.when) for watch in watches]
    starts: list[int] = []
    entries: list[int] = []
    for instance in model.instances:
        written = {write.place for write in instance.writes}
        touched = {n for n, places in enumerate(reads) if places & written}
        if model.symmetries:
            names = {watches[n].claim.name for n in touched}
            touched = {n for n, watch in enumerate(watches) if watch.claim.name in names}
        starts.append(len(entries))
        entries += [*sorted(touched), len(watches)]
    starts.append(len(entries))
    entries += range(len(watches) + 1)
    yield f"static const u32 watch_starts[] = {{{', '.join(map(str, starts))}}};"
    yield f"static const u32 watch_lists[] = {{{', '.join(map(str, entries))}}};"
