"""References that are no pins: whoever has one finds the folio where it took it (M1, U5).

A look-up in the page cache, a CPU's batch, a pipe that was given a page (vmsplice), a
driver of old (FOLL_GET): each counts in the folio's reference count, and nothing tells
them apart.  So migration moves a folio only when its count is what migration itself
explains, and freezes the count while the frame changes: nobody can take one then.

Sources: mm/migrate.c (folio_expected_ref_count, folio_migrate_mapping), mm/filemap.c
(filemap_get_entry: folio_try_get), mm/gup.c (FOLL_GET), fs/splice.c (iter_to_pipe).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EFAULT, EINVAL

from ..language import (
    Bool,
    Sort,
    action,
    after,
    always,
    definition,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)
from ..machine.topology import Frame
from .frames import (
    Data,
    Folio,
    FolioKind,
    birth_frame,
    boot_data,
    contents,
    data,
    dirty,
    exists_now,
    folio_kind,
    home,
)
from .migration_stage import Stage, stage


class Reference(Sort):
    """One count of a folio's reference count that is neither a mapping nor a pin."""


first_referenced = topology(Reference, Folio)
"""What a reference names before it was ever taken; nothing depends on it."""

ref_taken = variable(Reference, Bool, initial=lambda r: false)
"""Somebody has the reference."""

ref_folio = variable(Reference, Folio, initial=lambda r: first_referenced[r])
"""The folio that the reference keeps."""

ref_frame = variable(Reference, Frame, initial=lambda r: birth_frame[first_referenced[r]])
"""The frame that its holder reads and writes: it knows the struct page, not the folio."""


@definition
def refers_to(r: Reference, o: Folio) -> Bool:
    """Somebody has the reference, and it keeps the folio."""
    return ref_taken[r] & (ref_folio[r] == o)


@definition
def has_reference(o: Folio) -> Bool:
    """The folio's count is more than migration expects (folio_expected_ref_count)."""
    return exists(Reference, lambda r: refers_to(r, o))


@action
def get_reference(r: Reference, o: Folio) -> None:
    """Take a reference to the folio, whether or not it is locked (folio_try_get)."""
    guard("not_taken", ~ref_taken[r], errno=EBUSY, why="the reference is taken")
    guard("folio_exists", exists_now(o), errno=EFAULT, why="there is no such folio")
    guard(
        "not_frozen",
        stage[o] != Stage.copied,
        errno=EAGAIN,
        why="the folio's count is frozen while its frame changes",
    )
    ref_taken[r] = true
    ref_folio[r] = o
    ref_frame[r] = home[o]


@action
def put_reference(r: Reference) -> None:
    """Give the reference back (folio_put)."""
    guard("taken", ref_taken[r], errno=EINVAL, why="nobody has the reference")
    ref_taken[r] = false


@action(
    using="both_frames_of_a_moving_page_are_the_kernels folios_live_in_user_frames "
    "nobody_has_a_folio_whose_frame_changes references_lead_to_the_folios_frame"
)
def write_by_reference(r: Reference, d: Data) -> None:
    """Whoever has the reference stores to the page that it was given."""
    guard("taken", ref_taken[r], why="nobody has the reference")
    data[ref_frame[r]] = d
    contents[ref_folio[r]] = d
    dirty[ref_folio[r]] = true


# --- what is true -------------------------------------------------------------------------------


@always(covers="M1 U5")
def references_lead_to_the_folios_frame(r: Reference) -> Bool:
    """Whoever has a reference reads and writes the folio, wherever anybody wanted it to go."""
    o = ref_folio[r]
    return implies(ref_taken[r], exists_now(o) & (ref_frame[r] == home[o]))


@always(covers="M1 U5")
def nobody_has_a_folio_whose_frame_changes(r: Reference) -> Bool:
    """From the copy to the change of home the folio is migration's alone."""
    return implies(ref_taken[r], stage[ref_folio[r]] != Stage.copied)


@step(
    covers="M1 U5",
    using="nobody_has_a_folio_whose_frame_changes references_lead_to_the_folios_frame",
)
def a_folio_in_somebodys_hands_keeps_its_frame(r: Reference, o: Folio) -> Bool:
    """As long as somebody has a reference, the folio is neither moved nor freed."""
    during = refers_to(r, o) & after(ref_taken[r])
    return implies(during, after(exists_now(o)) & (after(home[o]) == home[o]))


@sometimes(covers="M1 U5")
def a_reference_keeps_a_folio_at_home(r: Reference) -> Bool:
    """A reference is taken while its folio is unmapped, and the move is given up."""
    return ref_taken[r] & (stage[ref_folio[r]] == Stage.aborting)


@sometimes(covers="M1")
def a_reference_is_taken_where_a_folio_has_moved(r: Reference) -> Bool:
    """A look-up finds a folio in its new frame before its entries are restored."""
    return ~ref_taken[r] & after(ref_taken[r]) & (stage[after(ref_folio[r])] == Stage.moved)


@sometimes(covers="M1 U5")
def a_reference_is_given_back_after_a_write(r: Reference) -> Bool:
    """What was written by a reference stays in the folio."""
    given_back = ref_taken[r] & ~after(ref_taken[r])
    return given_back & (contents[ref_folio[r]] != boot_data[ref_frame[r]])


@sometimes(covers="M1 U5")
def a_reference_is_taken_to_anonymous_memory(r: Reference) -> Bool:
    """Memory that belongs to no file can be referred to as well."""
    takes = ~ref_taken[r] & after(ref_taken[r])
    return takes & (folio_kind[after(ref_folio[r])] == FolioKind.anonymous)
