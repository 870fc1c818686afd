"""The migration cache lets go of a folio as soon as its last PTE is restored.

The list's migration cache (D1) keeps the entry until the source is freed. A fault looks the folio
up only while a PTE is a migration entry, so that an entry without such PTEs serves nobody.
"""

from memhp.spec.folios.frames import Folio
from memhp.spec.folios.migration import cached, has_entries
from memhp.spec.folios.migration_stage import Stage, stage
from memhp.spec.language import (
    Bool,
    Design,
    DropProperty,
    action,
    always,
    any_of,
    false,
    guard,
    implies,
    sometimes,
)


@action
def free_cache_entry(o: Folio) -> None:
    """Forget the folio that has moved, before its source is freed."""
    guard("cached", cached[o], why="there is no entry")
    guard("moved", stage[o] == Stage.moved, why="the folio has not moved")
    guard("entries_restored", ~has_entries(o), why="a migration entry is left")
    cached[o] = false


@always(covers="D1")
def folios_on_their_way_are_in_the_migration_cache(o: Folio) -> Bool:
    """A folio whose PTEs are being replaced has its entry, until it has moved."""
    return implies(any_of(stage[o] == Stage.unmapping, stage[o] == Stage.copied), cached[o])


@always(covers="D1")
def moved_folios_with_entries_are_in_the_migration_cache(o: Folio) -> Bool:
    """And after that, as long as a PTE is to be restored."""
    return implies((stage[o] == Stage.moved) & has_entries(o), cached[o])


@sometimes(covers="D1")
def an_entry_is_freed_before_the_source(o: Folio) -> Bool:
    """The folio has moved, its source is not free, and the cache knows it no more."""
    return (stage[o] == Stage.moved) & ~cached[o]


DESIGN = Design(edits=(DropProperty("unmapped_folios_are_in_the_migration_cache"),))
