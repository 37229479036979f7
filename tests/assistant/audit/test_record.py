import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.audit.record import AuditRecord, made_record, parse_record


def a_record(**changes: Any) -> AuditRecord:
    fields = {
        "seq": 7,
        "at": datetime(2026, 3, 1, 2, 3, 4, 5, tzinfo=UTC),
        "kind": "approved",
        "data": {"b": 1, "a": "ü\n"},
        "host": "web1",
        "prev": "0" * 64,
    }
    return made_record(**{**fields, **changes})


LINE = (
    '{"data":{"a":"\\u00fc\\n","b":1},"hash":"HASH","host":"web1","kind":"approved",'
    f'"prev":"{"0" * 64}","seq":7,"time":"2026-03-01T02:03:04.000005+00:00"}}\n'
)


def test_a_record_is_one_line_of_canonical_json_with_its_hash() -> None:
    digest = hashlib.sha256(LINE.replace('"hash":"HASH",', "").strip().encode()).hexdigest()
    assert a_record().hash == digest
    assert a_record().to_line().decode() == LINE.replace("HASH", digest)
    assert parse_record(a_record().to_line()) == a_record()


def respelt(**changes: Any) -> bytes:
    """A line whose hash fits what it says, canonical or not."""
    fields = {**json.loads(a_record().to_line()), **changes}
    del fields["hash"]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    fields["hash"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_what_is_respelt_with_the_same_words_is_a_record() -> None:
    assert parse_record(respelt()) == a_record()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        a_record().to_line()[:-1],
        b" " + a_record().to_line(),
        a_record().to_line().replace(b":7", b": 7"),
        a_record().to_line().replace(b":7", b":8"),
        a_record().to_line().replace(b":7", b':7,"seq":7'),
        a_record().to_line().replace(b"\\u00fc", "ü".encode()),
        respelt(extra=1),
        respelt(seq="7"),
        respelt(seq=True),
        respelt(kind=None),
        respelt(data=[]),
        respelt(time="yesterday"),
        respelt(time="2026-03-01T02:03:04"),
        respelt(time="2026-03-01T02:03:04+01:00"),
    ],
)
def test_what_is_spelt_otherwise_is_no_record(line: bytes) -> None:
    assert parse_record(line) is None
