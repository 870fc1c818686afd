"""A node's pgdat moves to another section of the node, so that the section that held it may go.

The list has the section with the pgdat leave last (N2). Here it need not: `relocate_pgdat` copies
the pgdat into memory of another section that is present, and the old one is as any other.
"""

from errno import EBUSY, EINVAL, ENOMEM

from memhp.spec.blocks.block_states import BlockState, block_state
from memhp.spec.blocks.sections import Metadata, pgdat, present
from memhp.spec.language import (
    Bool,
    Design,
    MakeVariable,
    action,
    always,
    definition,
    exists,
    guard,
    implies,
    sometimes,
    topology,
    variable,
)
from memhp.spec.machine.platform_state import Increment, in_storage, increment_block
from memhp.spec.machine.section_parts import Look, Reader, looks_at, watched
from memhp.spec.machine.topology import Node, Section, block_of_section, node_of_section

first_pgdat_section = topology(Node, Section)
"""The section in whose memory the node's pgdat is allocated."""

pgdat_section = variable(Node, Section, initial=lambda n: first_pgdat_section[n])
"""The section in whose memory the node's pgdat lies now."""


@definition
def in_standby_storage(s: Section) -> Bool:
    """The section is in memory that s390's firmware gives and takes back."""
    here = block_of_section[s]
    return exists(Increment, lambda i: in_storage[i] & (increment_block[i] == here))


@action
def relocate_pgdat(n: Node, s: Section) -> None:
    """Copy the node's pgdat to another section of the node, and let all pointers follow."""
    guard("pgdat_initialised", pgdat[n] == Metadata.initialised, errno=ENOMEM, why="no pgdat")
    guard("on_the_node", node_of_section(s) == n, errno=EINVAL, why="it is on another node")
    guard("section_present", present[s], errno=ENOMEM, why="the section is not present")
    guard("elsewhere", pgdat_section[n] != s, errno=EINVAL, why="the pgdat is there already")
    guard(
        "block_online",
        block_state[block_of_section[s]] == BlockState.online,
        errno=EINVAL,
        why="the section's block is not in use, or on its way",
    )
    guard(
        "no_storage",
        ~in_standby_storage(s),
        errno=EINVAL,
        why="the firmware takes that memory back when it goes offline",
    )
    guard(
        "nobody_looks",
        ~exists(Reader, lambda r: (looks_at[r] == Look.pgdat) & (node_of_section(watched[r]) == n)),
        errno=EBUSY,
        why="somebody looks at the node's zones without a lock",
    )
    pgdat_section[n] = s


@always(covers="N2")
def the_pgdat_stays_on_its_node(n: Node) -> Bool:
    """Wherever the pgdat is moved, it is in memory of its own node."""
    return node_of_section(pgdat_section[n]) == n


@always(covers="N2 R5")
def moved_pgdats_lie_in_no_standby_storage(n: Node) -> Bool:
    """Where a pgdat has moved to, nobody takes the memory back while it is offline."""
    moved = pgdat_section[n] != first_pgdat_section[n]
    return implies(moved, ~in_standby_storage(pgdat_section[n]))


@sometimes(covers="N2")
def the_first_section_goes_first(n: Node, s: Section) -> Bool:
    """The section that held the pgdat is gone, while another section of the node is present."""
    gone = ~present[first_pgdat_section[n]]
    return gone & present[s] & (node_of_section(s) == n) & (pgdat[n] == Metadata.initialised)


DESIGN = Design(edits=(MakeVariable(pgdat_section),))
