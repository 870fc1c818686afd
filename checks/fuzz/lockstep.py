"""Two targets in lock step: the same operation, then both answers and what both see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from errno import errorcode

from memhp.reference.target import Observation, ReferenceTarget, Target
from memhp.reference.topology import Topology, Value, element_name
from memhp.spec.language.system import System

from .rules import Operation
from .told import Untold, tell

__all__ = ["Difference", "Divergence", "first_divergence", "shrunk", "step"]


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

    ``operations`` are all from the boot on, the diverging one last; ``expected``
    and ``got`` are both answers (None: success, otherwise an errno); ``allowed``
    are further answers that would have been right with another state; ``crash``
    says with what exception the target failed, if it did.
    """

    operations: tuple[Operation, ...]
    expected: int | None
    got: int | None
    differences: tuple[Difference, ...]
    crash: str = ""
    allowed: tuple[int | None, ...] = ()

    @property
    def step(self) -> int:
        """The number of the diverging operation, from 1."""
        return len(self.operations)

    def __str__(self) -> str:
        lines = [f"step {self.step}: {_shown(self.operations[-1])}"]
        if self.crash:
            lines.append(f"  the target failed: {self.crash}")
        elif self.expected != self.got:
            right = " or ".join(map(_word, dict.fromkeys((self.expected, *self.allowed))))
            lines.append(f"  the reference answers {right}, {_word(self.got)} came")
        lines += [f"  {difference}" for difference in self.differences]
        return "\n".join(lines)


def _shown(operation: Operation) -> str:
    name, params = operation
    return f"{name}({', '.join(map(str, params))})"


def _word(errno: int | None) -> str:
    return "success" if errno is None else errorcode.get(errno, str(errno))


def step(
    reference: ReferenceTarget, target: Target, operation: Operation, untold: Untold | None = None
) -> tuple[int | None, Divergence | None]:
    """Do the operation on both.  Returns the reference's answer, and how the target differs.

    Where the target does something else that is `allowed`, the reference follows it.
    What the target tells is taken out of ``untold``.
    """
    name, params = operation
    allowed = getattr(target, "allowed", None)
    before = reference.machine.copy() if allowed else None
    expected = reference.do(name, *params)
    try:
        got = target.do(name, *params)
        seen = target.observe()
        found = _differing_outcome(reference, operation, expected, got, seen)
        others = [] if found is None or allowed is None else list(allowed(before, name, *params))
    except Exception as error:  # whatever a target raises is a finding, not the end of the run
        crash = f"{type(error).__name__}: {error}"
        return expected, Divergence((operation,), expected, None, (), crash)
    if untold:
        tell(untold, seen)
    if found is None:
        return expected, None
    own = reference.machine
    for answer, machine in others:
        reference.follow(machine)
        if _differing_outcome(reference, operation, answer, got, seen) is None:
            return answer, None
    reference.follow(own)
    return expected, replace(found, allowed=tuple(answer for answer, _ in others))


def _differing_outcome(
    reference: ReferenceTarget,
    operation: Operation,
    expected: int | None,
    got: int | None,
    seen: Observation,
) -> Divergence | None:
    found = differences(reference, reference.observe(), seen)
    return Divergence((operation,), expected, got, found) if found or expected != got else None


def differences(
    reference: ReferenceTarget,
    wanted: Mapping[str, Sequence[int]],
    seen: Mapping[str, Sequence[Value | None]],
) -> tuple[Difference, ...]:
    """Every value that the target tells and that the reference has otherwise."""
    unlike = [name for name, values in seen.items() if tuple(values) != wanted[name]]
    return tuple(
        difference
        for name in unlike
        if not _agree(wanted[name], seen[name])
        for difference in _differing(reference, name, wanted[name], seen[name])
    )


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
    found = []
    for point, right, value in zip(points, wanted, values, strict=True):
        expected = element_name(symbol.range, right)
        got = value if isinstance(value, str) else None
        if value is not None and got is None:
            members = symbol.range.members
            known = members is None or 0 <= int(value) < len(members)
            got = element_name(symbol.range, int(value)) if known else f"{value!r}"
        if got is not None and got != expected:
            at = ", ".join(map(element_name, symbol.domain, point))
            found.append(Difference(f"{name}[{at}]", expected, got))
    return found


def first_divergence(
    reference: ReferenceTarget,
    target: Target,
    topology: Topology,
    operations: Sequence[Operation],
) -> Divergence | None:
    """Boot both, do the operations, and stop at the first difference."""
    reference.reset(topology)
    target.reset(topology)
    for number, operation in enumerate(operations, 1):
        _, found = step(reference, target, operation)
        if found is not None:
            return replace(found, operations=tuple(operations[:number]))
    return None


def shrunk(system: System, target: Target, topology: Topology, found: Divergence) -> Divergence:
    """A divergence with fewer operations: none of them can be left out (delta debugging)."""
    reference = ReferenceTarget(system)

    def diverges(operations: Sequence[Operation]) -> Divergence | None:
        return first_divergence(reference, target, topology, operations)

    return _shrunk(found, diverges)


def _shrunk(
    best: Divergence, diverges: Callable[[Sequence[Operation]], Divergence | None]
) -> Divergence:
    size = max(1, len(best.operations) // 2)
    while True:
        start, smaller = 0, False
        while start < len(best.operations):
            rest = best.operations[:start] + best.operations[start + size :]
            found = diverges(rest) if rest else None
            if found is None:
                start += size
            else:
                best, smaller = found, True
        if size == 1 and not smaller:
            return best
        size = max(1, size // 2)
