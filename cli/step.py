"""`memhp step`: lead one machine step by step, and ask it why."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import at_least_one, file_name
from .designs import add_design, design_or_variant
from .files import fail, write_file
from .names import choose
from .output.streams import UsageError, one_line
from .output.terminal import print_changes
from .systems import add_system

if TYPE_CHECKING:
    from memhp.reference.session import Session
    from memhp.spec.language import System

_EPILOG = """commands, at the prompt or in the lines of a file:
  steps [ACTION]         the steps that are possible now, numbered
  3                      take the third of them
  begin_offline(block1)  take a step by its name, with elements by name or number
  why begin_offline(0)   every guard that refuses it now
  eval EXPR              a value: block_state[block0], has_room(node0), begin_offline(block0),
                         count(Block, lambda b: block_state[b] == online), a property's name
  state [VARIABLE]       what has changed since boot, or all of one variable
  violated               the properties that fail now, or failed in the last step
  back [N]               take steps back
  save FILE              the run as a trace, for memhp replay
  help, quit

examples:
  memhp step                                  a machine of two blocks
  memhp step --scope block=3 --variant pgdat-goes-early
  memhp step --design mine.py                 a design of your own
  memhp step --system mine.py                 a system of your own, no memory hotplug
  memhp step --input commands.txt             without a prompt; stops at a line that is wrong

