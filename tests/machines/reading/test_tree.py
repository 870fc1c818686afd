"""What a tree shows, and which directories and tars are refused with which words."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading import archive, tarball, unpack
from memhp.machines.reading.errors import MAX_FILE_BYTES, MachineError, NotPermitted
from memhp.machines.reading.tree import open_tree

from ..conftest import tar_bytes

MEMORY = "sys/devices/system/memory"
STATE = f"{MEMORY}/memory0/state"
Machine = tuple[dict[str, str], dict[str, str]]
Build = Callable[..., Path]


@pytest.fixture(params=["directory", "tar"])
def build(request: pytest.FixtureRequest, directory: Build, tar_file: Build) -> Build:
    """Either way to keep a machine."""
    return directory if request.param == "directory" else tar_file


def refusal(path: Path | str) -> str:
    """The message with which a path is refused; one line, and it names the path."""
    with pytest.raises(MachineError) as caught:
        open_tree(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_both_kinds_of_tree_show_the_same(
    machine: Machine, directory: Build, tar_file: Build
) -> None:
    trees = [open_tree(directory(*machine)), open_tree(tar_file(*machine))]
    for tree in trees:
        assert not tree.live
        assert tree.read_text(STATE) == "online\n"
        assert tree.read_bytes("/" + STATE) == b"online\n"
        assert tree.listdir(f"{MEMORY}/memory0") == (
            "node0",
            "online",
            "phys_device",
            "phys_index",
            "removable",
            "state",
            "valid_zones",
        )
        assert tree.listdir("sys/nothing") == ()
        assert tree.listdir(STATE) == ()
        assert tree.read_text("sys/nothing") is None
        assert tree.read_text(MEMORY) is None
        assert tree.exists(MEMORY)
        assert not tree.exists("sys/nothing")


def test_a_dangling_link_is_there_and_reads_as_nothing(machine: Machine, build: Build) -> None:
    files, links = machine
    links[f"{MEMORY}/memory0/node9"] = "../../node/node9"
    tree = open_tree(build(files, links))
    link = f"{MEMORY}/memory0/node9"
    assert tree.exists(link)
    assert tree.readlink(link) == "../../node/node9"
    assert tree.readlink(STATE) is None
    assert tree.read_text(link) is None
    assert tree.listdir(link) == ()


def test_a_link_inside_the_tree_is_not_followed(machine: Machine, build: Build) -> None:
    tree = open_tree(build(*machine))
    assert tree.listdir(f"{MEMORY}/memory0/node0") == ()
    assert tree.read_text(f"{MEMORY}/memory0/node0/distance") is None


@pytest.mark.parametrize("target", ["../../../../../../secret", "/etc"])
def test_a_link_in_a_directory_does_not_lead_out_of_it(
    machine: Machine, directory: Build, tmp_path: Path, target: str
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/passwd").write_text("secret\n")
    root = directory(*machine)
    os.symlink(target, root / MEMORY / "memory7")
    os.symlink(f"{target}/passwd", root / MEMORY / "memory0/extra")
    tree = open_tree(root)
    assert (root / MEMORY / "memory0/extra").name in tree.listdir(f"{MEMORY}/memory0")
    assert tree.read_text(f"{MEMORY}/memory0/extra") is None
    assert tree.read_text(f"{MEMORY}/memory7/passwd") is None
    assert tree.listdir(f"{MEMORY}/memory7") == ()


def test_a_path_with_dots_is_refused(machine: Machine, build: Build) -> None:
    tree = open_tree(build(*machine))
    with pytest.raises(MachineError, match=r"'\.\.'"):
        tree.read_text("sys/../../etc/passwd")


def test_a_file_too_large_is_not_read(machine: Machine, build: Build) -> None:
    files, links = machine
    files[STATE] = "x" * (MAX_FILE_BYTES + 1)
    tree = open_tree(build(files, links))
    with pytest.raises(MachineError, match=r"memory0/state.*larger than 16 MiB"):
        tree.read_text(STATE)


def test_a_pipe_in_place_of_a_file_does_not_hang(machine: Machine, directory: Build) -> None:
    root = directory(*machine)
    (root / STATE).unlink()
    os.mkfifo(root / STATE)
    assert open_tree(root).read_text(STATE) is None


def test_a_file_that_may_not_be_read_is_told(
    machine: Machine, directory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = open_tree(directory(*machine))

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(NotPermitted, match=r"memory0/state.*permission denied"):
        tree.read_text(STATE)


@pytest.mark.parametrize("prefix", ["", "./", "host-1/", "a/b/"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_every_packing_and_leading_folder_is_read(
    machine: Machine, tar_file: Build, prefix: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tar_file(*machine, prefix=prefix)
    path.write_bytes(pack(path.read_bytes()))
    tree = open_tree(path)
    assert tree.read_text(STATE) == "online\n"
    assert tree.exists(f"{MEMORY}/memory0/node0")


def test_the_rest_of_an_archive_is_passed_over(machine: Machine, tar_file: Build) -> None:
    files, links = machine
    files |= {"proc/meminfo": "MemTotal: 1 kB\n", "proc/1/maps": "x", "var/log/messages": "x"}
    links |= {"etc/mtab": "/proc/mounts"}
    tree = open_tree(tar_file(files, links))
    assert tree.read_text("proc/meminfo") == "MemTotal: 1 kB\n"
    assert not tree.exists("var")


def test_a_hard_link_reads_as_the_member_before_it(machine: Machine, tar_file: Build) -> None:
    path = tar_file(*machine)
    member = tarfile.TarInfo(f"{MEMORY}/memory7/state")
    member.type, member.linkname = tarfile.LNKTYPE, f"./{STATE}"
    with tarfile.open(path, "a") as archive:
        archive.addfile(member)
    assert open_tree(path).read_text(f"{MEMORY}/memory7/state") == "online\n"


def test_no_such_path_is_refused(tmp_path: Path) -> None:
    assert "no such file or directory" in refusal(tmp_path / "nowhere")


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    assert "holds neither sys/devices/system/memory nor" in refusal(tmp_path)


def test_a_directory_one_too_deep_is_told_to_go_up(machine: Machine, directory: Build) -> None:
    assert "give the directory above" in refusal(directory(*machine) / "sys")


def test_a_linked_sys_is_told_apart(machine: Machine, directory: Build, tmp_path: Path) -> None:
    root = directory(*machine)
    (tmp_path / "other").mkdir()
    os.symlink(root / "sys", tmp_path / "other/sys")
    assert "links are not followed" in refusal(tmp_path / "other")


def test_a_device_is_refused() -> None:
    assert "neither a directory nor a tar" in refusal("/dev/null")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_empty_file_is_called_empty(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "empty"
    path.write_bytes(pack(b""))
    assert "the file is empty" in refusal(path)


@pytest.mark.parametrize("content", [b"hello\n", b"hello\n" * 1000])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_text_file_is_not_a_tar(
    tmp_path: Path, content: bytes, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(pack(content))
    assert "not a tar archive" in refusal(path)


def test_a_tar_without_sysfs_is_refused(tar_file: Build) -> None:
    assert "not a sysfs tree" in refusal(tar_file({"readme": "hello\n"}))


def test_a_tar_of_two_machines_is_refused(machine: Machine, tar_file: Build) -> None:
    files = {f"{name}/{path}": text for name in "ab" for path, text in machine[0].items()}
    assert "several machines, 'a' and 'b'" in refusal(tar_file(files))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_a_truncated_tar_is_refused(
    machine: Machine, tar_file: Build, pack: Callable[[bytes], bytes], share: float
) -> None:
    path = tar_file(*machine)
    whole = pack(path.read_bytes().rstrip(b"\0"))
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "damaged or truncated" in refusal(path)


def test_a_plain_tar_cut_between_members_is_refused(machine: Machine, tar_file: Build) -> None:
    path = tar_file(*machine)
    with tarfile.open(path) as archive:
        cut = archive.getmembers()[-1].offset
    path.write_bytes(path.read_bytes()[:cut])
    assert "no end mark" in refusal(path)


def test_a_flipped_bit_in_gzip_is_refused(machine: Machine, tar_file: Build) -> None:
    path = tar_file(*machine)
    packed = bytearray(gzip.compress(path.read_bytes()))
    packed[-5] ^= 1  # in the length at the end, which only a complete read checks
    path.write_bytes(packed)
    assert "damaged or truncated" in refusal(path)


@pytest.mark.parametrize("name", ["../escape", "sys/../../escape", "var/.."])
def test_a_member_with_dots_is_refused(machine: Machine, tar_file: Build, name: str) -> None:
    files, links = machine
    assert "'..' in its name" in refusal(tar_file(files | {name: "x"}, links))


def test_an_absolute_member_is_refused(machine: Machine, tar_file: Build) -> None:
    files, links = machine
    assert "has an absolute name" in refusal(tar_file(files | {"/etc/passwd": "x"}, links))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../../../etc", "../../../../../.."])
@pytest.mark.parametrize("prefix", ["", "name/"])
def test_a_link_that_leaves_the_tar_is_refused(
    machine: Machine, tar_file: Build, target: str, prefix: str
) -> None:
    files, links = machine
    links[f"{MEMORY}/memory0/node1"] = target
    assert "leaves the tree" in refusal(tar_file(files, links, prefix=prefix))


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "sys/missing"])
def test_a_hard_link_to_elsewhere_is_refused(
    machine: Machine, tar_file: Build, target: str
) -> None:
    path = tar_file(*machine)
    member = tarfile.TarInfo(f"{MEMORY}/memory7/state")
    member.type, member.linkname = tarfile.LNKTYPE, target
    with tarfile.open(path, "a") as archive:
        archive.addfile(member)
    assert "is a hard link" in refusal(path)


def header(name: str, size: int, kind: bytes) -> bytes:
    """A tar header that claims a size, whatever follows it."""
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [1 << 30, -1024])
def test_an_extension_header_of_forged_size_is_not_read(
    tmp_path: Path, kind: bytes, size: int
) -> None:
    path = tmp_path / "forged.tar"
    path.write_bytes(header("sys/ok", 0, tarfile.REGTYPE) + header("x", size, kind) + bytes(10240))
    assert "refused" in refusal(path)


@pytest.mark.parametrize("size", [1 << 40, -512, -(1 << 40)])
def test_a_member_of_forged_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "forged.tar"
    path.write_bytes(header("sys/big", size, tarfile.REGTYPE) + bytes(10240))
    refusal(path)


def test_a_long_chain_of_extension_headers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chain.tar"
    path.write_bytes(header("x", 0, tarfile.GNUTYPE_LONGNAME) * 5000 + bytes(1024))
    refusal(path)


def test_a_compression_bomb_stops_at_the_limit(
    machine: Machine, tar_file: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarball, "MAX_UNPACKED_BYTES", 1 << 20)
    path = tar_file(*machine)
    bomb = header("x", 2 << 20, tarfile.REGTYPE) + bytes(2 << 20)
    path.write_bytes(gzip.compress(bomb + path.read_bytes()))
    assert "unpacked" in refusal(path)


def test_too_much_content_is_refused(
    machine: Machine, tar_file: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarball, "MAX_KEPT_BYTES", 20)
    assert "MiB in the files" in refusal(tar_file(*machine))


def test_too_many_names_are_refused(
    machine: Machine, tar_file: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarball, "MAX_KEPT_NAMES", 20)
    assert "more than 20 names" in refusal(tar_file(*machine))


def test_an_endless_name_is_refused(machine: Machine, tar_file: Build) -> None:
    files, links = machine
    assert "a name of" in refusal(tar_file(files | {"sys/" + "a/" * 3000 + "b": "x"}, links))


def test_no_file_is_written_while_a_tar_is_read(
    machine: Machine, tar_file: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tar_file(*machine)
    monkeypatch.chdir(tmp_path)
    open_tree(path)
    assert list(tmp_path.iterdir()) == [path]


def test_damage_never_shows_as_a_traceback(machine: Machine, tar_file: Build) -> None:
    path = tar_file(*machine)
    whole = path.read_bytes()
    messages: list[str] = []
    for at in range(0, 4096, 7):
        broken = io.BytesIO(whole)
        broken.seek(at)
        broken.write(b"\xff9-")
        path.write_bytes(broken.getvalue())
        try:
            open_tree(path)
        except MachineError as error:
            messages.append(str(error))
    assert messages
    assert not any("\n" in message for message in messages)


# --- archives that are to take time or memory -----------------------------------------------------


def pax(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A pax header with this content."""
    return header("x", len(content), kind) + content + bytes(-len(content) % 512)


