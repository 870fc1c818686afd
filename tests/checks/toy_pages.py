"""A toy machine that counts: pages on nodes, how many of them are taken, and nodes that close.

What it needs of the checker: a counter with steps that add, take away and carry
over, for one page or for a set; reads through another name (``home[twin[p]]``);
a definition with a quantifier on both sides of a step; a bulk update whose value
depends on the point; an ending with one action, and one with two ways on.
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
    always,
    axiom,
    count,
    definition,
    enabled,
    ends,
    exists,
    false,
    forall,
    guard,
    implies,
    ite,
    sometimes,
    step,
    topology,
    true,
    variable,
)


class Node(Sort):
    """A node."""


class Page(Sort):
    """A page: on one node at a time."""


class Use(Enumeration):
    """What a page is: nobody's, somebody's, or somebody's and to be cleaned first."""

    free: Use
    used: Use
    dirty: Use


class Chore(Enumeration):
    """What is still to be done with a page on a node that closes."""

    clean: Chore
    drop: Chore


twin = topology(Page, Page)
"""Another page that belongs to a page: a second name for it."""

beside = topology(Node, Node)
"""Where the free pages of a node go."""

first_node = topology(Page, Node)
"""Where a page is at boot."""

home = variable(Page, Node, initial=lambda p: first_node[p])
use = variable(Page, Use, initial=lambda p: Use.free)
taken = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many pages of a node are not free."""

closing = variable(Node, Bool, initial=lambda n: false)
seen = variable(Node, Page, Bool, initial=lambda n, p: false)
"""The page was seen on the node: the one variable with two parameters."""


@axiom
def twins_are_mutual(p: Page) -> Bool:
    """The twin's twin is the page."""
    return twin[twin[p]] == p


@definition
def is_taken(p: Page, n: Node) -> Bool:
    """The page is somebody's, on that node."""
    return (use[p] != Use.free) & (home[p] == n)


@definition
def crowded(n: Node) -> Bool:
    """Two pages of the node are taken."""
    return exists(Page, Page, lambda p, q: (p != q) & is_taken(p, n) & is_taken(q, n))


@definition
def leads_to(p: Page, q: Page) -> Bool:
    """The second is the first one's twin, and free: of two pages the order matters."""
    return (twin[p] == q) & (use[q] == Use.free)


@action
def take(p: Page) -> None:
    """Somebody gets the page."""
    guard("free", use[p] == Use.free, why="it is somebody's")
    guard("open", ~closing[home[p]], why="the node closes")
    use[p] = Use.used
    taken[home[p]] = taken[home[p]] + 1


@action
def drop(p: Page) -> None:
    """The page is given back."""
    guard("used", use[p] == Use.used, why="it is free, or dirty")
    use[p] = Use.free
    taken[home[p]] = taken[home[p]] - 1


@action
def clean(p: Page) -> None:
    """A dirty page is cleaned."""
    guard("dirty", use[p] == Use.dirty, why="it is clean")
    use[p] = Use.used


@action
def move(p: Page, m: Node) -> None:
    """One counter goes down and another up: they are two, for the nodes are."""
    guard("taken", use[p] != Use.free, why="nobody needs it")
    guard("elsewhere", home[p] != m, why="it is there")
    guard("open", ~closing[m], why="the node closes")
    home[p] = m
    seen[m, p] = true
    taken[home[p]] = taken[home[p]] - 1
    taken[m] = taken[m] + 1


@action
def follow(p: Page) -> None:
    """The twin, if it is free, goes where the page is: it is written by its second name."""
    guard("twin_free", leads_to(p, twin[p]), why="the twin is somebody's")
    home[twin[p]] = home[p]


@action
def soil(n: Node) -> None:
    """All used pages of the node get dirty, if the node beside closes."""
    use.update(
        where=lambda p: (use[p] == Use.used) & (home[p] == n) & closing[beside[home[p]]],
        value=Use.dirty,
    )


@action
def look() -> None:
    """All pages of nodes without a crowd are seen where they are."""
    seen.update(where=lambda n, p: (home[p] == n) & ~crowded(n), value=true)


