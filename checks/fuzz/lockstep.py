"""Two targets in lock step: the same operation, then both answers and what both see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index

from memhp.reference.machine import Machine
from memhp.reference.target import Observation, ReferenceTarget, Target
from memhp.reference.topology import Topology, Value, cut, element_name
from memhp.spec.language.errnos import errorcode
from memhp.spec.language.system import System
from memhp.spec.language.terms import Symbol

from ..support.shrinking import minimized
from .protocol import (
    Silence,
    TargetError,
    answered,
    check_observation,
    failure,
    guess,
    unfit,
)
from .rules import Operation
from .told import Untold, tell

__all__ = ["Difference", "Divergence", "boot", "first_divergence", "shrunk", "step"]


@dataclass(frozen=True)
class Difference:
    """One value that a target sees otherwise than the reference."""

    where: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.where}: the reference has {self.expected}, the target {self.got}"


@dataclass(frozen=True)
class Divergence:
    """The first operation after which a target is not as the reference.

    ``operations`` are all from the boot on, the diverging one last (none: it failed at
    boot); ``expected`` and ``got`` are both answers (None: success, otherwise an errno);
    ``refusal`` is why the reference refuses; ``allowed`` are further answers that would have
    been right with another state; ``crash`` says with what the target failed, if it did, and
    ``trace`` is the traceback; ``silent``: it did not answer in time; it is ``steady`` unless,
    done again, it was not there.
    """

    operations: tuple[Operation, ...]
    expected: int | None
    got: int | None
    differences: tuple[Difference, ...]
    crash: str = ""
    allowed: tuple[int | None, ...] = ()
    refusal: str = ""
    trace: str = field(default="", compare=False, repr=False)
    steady: bool = True
    silent: bool = False

    @property
    def step(self) -> int:
        """The number of the diverging operation, from 1."""
        return len(self.operations)

    def __str__(self) -> str:
        lines = [
            f"step {self.step}: {_shown(self.operations[-1])}" if self.operations else "at boot"
        ]
        if self.crash:
            lines.append(f"  the target failed: {self.crash}")
        elif self.expected != self.got:
            right = " or ".join(map(_word, dict.fromkeys((self.expected, *self.allowed))))
            lines.append(f"  the reference answers {right}, {_word(self.got)} came")
            lines += [f"  why: {self.refusal}"] if self.refusal else []
        lines += [f"  {difference}" for difference in self.differences]
        if not self.steady:
            lines.append("  not so when all of it was done again: it depends on more than that")
        return "\n".join(lines)


def _shown(operation: Operation) -> str:
    name, params = operation
    return f"{name}({', '.join(map(str, params))})"


def _word(errno: int | None) -> str:
    return "success" if errno is None else errorcode.get(errno, str(errno))


def step(
    reference: ReferenceTarget, target: Target, operation: Operation, untold: Untold | None = None
) -> tuple[int | None, Divergence | None]:
    """Do the operation on both.

    Where the target does something else that it names as `allowed`, the reference follows it.

    Args:
        reference: what the target is compared with.
        target: what is compared.
        operation: its name and parameters.
        untold: what the target tells is taken out of it.

    Returns:
        The reference's answer, and how the target differs; None if it does not.

    Raises:
        TargetError: the target does not keep to what a target must return.
    """
    name, params = operation
    allowed = getattr(target, "allowed", None)
    before = reference.machine.copy() if allowed else None
    expected = reference.do(name, *params)
    others: list[tuple[int | None, Machine]] = []
    try:
        got = answered(name, target.do(name, *params))
        seen = target.observe()
        divergence = _differing_outcome(reference, operation, expected, got, seen)
        if divergence is not None and allowed is not None:
            others = [_checked(each) for each in allowed(before, name, *params)]
    except (KeyboardInterrupt, TargetError):
        raise
    except BaseException as error:  # whatever a target raises is a finding, not the end of the run
        return expected, _crash((operation,), expected, error)
    if untold:
        tell(untold, seen)
    if divergence is None:
        return expected, None
    own = reference.machine
    for answer, machine in others:
        reference.follow(machine)
        if _differing_outcome(reference, operation, answer, got, seen) is None:
            return answer, None
    reference.follow(own)
    answers = tuple(answer for answer, _ in others)
    refusal = "" if reference.refusal is None else str(reference.refusal)
    return expected, replace(divergence, allowed=answers, refusal=refusal)


def _crash(
    operations: tuple[Operation, ...], expected: int | None, error: BaseException
) -> Divergence:
    crash, trace = failure(error)
    silent = isinstance(error, Silence)
    return Divergence(operations, expected, None, (), crash, trace=trace, silent=silent)


def _checked(pair: object) -> tuple[int | None, Machine]:
    """One of what `allowed` gives."""
    if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Machine):
        return answered("allowed", pair[0]), pair[1]
    raise TargetError(f"allowed() gives {cut(pair)}: pairs of an answer and a Machine are needed")


def _differing_outcome(
    reference: ReferenceTarget,
    operation: Operation,
    expected: int | None,
    got: int | None,
    seen: Observation,
) -> Divergence | None:
    try:
        unlike = differences(reference, reference.observe(), seen)
    except (AttributeError, KeyError):  # no mapping, or one that names what is no variable
        check_observation(seen, reference.spans)
        raise
    return Divergence((operation,), expected, got, unlike) if unlike or expected != got else None


def differences(
    reference: ReferenceTarget,
    wanted: Mapping[str, Sequence[int]],
    seen: Mapping[str, Sequence[Value | None]],
) -> tuple[Difference, ...]:
    """Every value that the target tells and that the reference has otherwise.

    Args:
        reference: names the machine's elements.
        wanted: what the reference observes.
        seen: what the target observes.

    Raises:
        TargetError: what it tells can be no value.
    """
    unlike = [name for name, values in seen.items() if _tuple(name, values) != wanted[name]]
    return tuple(
        difference
        for name in unlike
        if not _agree(wanted[name], seen[name])
        for difference in _differing(reference, name, wanted[name], seen[name])
    )


def _tuple(name: str, values: Sequence[Value | None]) -> tuple[Value | None, ...]:
    try:
        if not isinstance(values, str):
            return tuple(values)
        raise TypeError
    except TypeError:
        raise TargetError(
            f"observe() tells {cut(values)} of {name}: its values are needed, one for each element"
        ) from None


def _agree(wanted: Sequence[int], seen: Sequence[Value | None]) -> bool:
    """Quick, and right when it says yes: names are looked at one by one."""
    return len(seen) == len(wanted) and all(
        value is None or value == right for value, right in zip(seen, wanted, strict=True)
    )


def _differing(
    reference: ReferenceTarget, name: str, wanted: Sequence[int], values: Sequence[Value | None]
) -> list[Difference]:
    symbol = next(v.symbol for v in reference.system.variables if v.symbol.name == name)
    topology = reference.machine.topology
    points = topology.points(symbol.domain)
    if len(points) != len(values):
        return [Difference(name, f"{len(points)} values", f"{len(values)}")]
    unlike = []
    for point, right, value in zip(points, wanted, values, strict=True):
        expected = element_name(symbol.range, right)
        got = None if value is None else _name(symbol, value)
        if got is not None and got != expected:
            at = ", ".join(map(element_name, symbol.domain, point))
            unlike.append(Difference(f"{name}[{at}]", expected, got))
    return unlike


def _name(symbol: Symbol, value: Value) -> str:
    """How a value that a target tells is shown; a TargetError if it can be none."""
    members = symbol.range.members
    if isinstance(value, str):
        if members is not None and value not in members:
            words = guess(value, members) or f"; it is one of {', '.join(members)}"
            raise TargetError(f"observe() tells {cut(value)} of {symbol.name}{words}")
        return value
    try:
        number = index(value)
    except TypeError:
        raise TargetError(
            f"observe() tells {cut(value)} of {symbol.name}: a number, a name or None is needed"
        ) from None
    is_member = members is None or 0 <= number < len(members)
    return element_name(symbol.range, number) if is_member else cut(value)


def boot(reference: ReferenceTarget, target: Target, topology: Topology) -> Divergence | None:
    """Boot both; how the target failed, None if it did not.

    Raises:
        TargetError: it cannot be that machine.
    """
    reference.reset(topology)
    try:
        target.reset(topology)
    except (KeyboardInterrupt, TargetError):
        raise
    except ValueError as error:
        raise unfit(error) from None
    except BaseException as error:
        return _crash((), None, error)
    return None


def first_divergence(
    reference: ReferenceTarget,
    target: Target,
    topology: Topology,
    operations: Sequence[Operation],
) -> Divergence | None:
    """The first difference once both have booted and do the operations; None if there is none.

    Args:
        reference: what the target is compared with.
        target: what is compared.
        topology: the machine that both boot.
        operations: what they do, up to the difference.

    Raises:
        TargetError: as `boot` and `step`.
    """
    failed = boot(reference, target, topology)
    if failed is not None:
        return failed
    for number, operation in enumerate(operations, 1):
        _, divergence = step(reference, target, operation)
        if divergence is not None:
            return replace(divergence, operations=tuple(operations[:number]))
    return None


def shrunk(
    system: System, target: Target, topology: Topology, divergence: Divergence
) -> Divergence:
    """A divergence with fewer operations: none of them can be left out (delta debugging).

    One of a target that did not answer stays as it is: each attempt would wait as long again.

    Args:
        system: the design to compare with.
        target: what diverged; it is booted again and again.
        topology: the machine to boot.
        divergence: what a walk ended with; it is not ``steady`` if it is not there again.
    """
    if divergence.silent:
        return divergence
    reference, best = ReferenceTarget(system), divergence

    def fails(operations: Sequence[Operation]) -> Sequence[Operation] | None:
        nonlocal best
        again = first_divergence(reference, target, topology, operations)
        best = again or best
        return None if again is None else again.operations

    if divergence.operations and fails(divergence.operations) is None:
        return replace(divergence, steady=False)
    best = divergence
    minimized(divergence.operations, fails)
    return best
