"""Claims that are false, each for one reason: a checker that forgets to look there proves it.

Each claim is decided alone, as the only property of the system: nothing that is
false is relied on.  Three are true; a checker that looks wrongly refutes them.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Enumeration,
    Int,
    Progress,
    Sort,
    action,
    after,
    all_of,
    always,
    axiom,
    count,
    ends,
    exists,
    false,
    forall,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)


class Box(Sort):
    """A box."""


class Item(Sort):
    """An item: it belongs to one box."""


class Mood(Enumeration):
    """What an item is like; nothing can be done about one that is stuck."""

    calm: Mood
    busy: Mood
    stuck: Mood


box = topology(Item, Box)
"""Where an item belongs."""

after_it = topology(Item, Item)
"""The item that comes after another."""

filled = variable(Item, Bool, initial=lambda i: false)
fills = variable(Box, Int, initial=lambda b: Int.of(0))
stored = variable(Item, Bool, initial=lambda i: false)
stores = variable(Box, Int, initial=lambda b: Int.of(0))
born = variable(Item, Bool, initial=lambda i: true)
births = variable(Box, Int, initial=lambda b: Int.of(0))
lost = variable(Item, Bool, initial=lambda i: false)
losses = variable(Box, Int, initial=lambda b: Int.of(1))
kept = variable(Item, Bool, initial=lambda i: false)
keeps = variable(Box, Int, initial=lambda b: Int.of(0))
items = variable(Box, Int, initial=lambda b: Int.of(3))
lit = variable(Item, Bool, initial=lambda i: false)
torn = variable(Item, Bool, initial=lambda i: false)
worn = variable(Item, Bool, initial=lambda i: false)
to_do = variable(Item, Bool, initial=lambda i: true)
relayed = variable(Item, Bool, initial=lambda i: true)
noisy = variable(Item, Bool, initial=lambda i: false)
turned = variable(Box, Bool, initial=lambda b: false)
entered = variable(Item, Bool, initial=lambda i: false)
gate = variable(Box, Bool, initial=lambda b: false)
mood = variable(Item, Mood, initial=lambda i: Mood.busy)


@axiom
def what_comes_after_is_another(i: Item) -> Bool:
    """No item comes after itself."""
    return after_it[i] != i


@action
def fill_all(b: Box) -> None:
    """All items of a box are filled at once, and counted as one."""
    guard("room", exists(Item, lambda i: (box[i] == b) & ~filled[i]), why="it is full")
    filled.update(where=lambda i: box[i] == b, value=true)
    fills[b] = fills[b] + 1


@action
def store(i: Item) -> None:
    """An item is stored, and counted: as it should be."""
    guard("outside", ~stored[i], why="it is stored")
    stored[i] = true
    stores[box[i]] = stores[box[i]] + 1


@action
def clear(b: Box) -> None:
    """All items of a box are taken out at once, and counted as one."""
    guard("something", exists(Item, lambda i: (box[i] == b) & stored[i]), why="it is empty")
    stored.update(where=lambda i: box[i] == b, value=false)
    stores[b] = stores[b] - 1


@action
def keep(i: Item) -> None:
    """An item is kept, and counted: as it should be."""
    guard("outside", ~kept[i], why="it is kept")
    kept[i] = true
    keeps[box[i]] = keeps[box[i]] + 1


@action
def forget_all(b: Box) -> None:
    """No item of a box is kept any more, and the counter is 0: right, for any number."""
    kept.update(where=lambda i: box[i] == b, value=false)
    keeps[b] = Int.of(0)


@action
def tear(i: Item) -> None:
    """An item is torn."""
    torn[i] = true


@action
def wear(i: Item) -> None:
    """What is torn wears out, with all that belongs to its box."""
    guard("torn", torn[i], why="it is whole")
    worn.update(where=lambda j: box[j] == box[i], value=true)


@action
def turn(b: Box) -> None:
    """The key of a box is turned."""
    turned[b] = true


@action
def enter(i: Item) -> None:
    """An item enters its box: this needs a key, of which nothing that it writes speaks."""
    guard("turned", turned[box[i]], why="the box is locked")
    entered[i] = true


@action
def do(i: Item) -> None:
    """The work is done."""
    to_do[i] = false


@action
def pass_on(i: Item) -> None:
    """The work is done, and the next item has it: as much is added as is taken."""
    guard("work", relayed[i], why="there is none")
    relayed[i] = false
    relayed[after_it[i]] = true


@action
def make_noise(i: Item) -> None:
    """Nothing is done."""
    noisy[i] = true


@action
def do_inside(i: Item) -> None:
    """The work is done if the gate is open: it never is."""
    guard("gate", gate[box[i]], why="the gate is shut")
    to_do[i] = false


@action
def do_calmly(i: Item) -> None:
    """The work is done by who is calm."""
    guard("calm", mood[i] == Mood.calm, why="it is busy, or stuck")
    to_do[i] = false


@action
def calm_down(i: Item) -> None:
    """Who is busy gets calm, or stuck."""
    guard("busy", mood[i] == Mood.busy, why="it is not")
    mood[i] = Mood.calm


@action
def get_stuck(i: Item) -> None:
    """Who is busy gets stuck."""
    guard("busy", mood[i] == Mood.busy, why="it is not")
    mood[i] = Mood.stuck


# --- counting -------------------------------------------------------------------------------------


@always()
def fillings_are_counted(b: Box) -> Bool:
    """False of a box with two items: two come in at once."""
    return fills[b] == count(Item, lambda i: filled[i] & (box[i] == b))


@always()
def stores_are_counted(b: Box) -> Bool:
    """False of a box with two items: two go out at once."""
    return stores[b] == count(Item, lambda i: stored[i] & (box[i] == b))


@always()
def births_are_counted(b: Box) -> Bool:
    """False at boot: the counter is 0, and every item counts."""
    return births[b] == count(Item, lambda i: born[i] & (box[i] == b))


@always()
def losses_are_counted(b: Box) -> Bool:
    """False at boot: nothing counts, and the counter is 1."""
    return losses[b] == count(Item, lambda i: lost[i] & (box[i] == b))


@always()
def keeps_are_counted(b: Box) -> Bool:
    """True, but by counting: the rule for counters says nothing of sets that go at once."""
    return keeps[b] == count(Item, lambda i: kept[i] & (box[i] == b))


# --- states and steps -----------------------------------------------------------------------------


@always()
def lamps_are_lit(i: Item) -> Bool:
    """False at boot, and kept by every step."""
    return lit[i]


@always()
def nothing_is_torn(i: Item) -> Bool:
    """False after one step."""
    return ~torn[i]


@always()
def there_are_two_boxes(b: Box) -> Bool:
    """False on a machine with one box."""
    return exists(Box, lambda c: c != b)


@always()
def there_are_no_four_boxes(a: Box, b: Box, c: Box, d: Box) -> Bool:
    """False, but true of the small machines on which counterexamples are looked for."""
    return ~all_of(a != b, a != c, a != d, b != c, b != d, c != d)


@always()
def among_three_items_a_third_box_is_left(i: Item, j: Item, k: Item, a: Box, b: Box) -> Bool:
    """False on a machine with three items and just two boxes."""
    three = all_of(i != j, i != k, j != k)
    return implies(three & (a != b), exists(Box, lambda c: (c != a) & (c != b)))


@always()
def one_box_is_not_all(b: Box) -> Bool:
    """False on a machine with one box."""
    return ~forall(Box, lambda c: c == b)


@always()
def there_are_three_items(b: Box) -> Bool:
    """False on a machine with two items."""
    return items[b] == count(Item, lambda i: true)


@always()
def items_are_in_boxes(i: Item) -> Bool:
    """True: what a function leads to is there."""
    return exists(Box, lambda c: box[i] == c)


@always()
def boxes_are_there(b: Box) -> Bool:
    """True: what is spoken of is there."""
    return exists(Box, lambda c: c == b)


@step()
def who_wears_out_is_torn(i: Item) -> Bool:
    """False of the items that wear out with another one."""
    return implies(~worn[i] & after(worn[i]), torn[i])


# --- work -----------------------------------------------------------------------------------------


@ends(by=pass_on)
def passing_on_ends(i: Item) -> tuple[Bool, Bool]:
    """False: each item is done with in its turn, and the work comes back."""
    return true, relayed[i]


@ends(by=do_inside)
def work_behind_a_gate_ends(i: Item) -> tuple[Bool, Bool]:
    """False: what would take the work out cannot."""
    return true, to_do[i]


@ends(by=make_noise)
def noise_ends_work(i: Item) -> tuple[Bool, Bool]:
    """False: what can be done takes nothing out."""
    return true, to_do[i]


@ends()
def the_calm_and_the_busy_end(i: Item) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """False: no way is open to who is stuck."""
    ways = (Progress(mood[i] == Mood.calm, do_calmly, i=i), Progress(mood[i] == Mood.busy, do, i=i))
    return true, to_do[i], ways


@ends()
def the_second_way_ends(i: Item) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """False: on the second way nothing is done."""
    calm = mood[i] == Mood.calm
    return true, to_do[i], (Progress(calm, do, i=i), Progress(~calm, make_noise, i=i))


@ends()
def the_gated_way_ends(i: Item) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """False: the action of the only way is shut."""
    return true, to_do[i], (Progress(true, do_inside, i=i),)


# --- what can be ----------------------------------------------------------------------------------


@sometimes()
def somebody_is_calm_and_done(i: Item) -> Bool:
    """Reached in two steps."""
    return (mood[i] == Mood.calm) & ~to_do[i]


@sometimes()
def somebody_is_inside(i: Item) -> Bool:
    """Reached in two steps; in one where guards that speak of something else are left out."""
    return entered[i]


@sometimes()
def somebody_is_calm_and_stuck(i: Item) -> Bool:
    """Never reached."""
    return (mood[i] == Mood.calm) & lit[i]


@sometimes()
def four_boxes_are_there(a: Box, b: Box, c: Box, d: Box) -> Bool:
    """Reached where there are so many."""
    return all_of(a != b, a != c, a != d, b != c, b != d, c != d)
