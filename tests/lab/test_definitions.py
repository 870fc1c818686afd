"""What kernel sources define, as a small scanner sees it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from memhp.lab.kernels.definitions import Tree, defined_in, read_tree
from memhp.lab.tools.errors import LabError

SOURCE = """\
/* one(int a) { is not defined here } */
#include <linux/mm.h>
static int one(int a);

/**
 * one - does it.
 */
static __always_inline int
one(int a,
    /* a comment with a brace { */
    int b)
{
\tchar *text = "}\\n{", c = '{';

#ifdef CONFIG_A
\tif (a) {
#else
\tif (b) {
#endif
\t\ttwo(a);
\t}
\treturn two(a);
}
EXPORT_SYMBOL(one);

static inline void two(int a) { }
#define three(x) \\
\tone((x), \\
\t    1)
SYSCALL_DEFINE2(four, int, a, int, b)
{
\treturn one(a, b);
}
void eight(void)
{
#ifdef CONFIG_A
\tif (a) {
\t\ttwo(a);
\t}
#else
\t}
#endif
\ttwo(b);
}
struct five {
\tint one;
};
static const struct ops ops = {
\t.six = one,
};
static struct five *six(struct five *it) __must_hold(&lock)
{
\treturn seven(it);
}
"""


def test_functions_structures_and_macros_have_their_lines() -> None:
    names = {"one", "two", "three", "sys_four", "five", "six", "seven", "eight", "ops"}
    assert list(defined_in(SOURCE, names)) == [
        ("one", 8, 23),
        ("two", 26, 26),
        ("three", 27, 29),
        ("sys_four", 30, 33),
        ("eight", 34, 44),
        ("five", 45, 47),
        ("six", 51, 54),
    ]


@pytest.mark.parametrize("cut", range(0, len(SOURCE), 7))
def test_sources_that_end_anywhere_are_scanned(cut: int) -> None:
    lines = SOURCE.count("\n") + 1
    for _, first, last in defined_in(SOURCE[:cut], {"one", "two", "three", "five", "six"}):
        assert 1 <= first <= last <= lines


def test_a_tree_gives_digests_of_the_lines_and_prefers_likely_files(tmp_path: Path) -> None:
    (tmp_path / "mm").mkdir()
    (tmp_path / "kernel").mkdir()
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\n")
    (tmp_path / "mm/a.c").write_text(SOURCE)
    (tmp_path / "kernel/b.c").write_text("void six(void)\n{\n}\n")
    tree = read_tree(tmp_path, {"six", "nine"}, {})
    assert tree.version == "6.12.0"
    assert [str(each) for each in tree.definitions["six"]] == ["mm/a.c:51-54", "kernel/b.c:1-3"]
    assert tree.definitions["nine"] == ()
    digest = sha256(b"void six(void)\n{\n}").hexdigest()
    assert tree.definitions["six"][1].digest == digest
    for likely in ({"six": {"kernel/b.c"}}, {"": {"kernel/b.c"}}):
        chosen = read_tree(tmp_path, {"six"}, likely)
        assert [each.digest for each in chosen.definitions["six"]] == [digest]
    assert Tree.from_json(tree.to_json()) == tree


def test_a_folder_without_a_version_is_no_tree(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no tree of kernel sources"):
        read_tree(tmp_path, {"one"}, {})
    (tmp_path / "Makefile").write_text("all:\n")
    with pytest.raises(LabError, match="names no version"):
        read_tree(tmp_path, {"one"}, {})
