from __future__ import annotations

import pytest

from assistant.coding.fields import numbered_fields

ACCESS = '10.0.0.1 - - [01/Mar/2026:10:15:00 +0000] "GET /a HTTP/1.1" 200 512'


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (
            [ACCESS],
            "fields for awk: $1=10.0.0.1 $2=- $3=- $4=[01/Mar/2026:10:15:00 $5=+0000] "
            '$6="GET $7=/a $8=HTTP/1.1" $9=200 $10=512, last=$NF',
        ),
        (["name,state", "web-1,up"], "fields for awk -F,: $1=name (web-1) $2=state (up)"),
        (["a\tb", "1\t2"], "fields for awk -F'\\t': $1=a (1) $2=b (2)"),
        (["root:x:0", "ann:x:9"], "fields for awk -F:: $1=root (ann) $2=x $3=0 (9)"),
        (
            ["PID TTY CMD", "17 pts/0 bash"],
            "fields for awk: $1=PID (17) $2=TTY (pts/0) $3=CMD (bash), last=$NF",
        ),
        # A time is no key, whatever stands between its numbers.
        (
            ["2026-03-01T10:00:05Z ann in", "2026-03-01T10:00:06Z bob out"],
            "fields for awk: $1=2026-03-01T10:00:05Z $2=ann $3=in, last=$NF",
        ),
        (['{"id": 1, "at": {"host": "a"}}'], "JSON keys: id, at.host"),
        # No table, no columns.
        (["PORT=80", "MODE=fast"], ""),
        (["{not json"], ""),
        (["", "  "], ""),
        ([], ""),
    ],
)
def test_the_columns_of_lines(lines: list[str], fields: str) -> None:
    assert numbered_fields(lines) == fields


def test_what_is_shown_is_bounded() -> None:
    assert len(numbered_fields([" ".join(["x" * 900] * 900)])) < 700
    assert len(numbered_fields(["{" + ", ".join(f'"k{n}": {n}' for n in range(900)) + "}"])) < 200
