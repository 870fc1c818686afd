"""A node's pgdat moves to another section of the node, so that the section that held it may go.

The list has the section with the pgdat leave last (N2). Here it need not: `relocate_pgdat` copies
the pgdat into memory of another section that is present, and the old one is as any other.
"""

from errno import EBUSY, EINVAL, ENOMEM

from memhp.spec.blocks.sections import Metadata, pgdat, present
from memhp.spec.language import (
    Bool,
    Design,
    MakeVariable,
    action,
    always,
    exists,
    guard,
    sometimes,
    topology,
    variable,
)
from memhp.spec.machine.section_parts import Look, Reader, looks_at, watched
from memhp.spec.machine.topology import Node, Section, node_of_section

first_pgdat_section = topology(Node, Section)
"""The section in whose memory the node's pgdat is allocated."""

pgdat_section = variable(Node, Section, initial=lambda n: first_pgdat_section[n])
"""The section in whose memory the node's pgdat lies now."""


@action
def relocate_pgdat(n: Node, s: Section) -> None:
    """Copy the node's pgdat to another section of the node, and let all pointers follow."""
    guard("pgdat_initialised", pgdat[n] == Metadata.initialised, errno=ENOMEM, why="no pgdat")
    guard("on_the_node", node_of_section(s) == n, errno=EINVAL, why="it is on another node")
    guard("section_present", present[s], errno=ENOMEM, why="the section is not present")
    guard("elsewhere", pgdat_section[n] != s, errno=EINVAL, why="the pgdat is there already")
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


@sometimes(covers="N2")
def the_first_section_goes_first(n: Node, s: Section) -> Bool:
    """The section that held the pgdat is gone, while another section of the node is present."""
    gone = ~present[first_pgdat_section[n]]
    return gone & present[s] & (node_of_section(s) == n) & (pgdat[n] == Metadata.initialised)


DESIGN = Design(edits=(MakeVariable(pgdat_section),))