@action
def evacuate(n: Node, m: Node) -> None:
    """The only page of a node that is taken, if any, goes elsewhere; which one is not said."""
    guard("different", n != m, why="there is nowhere to go")
    guard("alone", ~crowded(n), why="there is a crowd")
    guard("open", ~closing[m], why="the node closes")
    home.update(where=lambda p: is_taken(p, n), value=m)
    taken.update(
        where=lambda k: ((k == n) | (k == m)) & exists(Page, lambda p: is_taken(p, n)),
        value=lambda k: ite(k == n, taken[k] - 1, taken[k] + 1),
    )


@action
def spread(n: Node) -> None:
    """The free pages of the node go to the node beside."""
    home.update(
        where=lambda p: (use[p] == Use.free) & (home[p] == n),
        value=lambda p: beside[home[p]],
    )


@action
def close(n: Node) -> None:
    """Nothing comes to the node any more."""
    guard("open", ~closing[n], why="it closes already")
    closing[n] = true


@action
def reopen(n: Node) -> None:
    """A node that is empty is open again."""
    guard("closing", closing[n], why="it is open")
    guard("empty", taken[n] == Int.of(0), why="a page is taken")
    closing[n] = false


@always()
def pages_are_counted(n: Node) -> Bool:
    """The counter of a node is exact."""
    return taken[n] == count(Page, lambda p: is_taken(p, n))


@always()
def counters_are_no_debts(n: Node) -> Bool:
    """A counter does not fall below 0: this rests on its being exact."""
    return taken[n] >= 0


@always()
def who_has_a_page_can_go_on(p: Page) -> Bool:
    """A page that is taken can be dropped, or cleaned first."""
    return implies(use[p] != Use.free, enabled(drop, p) | enabled(clean, p))


@step()
def pages_enter_open_nodes(p: Page) -> Bool:
    """A page that is taken goes only to a node that does not close."""
    moved = (use[p] != Use.free) & (after(home[p]) != home[p])
    return implies(moved, ~after(closing[home[p]]))


@step()
def dirt_comes_from_beside(p: Page) -> Bool:
    """A page gets dirty only while the node beside closes."""
    soiled = (use[p] != Use.dirty) & after(use[p] == Use.dirty)
    return implies(soiled, closing[beside[home[p]]])


@step()
def crowds_grow_one_by_one(n: Node) -> Bool:
    """Where two are, one was."""
    return implies(after(crowded(n)), exists(Page, lambda p: is_taken(p, n)))


@step()
def pages_are_seen_where_they_are(n: Node, p: Page) -> Bool:
    """A page is seen on a node when it is there, and comes there or stands in no crowd."""
    fresh = ~seen[n, p] & after(seen[n, p])
    return implies(fresh, after(home[p] == n) & ((home[p] != n) | ~after(crowded(n))))


@step()
def twins_meet_where_one_was(p: Page) -> Bool:
    """A free page joins its twin where the twin is: it does not carry the twin away."""
    met = (home[twin[p]] != home[p]) & after(home[twin[p]] == home[p])
    stayed = (after(home[p]) == home[p]) | (after(home[twin[p]]) == home[twin[p]])
    return implies(met & (use[p] != Use.free), stayed)


@ends(by=clean, unless=soil)
def cleaning_ends(p: Page, n: Node) -> tuple[Bool, Bool]:
    """On a node that closes the dirty pages are cleaned, unless they are soiled again."""
    return closing[n], (use[p] == Use.dirty) & (home[p] == n)


@ends(unless=soil)
def closing_ends(n: Node, p: Page, c: Chore) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """A node that closes empties: dirty pages are cleaned, then dropped or moved away."""
    ways = (
        Progress(use[p] == Use.dirty, (clean, Chore.clean)),
        Progress(use[p] == Use.used, drop, (move, Chore.drop), p=p),
    )
    left = is_taken(p, n) & ((c == Chore.drop) | (use[p] == Use.dirty))
    return closing[n], left, ways


@sometimes()
def a_page_is_seen_on_a_node_that_closes(p: Page) -> Bool:
    """A page is seen on its node, and the node closes."""
    return seen[home[p], p] & closing[home[p]]


@sometimes()
def a_dirty_page_is_cleaned(p: Page) -> Bool:
    """A page gets clean."""
    return (use[p] == Use.dirty) & after(use[p] == Use.used)


@sometimes()
def all_pages_are_taken(n: Node) -> Bool:
    """Every page is somebody's, on one node."""
    return forall(Page, lambda p: is_taken(p, n))
