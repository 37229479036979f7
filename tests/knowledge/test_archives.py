from __future__ import annotations

import contextlib
import io
import os
import random
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import archives
from knowledge.archives import MemberReader, list_members, read_member
from knowledge.documents import Unusable

Entry = tuple[str | zipfile.ZipInfo, str | bytes]
Write = Callable[[str, str | bytes], Path]
LIMIT = 5_000_000


def zipped(*entries: Entry, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it warns of duplicate names
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def entry(name: str, **attributes: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.filename = name  # as it is, NUL and all
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


def is_document(parts: tuple[str, ...]) -> bool:
    return parts[-1].endswith((".md", ".zip"))


def listed(archive: Path) -> tuple[list[str], dict[str, str]]:
    members = list_members(archive, is_document)
    return list(members.names), {one.name: one.reason for one in members.refused}


def test_documents_are_listed_by_name_and_read(write: Write) -> None:
    archive = write(
        "export.zip",
        zipped(("b.md", "two"), ("a/", ""), ("a/c d.md", "naïve"), ("a/x.png", "\x89PNG")),
    )
    assert listed(archive) == (["a/c d.md", "b.md"], {})
    assert read_member(archive, "a/c d.md", LIMIT) == "naïve".encode()
    assert read_member(archive, "b.md", 3) == b"two"


def test_the_caller_says_what_is_wanted_by_the_parts_a_person_would_see(write: Write) -> None:
    asked: list[tuple[str, ...]] = []

    def want_none(parts: tuple[str, ...]) -> bool:
        asked.append(parts)
        return False

    archive = write("x.zip", zipped(("a/b.md", ""), ("../c\\d.md", ""), ("/e//./f.md", "")))
    assert list_members(archive, want_none).names == ()
    assert sorted(asked) == [("a", "b.md"), ("c", "d.md"), ("e", "f.md")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/x.md", "its name is an absolute path"),
        ("../x.md", "its name leads out of the archive"),
        ("a/../../x.md", "its name leads out of the archive"),
        ("a/./x.md", "its name is not a plain path"),
        ("a//x.md", "its name is not a plain path"),
        ("a\\x.md", "its name holds a backslash"),
        ("..\\x.md", "its name holds a backslash"),
        ("a\nx.md", "its name holds control characters"),
        ("a\x1b[2Jx.md", "its name holds control characters"),
        ("\0.md", "its name holds control characters"),
        ("x.png\0.md", "its name holds control characters"),
        ("a" * 998 + ".md", "its name is too long"),
    ],
)
def test_a_hostile_name_is_refused_and_the_rest_taken(write: Write, name: str, reason: str) -> None:
    names, refused = listed(write("x.zip", zipped((entry(name), "text"), ("good.md", "text"))))
    assert names == ["good.md"]
    [(shown, why)] = refused.items()
    assert why == reason
    assert not any(ord(char) < 32 for char in shown)


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (entry("x.md", external_attr=(stat.S_IFLNK | 0o777) << 16), "a symbolic link"),
        (entry("x.md", external_attr=(stat.S_IFIFO | 0o600) << 16), "not a regular file"),
        (entry("x.md", compress_type=zipfile.ZIP_LZMA), "packed by method 14, which is not read"),
    ],
)
def test_a_member_of_another_kind_is_refused_when_listed_and_when_read(
    write: Write, member: zipfile.ZipInfo, reason: str
) -> None:
    archive = write("x.zip", zipped((member, "/etc/passwd"), ("good.md", "text")))
    assert listed(archive) == (["good.md"], {"x.md": reason})
    with pytest.raises(Unusable, match=f"^{reason}$"):
        read_member(archive, "x.md", LIMIT)


def test_an_encrypted_member_is_refused(write: Write) -> None:
    data = bytearray(zipped(("x.md", "text"), ("good.md", "text")))
    data[data.index(b"PK\1\2") + 8] |= 1
    archive = write("x.zip", bytes(data))
    assert listed(archive) == (["good.md"], {"x.md": "encrypted"})
    with pytest.raises(Unusable, match="encrypted"):
        read_member(archive, "x.md", LIMIT)


def test_a_name_that_occurs_twice_stands_for_neither(write: Write) -> None:
    archive = write("x.zip", zipped(("x.md", "one"), ("x.md", "two"), ("good.md", "text")))
    assert listed(archive) == (
        ["good.md"],
        {"x.md": "its name occurs more than once in the archive"},
    )


@pytest.mark.parametrize(
    ("raw", "is_marked", "name"),
    [
        ("Füße.md".encode(), True, "Füße.md"),
        ("Füße.md".encode(), False, "Füße.md"),  # as macOS writes it
        (b"F\x81\xe1e.md", False, "Füße.md"),  # code page 437, as DOS and Windows did
    ],
)
def test_names_beyond_ascii_are_understood(
    write: Write, raw: bytes, is_marked: bool, name: str
) -> None:
    stand_in = b"~" * (len(raw) - 3) + b".md"
    data = zipped((stand_in.decode(), "text")).replace(stand_in, raw)
    archive = write("x.zip", marked_as_utf8(data) if is_marked else data)
    assert listed(archive) == ([name], {})
    assert read_member(archive, name, LIMIT) == b"text"


