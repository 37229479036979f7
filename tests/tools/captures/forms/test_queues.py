import pytest

from tools.captures import parse

KAFKA = """GROUP    TOPIC   PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG     CONSUMER-ID  HOST
orders   orders  0          1000            1000            0       c-1          /10.0.0.1
orders   orders  1          1000            {end}            {lag}    {who}          /10.0.0.1
"""
RABBIT = "name     messages  consumers\norders   {count}       {who}\n"


@pytest.mark.parametrize(
    "text",
    [
        KAFKA.format(end=1004, lag=4, who="c-1"),
        RABBIT.format(count=12, who=2),
        RABBIT.format(count=0, who=0),
    ],
)
def test_what_is_read_is_no_finding(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            KAFKA.format(end=951000, lag=950000, who="-"),
            "nobody reads orders: 950,000 m",
        ),
        (
            KAFKA.format(end=951000, lag=950000, who="c-1"),
            "950,000 messages of orders",
        ),
        (RABBIT.format(count=70, who=0), "nobody reads orders: 70 messages wait"),
    ],
)
def test_what_piles_up(text: str, note: str) -> None:
    (found,) = parse(text)
    assert found.note.startswith(note)
