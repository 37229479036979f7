from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from knowledge.base import KnowledgeBase, open_knowledge_base
from knowledge.embedding import OnnxEmbedder, open_embedder
from tests.knowledge.chroma_server import ChromaServer

RUNBOOKS = {
    "redis/RedisDown.md": """\
---
title: Redis Down
---
# RedisDown

The cache does not answer.

## Diagnosis

Look for the out-of-memory killer in the kernel's log:

```sh
# who was killed
journalctl -k | grep -i oom
```

## Mitigation

1. Raise `maxmemory`.
2. Restart the cache.
""",
    "disk.rst": """\
Disk full
=========

The volume has no space left on device. Delete rotated logs, then grow the volume.
""",
    "tls.txt": "The certificate has expired. Renew it with the authority, then reload nginx.\n",
}


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """The user's own cache: exporting the model takes seconds, and is done once for all runs."""
    return Path(user_cache_dir("midwatch"))


@pytest.fixture(scope="session")
def embedder(cache_dir: Path) -> OnnxEmbedder:
    return open_embedder(cache_dir)


@pytest.fixture(scope="session")
def fresh_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder into which the model was just exported; nobody changes it."""
    folder = tmp_path_factory.mktemp("export")
    open_embedder(folder)
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file below `tmp_path`, folders included, and return its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


@pytest.fixture
def runbooks(tmp_path: Path, write: Callable[[str, str | bytes], Path]) -> Path:
    for name, text in RUNBOOKS.items():
        write(f"runbooks/{name}", text)
    return tmp_path / "runbooks"


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """One server for all tests: it takes seconds to start."""
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def chroma_url(chroma_server: ChromaServer) -> str:
    """A server that holds nothing."""
    chroma_server.empty()
    return chroma_server.url


@pytest.fixture(params=["embedded", pytest.param("shared", marks=pytest.mark.system)])
def base(
    request: pytest.FixtureRequest, tmp_path: Path, cache_dir: Path
) -> Iterator[KnowledgeBase]:
    """An empty knowledge base, of each kind."""
    url = request.getfixturevalue("chroma_url") if request.param == "shared" else ""
    with open_knowledge_base(tmp_path / "data", cache_dir, url) as opened:
        yield opened
