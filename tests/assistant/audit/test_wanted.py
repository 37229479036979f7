from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.audit.record import AuditRecord, made_record
from assistant.audit.wanted import Filter, Wanted
from tools.window import Window

AT = datetime(2026, 3, 1, tzinfo=UTC)
DATA = {
    "approval": "k7m2xq",
    "action": "restart_service",
    "arguments": {"backend": "supervisor", "service": "shop:web"},
    "asked_by": "ana (slack)",
    "agreed": ["bo (cli)", "cy (cli)"],
    "session": "1a2b3c4d",
}


def record(data: dict[str, Any]) -> AuditRecord:
    return made_record(seq=1, at=AT, kind="requested", data=data, host="web1", prev="0" * 64)


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Wanted(), True),
        (Wanted(window=Window(AT, None)), True),
        (Wanted(window=Window(None, AT)), False),
        (Wanted(kinds=frozenset({"requested", "failed"})), True),
        (Wanted(kinds=frozenset({"failed"})), False),
        (Wanted(actions=frozenset({"restart_service"})), True),
        (Wanted(actions=frozenset({"stop_service"})), False),
        (Wanted(service="shop:web"), True),
        (Wanted(service="shop:*"), True),
        (Wanted(service="shop"), False),
        (Wanted(who="ana"), True),
        (Wanted(who="ana (slack)"), True),
        (Wanted(who="ana (cli)"), False),
        (Wanted(who="an"), False),
        (Wanted(who="cy"), True),
        (Wanted(session="1a2b"), True),
        (Wanted(session="a2b"), False),
        (Wanted(approval="k7m2xq"), True),
        (Wanted(approval="k7"), True),
        (Wanted(approval="k7m2xqq"), False),
        (Wanted(approval="k7", kinds=frozenset({"failed"})), False),
    ],
)
def test_a_record_is_wanted(wanted: Wanted, is_wanted: bool) -> None:
    assert Filter(wanted).accepts(record(DATA)) is is_wanted


@pytest.mark.parametrize(
    "wanted", [Wanted(service="*"), Wanted(who="ana"), Wanted(session="1"), Wanted(approval="k")]
)
@pytest.mark.parametrize("value", [None, 7, ["a"], {"b": "c"}])
def test_what_a_record_does_not_name_is_not_wanted(wanted: Wanted, value: object) -> None:
    data = dict.fromkeys(("arguments", "service", "who", "agreed", "session", "approval"), value)
    assert Filter(wanted).accepts(record(data)) is False
    assert Filter(wanted).accepts(record({})) is False


def test_a_record_without_an_approval_is_of_no_approval() -> None:
    chosen = Filter(Wanted(service="shop"))
    assert chosen.accepts(record({"service": "shop"}))
    assert not chosen.accepts(record({}))
