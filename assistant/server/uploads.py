"""What clients on other machines send along with a question: files, and bundles as tar archives.

An upload is a folder of its own, which only its owner can name. It stays as long as sessions may
lean on it: a follow-up question goes on with the files of the turn before.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
import tarfile
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import UploadRefused

_log = logging.getLogger(__name__)

_ABOUT = "about.json"
_CONTENT = "content"
_KEPT_S = 30 * 86_400.0
_MAX_MEMBERS = 50_000


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent: a file, or a bundle's folder."""

    id: str
    path: Path
    is_bundle: bool


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads in `folder`, none of which takes more than `max_bytes` there."""

    folder: Path
    max_bytes: int

    async def keep(
        self, owner: str, name: str, chunks: AsyncIterator[bytes], *, is_bundle: bool
    ) -> Upload:
        """Keep a body as the file `name`, or what is in it as a bundle. Raises UploadRefused."""
        made = secrets.token_hex(8)
        place = self.folder / made
        await asyncio.to_thread(place.mkdir, mode=0o700, parents=True)
        try:
            path = place / _CONTENT / _plain_name(name)
            await asyncio.to_thread(path.parent.mkdir, mode=0o700)
            await self._write(path, chunks)
            if is_bundle:
                path = await asyncio.to_thread(_unpacked, path, self.max_bytes)
            about = {"owner": owner, "path": str(path.relative_to(place)), "bundle": is_bundle}
            await asyncio.to_thread((place / _ABOUT).write_text, json.dumps(about))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return Upload(made, path, is_bundle)

    def find(self, owner: str, upload: str) -> Upload:
        """The upload of that id. Raises UploadRefused: unknown, gone, or somebody else's."""
        place = self.folder / upload
        try:
            about = json.loads((place / _ABOUT).read_text())
        except (OSError, ValueError):
            about = {}
        if about.get("owner") != owner:
            raise UploadRefused(f"there is no upload {upload}", "send the file again")
        return Upload(upload, place / about["path"], bool(about["bundle"]))

    def sweep(self) -> None:
        """Remove what no session can lean on any more, and what was never finished."""
        oldest = time.time() - _KEPT_S
        for place in _folders(self.folder):
            if place.stat().st_mtime < oldest:
                shutil.rmtree(place, ignore_errors=True)

    async def _write(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        size = 0
        with path.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.max_bytes:
                    raise _too_large(self.max_bytes)
                await asyncio.to_thread(file.write, chunk)


def _folders(folder: Path) -> Iterable[Path]:
    return [place for place in folder.iterdir() if place.is_dir()] if folder.is_dir() else []


def _plain_name(name: str) -> str:
    """A file name that is nothing but a name; its ending says what the file is."""
    last = "".join(c if c.isalnum() or c in "._- " else "_" for c in Path(name).name)
    return last.strip(" .")[-100:] or "file"


def _unpacked(archive: Path, max_bytes: int) -> Path:
    """The folder with what is in the tar archive, which is gone then. Raises UploadRefused."""
    folder = archive.parent / "bundle"
    try:
        with tarfile.open(archive) as opened:
            _extract(opened, folder, max_bytes)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise UploadRefused(
            f"the bundle cannot be unpacked: {error}", "send a tar archive of plain files"
        ) from error
    archive.unlink()
    return folder


def _extract(opened: tarfile.TarFile, folder: Path, max_bytes: int) -> None:
    folder.mkdir(mode=0o700)
    size = 0
    for number, member in enumerate(opened):
        # Links could lead out of the folder when they are read later.
        if not (member.isfile() or member.isdir()):
            continue
        size += member.size
        if size > max_bytes or number >= _MAX_MEMBERS:
            raise _too_large(max_bytes)
        opened.extract(member, folder, filter="data")


def _too_large(max_bytes: int) -> UploadRefused:
    return UploadRefused(
        f"an upload may have {max_bytes >> 20} MiB and {_MAX_MEMBERS} files",
        "send less, or raise [server] max_upload_mib",
    )