def marked_as_utf8(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[data.index(b"PK\3\4") + 7] |= 8
    changed[data.index(b"PK\1\2") + 9] |= 8
    return bytes(changed)


def test_a_name_marked_as_utf8_that_is_not_makes_the_archive_unusable(write: Write) -> None:
    data = marked_as_utf8(zipped(("caf~.md", "text")).replace(b"~", b"\xe9"))
    with pytest.raises(Unusable, match="a broken zip archive: 'utf-8' codec"):
        list_members(write("x.zip", data), is_document)


def test_archives_in_an_archive_are_opened_one_level_deep(write: Write) -> None:
    innermost = zipped(("deep.md", "deep"))
    part = zipped(("Page.md", "one"), ("more.zip", innermost), ("../up.md", "up"))
    archive = write(
        "Export.zip",
        zipped(("Part-1.zip", part), ("sub/Part-2.ZIP.zip", zipped(("Page.md", "two")))),
    )
    assert listed(archive) == (
        ["Part-1.zip/Page.md", "sub/Part-2.ZIP.zip/Page.md"],
        {
            "Part-1.zip/more.zip": "an archive inside an archive inside an archive",
            "Part-1.zip/../up.md": "its name leads out of the archive",
        },
    )
    with MemberReader() as reader:
        assert reader.read(archive, "Part-1.zip/Page.md", LIMIT) == b"one"
        assert reader.read(archive, "sub/Part-2.ZIP.zip/Page.md", LIMIT) == b"two"
        assert reader.read(archive, "Part-1.zip/Page.md", LIMIT) == b"one"


def test_a_folder_called_like_an_archive_is_a_folder(write: Write) -> None:
    archive = write("x.zip", zipped(("old.zip/Page.md", "text")))
    assert listed(archive) == (["old.zip/Page.md"], {})
    assert read_member(archive, "old.zip/Page.md", LIMIT) == b"text"


def test_a_member_and_a_member_of_an_inner_archive_cannot_pass_for_each_other(
    write: Write,
) -> None:
    inner = zipped(("Page.md", "one"))
    archive = write("x.zip", zipped(("in.zip", inner), ("in.zip/Page.md", "two")))
    assert listed(archive) == (
        [],
        {"in.zip/Page.md": "its name occurs more than once in the archive"},
    )


def test_a_broken_inner_archive_is_refused_and_the_rest_taken(write: Write) -> None:
    archive = write("x.zip", zipped(("in.zip", "no archive"), ("good.md", "text")))
    names, refused = listed(archive)
    assert names == ["good.md"]
    assert refused == {"in.zip": "a broken zip archive: File is not a zip file"}


def test_a_bomb_is_refused_and_the_rest_taken(write: Write) -> None:
    archive = write("x.zip", zipped(("bomb.md", bytes(10_000_000)), ("good.md", "text")))
    assert listed(archive) == (
        ["good.md"],
        {"bomb.md": "unpacks to more than 200 times its size"},
    )
    with pytest.raises(Unusable, match="more than 200 times"):
        read_member(archive, "bomb.md", 100_000_000)


def test_a_member_larger_than_the_reader_takes_is_refused(write: Write) -> None:
    archive = write("x.zip", zipped(("x.md", random.Random(1).randbytes(2_000_001))))
    assert listed(archive) == (["x.md"], {})
    assert len(read_member(archive, "x.md", 2_000_001)) == 2_000_001
    with pytest.raises(Unusable, match=r"^larger than 2 MB$"):
        read_member(archive, "x.md", 2_000_000)


@pytest.mark.parametrize("declared", [4, 100_000])
def test_a_member_whose_size_is_a_lie_yields_nothing(write: Write, declared: int) -> None:
    text = b"0123456789" * 100
    data = bytearray(zipped(("x.md", text)))
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, declared)
    archive = write("x.zip", bytes(data))
    if declared < len(text):
        with pytest.raises(Unusable, match="a broken zip archive: Bad CRC-32"):
            read_member(archive, "x.md", LIMIT)
    else:
        assert read_member(archive, "x.md", LIMIT) == text


def test_an_archive_of_too_much_is_unusable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write("x.zip", zipped(*((f"{i}.md", "text" * 100) for i in range(11))))
    monkeypatch.setattr(archives, "MAX_MEMBERS", 10)
    with pytest.raises(Unusable, match=r"^holds more than 10 documents$"):
        list_members(archive, is_document)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 11)
    assert len(list_members(archive, is_document).names) == 11
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 4_399)
    with pytest.raises(Unusable, match="unpack to more than"):
        list_members(archive, is_document)


