from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tools.logs.records import RecordParser

REFERENCE = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def said() -> Callable[[str], tuple[str | None, str | None, str, str, str | None, str | None]]:
    """What a line says: time, level, message, service, and the text at `stamp` and at `coded`."""

    def of(
        line: str,
    ) -> tuple[str | None, str | None, str, str, str | None, str | None]:
        record = RecordParser(REFERENCE).parse(line)
        time = record.time.isoformat().replace("+00:00", "Z") if record.time else None
        level = record.level.name if record.level else None
        stamp = line[slice(*record.stamp)] if record.stamp else None
        coded = line[slice(*record.coded)] if record.coded else None
        return time, level, record.message, record.service, stamp, coded

    return of
