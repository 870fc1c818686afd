"""Every mistake of a specification is reported when it is loaded: what, where, in what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memhp.spec.language import SpecificationError, load

from .conftest import Load, Write

ACTION = '''
@action
def go(b: Block) -> None:
    """Go."""
'''


def in_action(*lines: str) -> str:
    return ACTION + "".join(f"    {line}\n" for line in lines)


def with_property(kind: str, body: str, doc: str = '"""Says so."""') -> str:
    return f"\n@{kind}  # here\ndef claim(b: Block) -> Bool:\n    {doc}\n    return {body}\n"


ON = "mode[b] = Mode.on"
ENDING = '''
@ends(by={by})  # here
def work_ends(f: Frame) -> tuple[Bool, Bool]:
    """It ends."""
    return true, free[f]
'''
WAY = '''
@ends()  # here
def work_ends(b: Block) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """It ends."""
    return true, mode[b] == Mode.on, ({way},)
'''
MISTAKES = {
    "counting in a guard": (
        in_action('guard("few", count(Frame, lambda f: free[f]) == 1, why="many")  # here', ON),
        "count() stands alone: only `counter == count(...)`, @always",
    ),
    "counting beside something else": (
        '\n@always()  # here\ndef claim(b: Block) -> Bool:\n    """Says so."""\n'
        "    return count(Frame, lambda f: free[f]) <= 1\n",
        "count() stands alone: only `counter == count(...)`, @always",
    ),
    "guard without a name": (
        in_action('guard("", mode[b] == Mode.off, why="on")  # here', ON),
        "go: a guard needs a name that is an identifier, not ''",
    ),
    "guard whose name is a sentence": (
        in_action('guard("is off", mode[b] == Mode.off, why="on")  # here', ON),
        "go: a guard needs a name that is an identifier, not 'is off'",
    ),
    "guard without a reason": (
        in_action('guard("off", mode[b] == Mode.off, why=" ")  # here', ON),
        "go: guard 'off' does not say why",
    ),
    "two guards of one name": (
        in_action(
            'guard("off", mode[b] == Mode.off, why="on")',
            'guard("off", mode[b] != Mode.on, why="on")  # here',
            ON,
        ),
        "go: guard 'off' is declared twice",
    ),
    "guard after an update": (
        in_action(ON, 'guard("off", mode[b] == Mode.off, why="on")  # here'),
        "go: guard 'off' stands after an update; guards come first",
    ),
    "guard that is no formula": (
        in_action('guard("off", mode[b], why="on")  # here', ON),
        "go: mode[b] has sort Mode; sort Bool was expected",
    ),
    "guard outside an action": (
        "\n@always()\ndef claim(b: Block) -> Bool:\n"
        '    """Says so."""\n    guard("off", true, why="on")  # here\n    return true\n',
        "claim: guard 'off' stands outside an action",
    ),
    "comparison of two sorts": (
        in_action('guard("off", mode[b] == b, why="on")  # here', ON),
        "go: b has sort Block; sort Mode was expected",
    ),
    "comparison with a Python value": (
        in_action('guard("off", mode[b] == 0, why="on")  # here', ON),
        "go: 0 is not a term; a term of sort Mode was expected",
    ),
    "argument of another sort": (
        in_action('guard("taken", ~free[b], why="free")  # here', ON),
        "go: b has sort Block; sort Frame was expected",
    ),
    "value of another sort": (
        in_action("mode[b] = true  # here"),
        "go: true has sort Bool; sort Mode was expected",
    ),
    "bulk value of another sort": (
        in_action("free.update(where=lambda f: block_of[f] == b, value=Mode.on)  # here"),
        "go: Mode.on has sort Mode; sort Bool was expected",
    ),
    "bulk value that is Python's": (
        in_action("free.update(where=lambda f: block_of[f] == b, value=True)  # here"),
        "go: True is not a term; a term of sort Bool was expected: write true",
    ),
    "bulk condition with too many parameters": (
        in_action("free.update(where=lambda f, g: true, value=true)  # here"),
        "go: 1 sorts are bound, but the function takes 2 parameters",
    ),
    "definition called with another sort": (
        "@definition\ndef taken(f: Frame) -> Bool:\n    return ~free[f]\n"
        + in_action('guard("taken", taken(b), why="free")  # here', ON),
        "go: b has sort Block; sort Frame was expected",
    ),
    "definition called with too few arguments": (
        "@definition\ndef taken(f: Frame) -> Bool:\n    return ~free[f]\n"
        + in_action('guard("taken", taken(), why="free")  # here', ON),
        "go: taken takes 1 arguments, 0 are given",
    ),
    "function applied to too many arguments": (
        in_action('guard("off", mode[b, b] == Mode.off, why="on")  # here', ON),
        "go: mode takes 1 arguments, 2 are given",
    ),
    "symbol without a name of its own": (
        'hidden = {"it": variable(Block, Bool, initial=lambda b: false)}\n'
        + in_action('guard("it", hidden["it"][b], why="it is not")  # here', ON),
        "go: an undeclared symbol is used: assign it to a name at the module's top level",
    ),
    "update of topology": (
        "@action\ndef move(f: Frame, b: Block) -> None:\n"
        '    """Move."""\n    block_of[f] = b  # here\n',
        "move: block_of is topology: no action may change it",
    ),
    "two updates of one point": (
        in_action(ON, "mode[b] = Mode.off  # here"),
        "go: mode is updated twice at one point (see tiny:",
    ),
    "a bulk update over a point update": (
        in_action(ON, "mode.update(where=lambda c: true, value=Mode.off)  # here"),
        "go: mode is updated twice at one point (see tiny:",
    ),
    "a point update over a bulk update": (
        in_action("mode.update(where=lambda c: true, value=Mode.off)", ON + "  # here"),
        "go: mode is updated twice at one point (see tiny:",
    ),
    "update outside an action": (
        "\n@always()\ndef claim(b: Block) -> Bool:\n"
        '    """Says so."""\n    mode[b] = Mode.on  # here\n    return true\n',
        "claim: mode is updated outside an action",
    ),
    "term as a Python truth value": (
        in_action("if mode[b] == Mode.off:  # here", "    " + ON),
        "go: a term has no truth value while it is written: use &, |, ~, implies, ite",
    ),
    "term joined with Python's and": (
        in_action('guard("off", mode[b] == Mode.off and true, why="on")  # here', ON),
        "go: a term has no truth value while it is written",
    ),
    "action that changes nothing": (
        "\n@action  # here\ndef go(b: Block) -> None:\n"
        '    """Go."""\n    guard("off", mode[b] == Mode.off, why="on")\n',
        "action 'go' changes nothing: an update is variable[element] = value",
    ),
    "parameter without a sort": (
        "\n@action  # here\ndef go(b) -> None:\n    mode[b] = Mode.on\n",
        "go: parameter 'b' is not annotated with a sort",
    ),
    "parameter with a sort that does not exist": (
        "\n@action  # here\ndef go(b: Blok) -> None:\n    mode[b] = Mode.on\n",
        "the annotations of go name what does not exist: name 'Blok' is not defined",
    ),
    "property that does not say what it claims": (
        with_property("always()", "mode[b] == Mode.on", doc="pass"),
        "property 'claim' has no docstring that says it in words",
    ),
    "property that is no term": (
        with_property("always()", "None"),
        "claim returns None, not a term",
    ),
    "always property of two states": (
        with_property("always()", "after(mode[b]) == Mode.on"),
        "claim speaks of the state after a step: declare it @step",
    ),
    "sometimes property of two states, through a definition": (
        "@definition\ndef later(b: Block) -> Bool:\n    return after(mode[b]) == Mode.on\n"
        + with_property("sometimes()", "later(b)"),
        "claim speaks of the state after a step: write after() in the property itself",
    ),
    "always property of two states, through a definition": (
        "@definition\ndef later(b: Block) -> Bool:\n    return after(mode[b]) == Mode.on\n"
        + with_property("always()", "later(b)"),
        "claim speaks of the state after a step",
    ),
    "guard that looks into the future": (
        in_action('guard("off", after(mode[b]) == Mode.off, why="on")  # here', ON),
        "go speaks of the state after a step",
    ),
    "update that looks into the future": (
        in_action("mode[b] = after(mode[b])  # here"),
        "go speaks of the state after a step",
    ),
    "axiom that reads state": (
        with_property("axiom", "mode[b] == Mode.on"),
        "axiom claim reads mode, which is state",
    ),
    "axiom that reads state through a definition": (
        "@definition\ndef on(b: Block) -> Bool:\n    return mode[b] == Mode.on\n"
        + with_property("axiom", "on(b)"),
        "claim reads mode, which is state",
    ),
    "initial value that reads state": (
        "other = variable(Block, Mode, initial=lambda b: mode[b])  # here\n",
        "the initial value of other reads mode, which is state",
    ),
    "initial value that is no function": (
        "other = variable(Block, Bool, initial=false)  # here\n",
        "the initial value of other is no function of its elements: "
        "write initial=lambda ...: false",
    ),
    "initial value that is Python's": (
        "other = variable(Block, Bool, initial=lambda b: False)  # here\n",
        "initial_other: False is not a term; a term of sort Bool was expected: write false",
    ),
    "formula that is of another sort": (
        with_property("always()", "mode[b]"),
        "claim: mode[b] has sort Mode; sort Bool was expected",
    ),
    "property whose decorator is not called": (
        with_property("always", "mode[b] == Mode.on"),
        "@always needs parentheses: write @always()",
    ),
    "symbol without its elements": (
        in_action("mode[b] = mode  # here"),
        "go: <mode, to be written mode[Block]> is not a term; a term of sort Mode was expected",
    ),
    "definition that uses itself": (
        "\n@definition  # here\ndef on(b: Block) -> Bool:\n    return ~on(b)\n",
        "definition on uses itself",
    ),
    "definitions that use each other": (
        "\n@definition  # here\ndef on(b: Block) -> Bool:\n    return ~off(b)\n"
        "\n@definition\ndef off(b: Block) -> Bool:\n    return ~on(b)\n",
        "definition on uses itself",
    ),
    "definition that does not name its sort": (
        "\n@definition  # here\ndef on(b: Block):\n    return mode[b] == Mode.on\n",
        "definition on is not annotated with the sort it returns",
    ),
    "work that may be added to by what is to end it": (
        "\n@action\ndef clear(f: Frame) -> None:\n"
        '    """Somebody takes the frame."""\n    free[f] = false\n'
        "\n@ends(by=clear, unless=clear)  # here\n"
        'def frames_are_taken(f: Frame) -> tuple[Bool, Bool]:\n    """It ends."""\n'
        "    return true, free[f]\n",
        "frames_are_taken: clear is to end the work, and may add to it",
    ),
    "work that a property is to end": (
        with_property("always()", "true").replace("  # here", "") + ENDING.format(by="claim"),
        "work_ends: claim is no action",
    ),
    "work that is named as text": (
        ENDING.format(by="'clear'"),
        "work_ends: 'clear' is no action",
    ),
    "work whose action takes other elements": (
        in_action(ON) + ENDING.format(by="go"),
        "work_ends needs a parameter b: Block, for go",
    ),
    "a way on that is a tuple": (
        in_action(ON) + WAY.format(way="(true, go)"),
        "work_ends: (true, go) is not a `Progress`",
    ),
    "a way on by a property": (
        with_property("always()", "true").replace("  # here", "")
        + WAY.format(way="Progress(true, claim)"),
        "work_ends: claim is no action",
    ),
    "a way on by what is no member": (
        in_action(ON) + WAY.format(way="Progress(true, (go, mode[b]))"),
        "work_ends: go takes out mode[b], which is no enumeration's member",
    ),
    "a way on by a member of no parameter": (
        in_action(ON) + WAY.format(way="Progress(true, (go, Mode.on))"),
        "work_ends: go takes out 'on', which is none",
    ),
    "a way on whose parameter has another sort there": (
        in_action(ON)
        + WAY.format(way="Progress(true, go)")
        .replace("b: Block", "b: Frame")
        .replace("mode[b] == Mode.on", "free[b]"),
        "work_ends: b is a Block of go, and a Frame there: name one of them otherwise",
    ),
    "a way on by an action and nothing beside it": (
        in_action(ON) + WAY.format(way="Progress(true, (go,))"),
        "work_ends: (go,) is no action, nor an action and a member",
    ),
    "a way on of what is no element": (
        in_action(ON) + WAY.format(way="Progress(true, go, b=1)"),
        "work_ends: b is 1, which is no element",
    ),
    "a way on that stands alone": (
        in_action(ON) + WAY.format(way="Progress(true, go)").replace(",)\n", ")\n"),
        "work_ends must return the ways on as a tuple",
    ),
    "an element of another declaration": (
        "leaked = []\n\n@always()\ndef first(f: Frame) -> Bool:\n"
        '    """Says so."""\n    leaked.append(f)\n    return free[f]\n'
        "\n@always()  # here\ndef second(b: Block) -> Bool:\n"
        '    """Says so."""\n    return block_of[leaked[0]] == b\n',
        "second uses f, which it neither takes nor quantifies",
    ),
    "symbol with two names": (
        "second = mode\n",
        "'mode' has a second name, 'second'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_place_and_declaration(
    mistake: str, loaded: Load, line_of_mark: Callable[..., int]
) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(SpecificationError) as caught:
        loaded(text)
    place, _, what = str(caught.value).partition(": ")
    assert what.startswith(message)
    if "# here" in text:
        assert place == f"tiny:{line_of_mark()}"
    else:
        assert place.startswith("tiny:")


def test_a_property_covers_rows_that_there_are(
    write: Write, line_of_mark: Callable[..., int]
) -> None:
    module = write(with_property("always(covers='N1 N9')", "mode[b] == Mode.off"))
    assert load("any", (module,)).rows == ("N1", "N9")
    with pytest.raises(SpecificationError) as caught:
        load("tiny", (module,), rows={"N1"})
    place = f"tiny:{line_of_mark()}"
    assert str(caught.value) == f"{place}: claim covers 'N9', which is no row; there are: N1"


def test_an_enumeration_names_its_members(loaded: Load) -> None:
    with pytest.raises(SpecificationError, match=r"tiny:\d+: enumeration Nothing has no members"):
        loaded('class Nothing(Enumeration):\n    """Empty."""\n')


@pytest.mark.parametrize(
    "text",
    [
        "flag = topology(Frame, Bool)  # here\n",
        "@definition  # here\ndef flag(f: Frame) -> Bool:\n    return ~free[f]\n",
        '@always()  # here\ndef flag(f: Frame) -> Bool:\n    """Says so."""\n    return free[f]\n',
        'class flag(Sort):  # here\n    """A sort."""\n',
    ],
)
def test_a_name_is_declared_once(text: str, write: Write, line_of_mark: Callable[..., int]) -> None:
    first = write("flag = topology(Block, Bool)\n", "first")
    second = write("from first import Frame, free\n" + text, "second", base="")
    with pytest.raises(SpecificationError) as caught:
        load("two", (first, second))
    place = f"second:{line_of_mark('second')}"
    assert str(caught.value) == f"{place}: 'flag' is declared in two modules"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("return mode[b] == Mode.on", r"second:\d+: symbol 'mode' belongs to no loaded module"),
        ("return on(b)", r"second:\d+: definition 'on' belongs to no loaded module"),
    ],
)
def test_what_a_property_reads_is_loaded(text: str, message: str, write: Write) -> None:
    on = "@definition\ndef on(b: Block) -> Bool:\n    return mode[b] == Mode.on\n"
    load("first", (write(on, "first"),))
    second = write(
        "from first import Block, Mode, mode, on\n"
        f'@always()\ndef claim(b: Block) -> Bool:\n    """Says so."""\n    {text}\n',
        "second",
        base="",
    )
    with pytest.raises(SpecificationError, match=message):
        load("second", (second,))


def test_a_mistake_leaves_nothing_behind(loaded: Load) -> None:
    with pytest.raises(SpecificationError):
        loaded(in_action(ON, ON))
    assert len(loaded(in_action(ON)).actions) == 1
