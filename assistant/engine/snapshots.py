"""`Snapshots`: computed prefixes on disk, so that a fresh process need not compute them again.

A file is found by a key over everything that its content depends on: the model's weights, the
prefix's tokens, the format of the state. It begins with that key and a digest of the rest, and both
are checked before llama.cpp sees a byte. A file that is damaged or of another kind is ignored; the
worst that can happen is that the prefix is computed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path

_log = logging.getLogger(__name__)
_MAGIC = b"midwatch-kv-1\n"
_HEADER_BYTES = len(_MAGIC) + 2 * hashlib.sha256().digest_size
_SUFFIX = ".kv"


class Snapshots:
    """Snapshots of one model in `folder`, which holds at most `max_bytes` of them.

    `model_digest` stands for the weights. The least recently used are removed first. Safe to use
    from any thread and by many processes.
    """

    def __init__(self, folder: Path, max_bytes: int, model_digest: str) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._model_digest = model_digest

    def load(self, state_format: str, tokens: Sequence[int]) -> bytes | None:
        """The state of `tokens` that was kept; None when there is none, or it is damaged."""
        key = self._key(state_format, tokens)
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        header, state = content[:_HEADER_BYTES], content[_HEADER_BYTES:]
        if header != _header(key, state):
            _log.warning("ignoring the damaged snapshot %s", path)
            self.discard(state_format, tokens)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return state

    def keep(self, state_format: str, tokens: Sequence[int], state: bytes) -> None:
        """Keep the `state` of `tokens`; a disk that is full or read-only is no error."""
        if len(state) > self._max_bytes:
            _log.info("a snapshot of %d bytes is over the limit", len(state))
            return
        key = self._key(state_format, tokens)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(self._path(key), _header(key, state) + state)
            self._remove_oldest()
        except OSError as error:
            _log.warning("no snapshot was kept in %s: %s", self._folder, error)

    def discard(self, state_format: str, tokens: Sequence[int]) -> None:
        """Remove what is kept of `tokens`."""
        with contextlib.suppress(OSError):
            self._path(self._key(state_format, tokens)).unlink(missing_ok=True)

    def _key(self, state_format: str, tokens: Sequence[int]) -> bytes:
        """32 bytes over all that the content of a snapshot depends on."""
        digest = hashlib.sha256()
        for part in (self._model_digest, state_format):
            data = part.encode()
            digest.update(struct.pack("<q", len(data)) + data)
        digest.update(struct.pack(f"<{len(tokens)}i", *tokens))
        return digest.digest()

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key.hex()}{_SUFFIX}"

    def _write(self, path: Path, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _remove_oldest(self) -> None:
        files = sorted(self._files(), key=lambda found: found[0], reverse=True)
        total = 0
        for _, size, path in files:
            total += size
            if total > self._max_bytes:
                path.unlink(missing_ok=True)

    def _files(self) -> list[tuple[float, int, Path]]:
        """Modification time, size and path of everything here, left-over parts included."""
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return found


def _header(key: bytes, state: bytes) -> bytes:
    return _MAGIC + key + hashlib.sha256(state).digest()
