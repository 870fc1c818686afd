"""The answers that a fragment of a configuration decides, whatever its base is (U6)."""

from __future__ import annotations

from memhp.spec.numbers.kconfig import ARCHITECTURE_SYMBOLS, CAPABILITIES
from memhp.spec.numbers.kconfig_language import names

from .configuration import Kernel, cone, missing
from .configuration_claims import every_configuration
from .configuration_judge import Answer
from .configuration_plan import impossible

__all__ = ["alone"]


def alone(kernel: Kernel, name: str) -> Answer:
    """The answer of a fragment on a capability, by the rules of one release, whatever its base is.

    It *works* if it does in each configuration that has the fragment's lines; it is *missing*
    if it works in none of them, though in some without; else it is *unknown*, and depends on
    the base.
    """
    each = next(c for c in CAPABILITIES if c.name == name)
    facts = {"MODULES": 2, **dict.fromkeys(ARCHITECTURE_SYMBOLS[kernel.architecture], 2)}
    if why := impossible(
        Kernel(kernel.rules, {}, facts, {}, kernel.architecture, kernel.version), name
    ):
        return Answer(each, "impossible", why=why)
    options = cone(kernel.rules, names(each.needs)).values()
    encoding, solver = every_configuration(tuple(options), kernel.architecture)
    for option, value in kernel.file.items():
        if option in encoding.new:
            solver.add(encoding.new[option], encoding.to[option] == value)
    for fact, value in kernel.facts.items():
        solver.add(encoding.values.get(fact, value) == value)
    gives, lacks = encoding.gives(name), missing(kernel, name)
    if str(solver.check(encoding.z3.Not(gives))) == "unsat":
        return Answer(each, "works")
    if str(solver.check(gives)) == "unsat":
        return Answer(each, "missing", tuple(n for n in lacks if kernel.file.get(n) == 0))
    rest = tuple(n for n in lacks if n not in kernel.file)
    return Answer(each, "unknown", rest, "the fragment does not decide it: its base does")
