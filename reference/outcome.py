"""What a machine answers: a step was taken or refused, a property fails, a value changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memhp.spec.language.errnos import errorcode
from memhp.spec.language.system import Property
from memhp.spec.language.terms import Var

from .topology import Value, element_name

__all__ = ["OK", "Change", "Ok", "Outcome", "Refusal", "Violation", "shown"]


@dataclass(frozen=True, slots=True)
class Ok:
    """The answer that the step was taken."""

    def __bool__(self) -> Literal[True]:
        return True

    def __str__(self) -> str:
        return "ok"


OK = Ok()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer that the step was not taken, and nothing changed.

    ``guard`` names the first guard that fails; ``errno`` is what a user sees,
    or None for a step that no user asks for.

    >>> print(Refusal("begin_offline", "online", 22, "the block is not online"))
    begin_offline: EINVAL: the block is not online (online)
    """

    action: str
    guard: str
    errno: int | None
    why: str

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        code = "" if self.errno is None else f"{errorcode.get(self.errno, self.errno)}: "
        return f"{self.action}: {code}{self.why} ({self.guard})"


Outcome = Ok | Refusal


@dataclass(frozen=True)
class Violation:
    """A property that fails, and the elements for which it does."""

    claim: Property
    params: Mapping[str, Value]

    def __repr__(self) -> str:
        return f"<Violation {self}>"

    @property
    def property(self) -> str:
        """The property's name."""
        return self.claim.name

    def __str__(self) -> str:
        return shown(self.claim.name, self.claim.params, self.params)


@dataclass(frozen=True, slots=True)
class Change:
    """A value that two states do not share, in readable form.

    >>> print(Change("block_state", ("block0",), "online", "going_offline"))
    block_state[block0]: online -> going_offline
    """

    variable: str
    args: tuple[str, ...]
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.variable}[{', '.join(self.args)}]: {self.before} -> {self.after}"


def shown(name: str, variables: tuple[Var, ...], params: Mapping[str, Value]) -> str:
    """An action or a property with its parameters, as ``name(b=block0)``."""
    parts = []
    for var in variables:
        value = params[var.name]
        text = value if isinstance(value, str) else element_name(var.sort, int(value))
        parts.append(f"{var.name}={text}")
    return f"{name}({', '.join(parts)})"