def test_an_index_of_any_size_is_not_read_into_memory(write: Write) -> None:
    data = bytearray(zipped(("x.md", "text")))
    end = data.index(b"PK\5\6")
    size = archives._MAX_INDEX_BYTES + 1
    struct.pack_into("<II", data, end + 12, size, 0)
    archive = write("x.zip", bytes(size) + bytes(data[end:]))
    with pytest.raises(Unusable, match="its index is too large"):
        list_members(archive, is_document)


def test_a_checksum_that_does_not_fit_yields_nothing(write: Write) -> None:
    data = zipped(("x.md", "text" * 100), ("good.md", "good"), method=zipfile.ZIP_STORED)
    archive = write("x.zip", data.replace(b"texttext", b"texttoxt", 1))
    with pytest.raises(Unusable, match=r"a broken zip archive: Bad CRC-32 for file 'x\.md'"):
        read_member(archive, "x.md", LIMIT)
    assert read_member(archive, "good.md", LIMIT) == b"good"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a broken zip archive: File is not a zip file"),
        (b"no archive", "a broken zip archive: File is not a zip file"),
        (zipped(("x.md", "text"))[:-30], "a broken zip archive: File is not a zip file"),
    ],
)
def test_what_is_no_whole_archive_is_unusable(write: Write, data: bytes, reason: str) -> None:
    with pytest.raises(Unusable, match=f"^{reason}$"):
        list_members(write("x.zip", data), is_document)


def test_a_missing_archive_and_a_named_pipe_are_unusable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(Unusable, match=r"^not a regular file$"):
        list_members(tmp_path / "pipe.zip", is_document)
    with pytest.raises(Unusable, match=r"^cannot be read: No such file or directory$"):
        read_member(tmp_path / "gone.zip", "x.md", LIMIT)


def test_a_member_that_is_gone_by_the_time_it_is_read_is_unusable(write: Write) -> None:
    archive = write("x.zip", zipped(("x.md", "text")))
    with pytest.raises(Unusable, match=r"^no longer in its archive$"):
        read_member(archive, "y.md", LIMIT)
    with pytest.raises(Unusable, match=r"^no longer in its archive$"):
        read_member(archive, "in.zip/y.md", LIMIT)


def num_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_reader_goes_from_archive_to_archive_and_leaves_nothing_open(write: Write) -> None:
    before = num_open_files()
    one = write("1.zip", zipped(("x.md", "one"), ("in.zip", zipped(("x.md", "inner")))))
    two = write("2.zip", zipped(("x.md", "two")))
    with MemberReader() as reader:
        read = [reader.read(*asked, LIMIT) for asked in ((one, "in.zip/x.md"), (two, "x.md"))]
        assert read == [b"inner", b"two"]
        assert reader.read(one, "x.md", LIMIT) == b"one"
    broken = write("3.zip", zipped(("in.zip", "no archive")))
    with pytest.raises(Unusable):
        list_members(write("4.zip", "no archive"), is_document)
    list_members(broken, is_document)
    assert num_open_files() == before


NAMES = st.text(
    st.sampled_from("ab./\\\0\n~:é \u202e") | st.characters(codec="utf-8"), min_size=1, max_size=12
)


@settings(deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=5))
def test_whatever_the_names_each_member_is_listed_once_below_the_archive_or_refused(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    archive = tmp_path_factory.getbasetemp() / "names.zip"
    archive.write_bytes(zipped(*((entry(name), name) for name in names)))
    members = list_members(archive, all)
    for name in members.names:
        assert read_member(archive, name, LIMIT).decode() == name
        path = archive / name
        assert path.relative_to(archive).as_posix() == name
        assert ".." not in path.parts
    files = {name for name in names if name[-1] != "/" and name.strip("./\\")}
    assert len(set(members.names)) == len(members.names)
    assert len(members.names) + len(members.refused) >= len(files)


SOUND = (b"inner text", b"some text " * 20, b"b" * 99)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 8), cut=st.integers(0, 30))
def test_a_damaged_archive_gives_what_is_whole_and_never_another_error(
    tmp_path_factory: pytest.TempPathFactory, seed: int, flips: int, cut: int
) -> None:
    chance = random.Random(seed)
    inner = zipped(("in.md", SOUND[0]))
    data = bytearray(zipped(("a.md", SOUND[1]), ("in.zip", inner), ("b.md", SOUND[2])))
    for _ in range(flips):
        data[chance.randrange(len(data))] = chance.randrange(256)
    archive = tmp_path_factory.getbasetemp() / "damaged.zip"
    archive.write_bytes(data[: len(data) - cut * chance.randrange(2)])
    with MemberReader() as reader:
        for name in names_in(archive):
            with contextlib.suppress(Unusable):
                assert reader.read(archive, name, LIMIT) in SOUND


def names_in(archive: Path) -> tuple[str, ...]:
    try:
        return list_members(archive, is_document).names
    except Unusable:
        return ()
