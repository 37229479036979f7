"""catalog-export: writes the whole catalog for partners, every two seconds a new file."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from logs import open_log

TARGET = Path(os.environ["TARGET"])

log = open_log("catalog-export", "logfmt")


def main() -> None:
    """Export for ever."""
    log.info("exporting", extra={"target": TARGET, "format": "jsonl", "keep": "all"})
    while True:
        moment = datetime.now(UTC)
        file = TARGET / f"catalog-{moment:%Y%m%d-%H%M%S}.jsonl"
        article = {"text": "An article of the catalog. " * 30, "pictures": ["p.jpg"] * 8}
        try:
            with file.open("w") as output:
                for sku in range(3500):
                    output.write(json.dumps({"sku": sku, **article}) + "\n")
        except OSError as error:
            log.warning("export incomplete", extra={"file": file.name, "error": error})
        log.info("exported", extra={"file": file.name, "bytes": file.stat().st_size})
        time.sleep(1.7)


if __name__ == "__main__":
    main()