exit codes: 0, 1 a property failed on the way, 2 usage
"""
_MOST_INPUT = 1 << 20
_MOST_SHOWN = 60
"""So many steps are listed unless an action is named."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "step",
        help="lead a machine step by step: what is possible, why not, and back",
        description="Boots a small machine and takes the steps that you choose, on the reference.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--scope", metavar="S", help="the machine's size (default: block=2, or two of each sort)"
    )
    parser.add_argument(
        "--machine",
        type=at_least_one,
        metavar="N",
        default=1,
        help="the Nth machine of that size (default: %(default)s)",
    )
    parser.add_argument("--profile", default="list-2004", help="whose choices")
    parser.add_argument("--variant", metavar="V", help="a wrong design")
    add_design(parser)
    add_system(parser)
    parser.add_argument("--input", type=Path, metavar="FILE", help="take commands from a file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Take the steps; the exit code is 1 if a property failed on the way."""
    from memhp.checks.search.scopes import ScopeError

    try:
        talk = Talk(_begun(args))
        if args.input is None:
            return talk.prompted()
        return talk.scripted(_lines(args.input), str(args.input))
    except (UsageError, ScopeError) as error:
        return fail("step", error)


def _begun(args: argparse.Namespace) -> Session:
    from memhp.checks.search.scopes import machines, scope_of_two
    from memhp.reference import Machine
    from memhp.reference.session import Session

    system = design_or_variant(args)
    scope = scope_of_two(system) if args.scope is None else args.scope
    shapes = machines(system, scope)
    if args.machine > len(shapes):
        raise UsageError(f"--machine {args.machine}: scope {scope} has {len(shapes)}")
    return Session(Machine(system, shapes[args.machine - 1].build(system)))


def _lines(path: Path) -> list[str]:
    from memhp.checks.support.files import read_whole

    try:
        return read_whole(path, _MOST_INPUT).decode().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


class Talk:
    """What is asked of a session, and what it answers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._listed: list[tuple[str, dict[str, Any]]] = []
        self._failed = False
        self._commands: dict[str, Callable[[str], None]] = {
            "steps": self._steps,
            "why": self._why,
            "eval": self._eval,
            "state": self._state,
            "violated": self._violated,
            "back": self._back,
            "save": self._save,
            "help": lambda _: print(_EPILOG.partition("\n\nexamples")[0]),
        }

    def prompted(self) -> int:
        """Ask a person until they have enough; the exit code."""
        if sys.stdin.isatty():
            import readline  # noqa: F401  # the prompt remembers lines
        print(one_line(f"{self._session.machine!r}; help says what can be asked"))
        while True:
            try:
                line = input(f"{len(self._session.steps)}> ")
            except EOFError:
                print()
                break
            if not self._told(line):
                break
        return int(self._failed)

    def scripted(self, lines: Sequence[str], name: str) -> int:
        """Do what the lines say, up to one that is wrong; the exit code.

        Raises:
            UsageError: a line is wrong; with its number.
        """
        for number, line in enumerate(lines, 1):
            if not (command := line.partition("#")[0].strip()):
                continue
            print(one_line(f"> {command}"))
            try:
                if not self._done(command):
                    break
            except (ValueError, UsageError) as error:
                raise UsageError(f"{name}:{number}: {error}") from None
        return int(self._failed)

    def _told(self, line: str) -> bool:
        """Do what a person says; whether to go on."""
        try:
            return self._done(line.strip())
        except (ValueError, UsageError) as error:
            print(one_line(str(error)))
            return True

    def _done(self, command: str) -> bool:
        """Do the command; whether to go on.  Raises ValueError or UsageError if it is none."""
        word, _, rest = command.partition(" ")
        if word in ("quit", "exit"):
            return False
        if re.fullmatch(r"[0-9]{1,6}", command):
            self._take(*self._numbered(int(command)))
        elif word in self._commands:
            self._commands[word](rest.strip())
        elif command:
            self._take(*self._named(command))
        return True

    # --- steps --------------------------------------------------------------------------------

    def _named(self, text: str) -> tuple[str, Sequence[str], dict[str, str]]:
        """An action and its parameters: ``online(block0)``, ``online(b=0)`` or ``online 0``."""
        match = re.fullmatch(r"(\w+)\s*(?:\((.*)\)|\s(.*))?", text)
        if match is None or match[1] not in self._system.action_by_name:
            known = [*self._commands, *self._system.action_by_name]
            word = choose("command or action", match[1] if match else text, known)
            raise ValueError(f"there is no command or action {text[:100]!r}; did you mean {word}?")
        words = [word for word in re.split(r"[\s,]+", match[2] or match[3] or "") if word]
        pairs = [word.partition("=") for word in words]
        by_position = [_argument(name) for name, equals, _ in pairs if not equals]
        return match[1], by_position, {name: _argument(v) for name, equals, v in pairs if equals}

    def _numbered(self, number: int) -> tuple[str, Sequence[str], dict[str, Any]]:
        if not self._listed:
            self._listed = list(self._session.machine.enabled())
        if not 1 <= number <= len(self._listed):
            raise ValueError(f"there is no step {number}; there are {len(self._listed)}: steps")
        action, params = self._listed[number - 1]
        return action, (), params

    def _take(self, action: str, args: Sequence[Any], params: dict[str, Any]) -> None:
        outcome = self._session.take(action, *args, **params)
        if not outcome:
            print(one_line(str(outcome)))
            return
        self._listed = []
        print(one_line(self._shown(*self._last())))
        print_changes(self._session.before, self._session.machine)
        for violation in self._violations():
            self._failed = True
            print(one_line(f"     violated: {violation}"))

    def _last(self) -> tuple[str, Any]:
        step = self._session.steps[-1]
        return step.action, step.params

    def _steps(self, action: str) -> None:
        action = action and choose("action", action, self._system.action_by_name)
        self._listed = list(self._session.machine.enabled(*([action] if action else [])))
        most = len(self._listed) if action else _MOST_SHOWN
        for number, (name, params) in enumerate(self._listed[:most], 1):
            print(f"{number:4} {self._shown(name, params)}")
        if len(self._listed) > most:
            print(f"     and {len(self._listed) - most} more: steps ACTION, or their numbers")
        elif not self._listed:
            print("no step is possible" + (f": why {action}(…)" if action else ""))

    def _why(self, text: str) -> None:
        if not text:
            raise ValueError("why needs a step, such as: why begin_offline(block0)")
        action, args, params = self._named(text)
        guards = self._session.machine.failing(action, *args, **params)
        for guard in guards:
            print(one_line(f"{guard.name}: {guard.why}"))
        if not guards:
            print("it would be taken")

    def _back(self, text: str) -> None:
        if text and not re.fullmatch(r"[1-9][0-9]{0,5}", text):
            raise ValueError(f"back takes a number of steps, not {text[:20]!r}")
        number = self._session.back(int(text or 1))
        self._listed = []
        print(f"{number} taken back; {len(self._session.steps)} steps from where it began")

    # --- states -------------------------------------------------------------------------------

    def _eval(self, text: str) -> None:
        from memhp.reference.expressions import value_of
        from memhp.reference.topology import element_name

        print(element_name(*value_of(text, self._session.machine)))

    def _state(self, name: str) -> None:
        from memhp.reference import Machine
        from memhp.reference.topology import element_name

        machine = self._session.machine
        if not name:
            print_changes(Machine(machine.system, machine.topology), machine)
            return
        variables = {each.symbol.name: each.symbol for each in self._system.variables}
        name = choose("variable", name, variables)
        domain = variables[name].domain
        for point in machine.topology.points(domain):
            where = ", ".join(map(element_name, domain, point))
            value = machine.get(name, *point)
            text = value if isinstance(value, str) else element_name(variables[name].range, value)
            print(one_line(f"     {name}[{where}]: {text}"))

    def _violated(self, _: str) -> None:
        for violation in self._violations():
            print(one_line(violation))
        if not self._violations():
            print("none")

    def _violations(self) -> list[str]:
        machine = self._session.machine
        of_step = machine.step_violations(self._session.before) if self._session.steps else []
        return [str(each) for each in (*of_step, *machine.violations())]

    def _save(self, name: str) -> None:
        if not name:
            raise ValueError("save needs the name of a file")
        document = self._session.trace().to_itf(self._system)
        write_file(file_name(name), json.dumps(document, indent=1) + "\n")
        print(one_line(f"{name}: {len(self._session.steps)} steps"))

    @property
    def _system(self) -> System:
        return self._session.machine.system

    def _shown(self, action: str, params: Any) -> str:
        from memhp.reference.outcome import shown

        return shown(action, self._system.action_by_name[action].params, params)


def _argument(word: str) -> Any:
    return int(word) if re.fullmatch("[0-9]{1,9}", word) else word
