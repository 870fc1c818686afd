"""A lock service: clients ask servers for their locks, by messages that arrive in any order.

The safety property alone is not inductive: a client that holds a lock while a grant of it is on its
way to another is in no run, but nothing says so.  ``memhp check --strengthen`` finds what says it.

Source: lockserv.pyv of mypyvy's examples, after the running example of Verdi (J. R. Wilcox et al.,
PLDI 2015); there is one server, here there are any number, each with a lock of its own.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Sort,
    action,
    always,
    false,
    guard,
    implies,
    sometimes,
    true,
    variable,
)


class Client(Sort):
    """Who wants a lock."""


class Server(Sort):
    """Who gives one."""


asked = variable(Server, Client, Bool, initial=lambda s, c: false)
"""A request of the client is on its way to the server."""

granted = variable(Server, Client, Bool, initial=lambda s, c: false)
"""A grant is on its way to the client."""

returned = variable(Server, Client, Bool, initial=lambda s, c: false)
"""The client's release is on its way to the server."""

holds = variable(Server, Client, Bool, initial=lambda s, c: false)
"""The client holds the server's lock, as far as it knows."""

has_lock = variable(Server, Bool, initial=lambda s: true)
"""The server has its lock, to be granted."""


@action
def ask(s: Server, c: Client) -> None:
    """A client sends a request."""
    asked[s, c] = true


@action
def grant(s: Server, c: Client) -> None:
    """The server answers a request, if it has the lock."""
    guard("has_the_lock", has_lock[s], why="somebody else has it")
    guard("was_asked", asked[s, c], why="no request of the client has arrived")
    has_lock[s] = false
    asked[s, c] = false
    granted[s, c] = true


@action
def take(s: Server, c: Client) -> None:
    """The grant arrives: the client holds the lock."""
    guard("was_granted", granted[s, c], why="no grant is on its way")
    granted[s, c] = false
    holds[s, c] = true


@action
def release(s: Server, c: Client) -> None:
    """The client sends the lock back."""
    guard("holds_it", holds[s, c], why="the client has no lock")
    holds[s, c] = false
    returned[s, c] = true


@action
def take_back(s: Server, c: Client) -> None:
    """The lock arrives at the server."""
    guard("was_returned", returned[s, c], why="no release is on its way")
    returned[s, c] = false
    has_lock[s] = true


@always()
def one_client_holds_the_lock(s: Server, c: Client, other: Client) -> Bool:
    """Two clients never hold a lock at a time."""
    return implies(holds[s, c] & holds[s, other], c == other)


@sometimes()
def a_client_holds_the_lock(s: Server, c: Client) -> Bool:
    """A client gets the lock."""
    return holds[s, c]
