"""Who is bound to nodes that are going to have no memory."""

from __future__ import annotations

from pathlib import Path

from memhp.machines.reading.bindings import bound_to


def test_policies_and_cpusets_that_name_nothing_else_are_told(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    for number, policy in (
        (5, "7f00 default anon=1"),
        (11, "7f00 default\n7f01 bind:1 anon=3 N1=3"),
        (12, "7f01 bind:0-1 anon=3"),
        (13, "7f01 bind=static:1-2 anon=3"),
        (14, "7f01 prefer:1 anon=3"),
    ):
        (proc / str(number)).mkdir(parents=True)
        (proc / str(number) / "numa_maps").write_text(f"{policy}\n")
        (proc / str(number) / "comm").write_text(f"p{number}\n")
    (proc / "15").mkdir()
    for name, mems in (("", ""), ("a", "1"), ("a/b", "0,1"), ("c", "")):
        (groups / name).mkdir(parents=True, exist_ok=True)
        (groups / name / "cpuset.mems").write_text(f"{mems}\n")
    told = list(bound_to([1, 2], proc=proc, groups=groups))
    assert told == [
        "process 11 (p11), by its memory policy",
        "process 13 (p13), by its memory policy",
        "cpuset /a",
    ]
    assert list(bound_to([3], proc=proc, groups=groups)) == []
    assert list(bound_to([1], proc=tmp_path / "none", groups=tmp_path / "none")) == []