def record(key: str, value: str) -> bytes:
    """One record of a pax header."""
    rest = f" {key}={value}\n".encode()
    length = next(n for n in range(len(rest), len(rest) + 9) if n == len(str(n)) + len(rest))
    return str(length).encode() + rest


def test_of_a_pax_header_path_size_and_target_are_taken(tmp_path: Path, machine: Machine) -> None:
    path = tmp_path / "pax.tar"
    deep = "/".join(["folder"] * 30)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in machine[0].items():
            member = tarfile.TarInfo(f"{deep}/{name}")
            member.size, member.mtime = len(text), 1.5
            archive.addfile(member, io.BytesIO(text.encode()))
        member = tarfile.TarInfo(f"{deep}/{MEMORY}/memory0/node9")
        member.type, member.linkname = tarfile.SYMTYPE, "../" * 3 + "ä" * 150
        archive.addfile(member)
    tree = open_tree(path)
    assert tree.read_text(STATE) == "online\n"
    assert tree.readlink(f"{MEMORY}/memory0/node9") == "../" * 3 + "ä" * 150
    sized = pax(record("size", "8") + record("path", f"{MEMORY}/block_size_bytes"))
    path.write_bytes(sized + header("x", 0, b"0") + b"8000000\n" + bytes(504 + 1024))
    assert open_tree(path).read_text(f"{MEMORY}/block_size_bytes") == "8000000\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"9" * 65536 + b" hdrcharset=BINARY\n", "damaged"),
        (b"5 a=b\n", "damaged"),
        (b"99 path=x\n", "damaged"),
        (b"0 path=x\n", "damaged"),
        (b"7 path\n", "damaged"),
        (record("size", "9" * 400), "no number"),
        (record("size", "-1"), "no number"),
        (record("path", "sys/" + "a" * 5000), "a name of"),
        (record("linkpath", "a" * 5000), "a name of"),
        (record("GNU.sparse.major", "1") + record("path", STATE), "sparse"),
    ],
)
def test_a_pax_header_is_read_strictly(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "pax.tar"
    path.write_bytes(pax(content) + header("sys/x", 0, b"0") + bytes(1024))
    assert says in refusal(path)


def test_a_global_header_is_read_once_and_names_no_member(tmp_path: Path, machine: Machine) -> None:
    path = tmp_path / "global.tar"
    plain = tar_bytes(*machine)
    path.write_bytes(pax(record("comment", "a commit"), tarfile.XGLTYPE) + plain)
    assert open_tree(path).read_text(STATE) == "online\n"
    path.write_bytes(pax(record("path", "sys"), tarfile.XGLTYPE) + plain)
    assert "global header" in refusal(path)


def test_records_headers_and_parts_are_counted(
    tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.tar"
    plain = tar_bytes(*machine)
    path.write_bytes(pax(record("a", "b") * 30) + plain)
    open_tree(path)
    monkeypatch.setattr(archive, "MAX_RECORDS", 20)
    assert "more than 20 records" in refusal(path)
    monkeypatch.setattr(archive, "MAX_HEADERS", 10)
    path.write_bytes(plain)
    assert "more than 10 names" in refusal(path)
    monkeypatch.setattr(unpack, "MAX_PARTS", 3)
    path.write_bytes(b"".join(map(gzip.compress, (b"", b"", b"", plain))))
    assert "more than 3 parts" in refusal(path)


def test_names_and_targets_are_bounded(
    machine: Machine, tar_file: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, links = machine
    with monkeypatch.context() as patch:
        patch.setattr(tarball, "MAX_KEPT_NAMES", 60)
        open_tree(tar_file(files | {"a/" * 1000 + "proc/x": "x"}, links))
    long = {f"{MEMORY}/memory0/node{at}": "a" * 4000 for at in range(9)}
    (tmp_path / "links.tar").write_bytes(tar_bytes(files, long))
    monkeypatch.setattr(tarball, "MAX_KEPT_BYTES", 20_000)
    assert "MiB in the files" in refusal(tmp_path / "links.tar")
    (tmp_path / "long.tar").write_bytes(tar_bytes(files, {"sys/x": "a" * 5000}))
    assert "a name of 5000" in refusal(tmp_path / "long.tar")


def test_xz_may_not_ask_for_any_memory(tmp_path: Path, machine: Machine) -> None:
    large = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}]
    path = tmp_path / "large.tar.xz"
    path.write_bytes(lzma.compress(tar_bytes(*machine), filters=large))
    assert "emory" in refusal(path)


def old_sparse(more: int) -> bytes:
    """The header of an old sparse file of GNU, whose map goes on in the next block or does not."""
    block = bytearray(header(STATE, 512, tarfile.GNUTYPE_SPARSE))
    block[482] = more
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("blocks", [0, 3])
def test_maps_of_sparse_files_are_passed_over(
    tmp_path: Path, machine: Machine, blocks: int
) -> None:
    path = tmp_path / "sparse.tar"
    maps = [bytes(504) + bytes([at < blocks - 1]) + bytes(7) for at in range(blocks)]
    content = old_sparse(blocks) + b"".join(maps) + b"x" * 512
    path.write_bytes(content + bytes(1024))
    assert "sparse file" in refusal(path)
    path.write_bytes(old_sparse(1) + (bytes(504) + b"\1" + bytes(7)) * 50)
    assert "damaged or truncated" in refusal(path)


def test_what_lies_behind_the_end_is_bounded(
    machine: Machine, tar_file: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_BEHIND", 1 << 20)
    path = tar_file(*machine)
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(2 << 20)))
    assert "behind the end" in refusal(path)


def test_an_attribute_ends_at_its_first_nul(machine: Machine, tar_file: Build) -> None:
    files, links = machine
    padded = {name: text.ljust(4096, "\0") for name, text in files.items()}
    assert open_tree(tar_file(padded, links)).read_text(STATE) == "online\n"
