from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.formats.properties import Properties, one_line, properties_of


def day(year: int, month: int, number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, number, hour, minute, tzinfo=UTC)


def test_no_fields_say_nothing() -> None:
    assert properties_of() == properties_of({}) == Properties("", None, (), None)


def test_of_two_sources_the_earlier_counts() -> None:
    own = properties_of({"title": "a", "Service": "x"}, {"Title": "b", "kind": "alert"})
    assert own == Properties("a", "alert", ("x",), None)


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("Redis down", "Redis down"),
        ("  folded \n over lines ", "folded over lines"),
        (502, "502"),
        ("null", ""),
        ("~", ""),
        (["a", "b"], ""),
        (None, ""),
        ("half a pair: \ud800", "half a pair: ?"),
    ],
)
def test_title(value: object, title: str) -> None:
    assert properties_of({"title": value}).title == title


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"kind": "runbook"}, "runbook"),
        ({"type": "Post-Mortem"}, "incident"),
        ({"Type": "Incident report"}, "incident"),
        ({"doc_type": "playbook"}, "runbook"),
        ({"kind": "ALERT"}, "alert"),
        ({"kind": "page", "type": ["how-to", "postmortem"]}, "incident"),
        ({"kind": "Service"}, None),
        ({"type": 1}, None),
        ({"category": "runbook"}, None),
    ],
)
def test_kind(fields: dict[str, object], kind: str | None) -> None:
    assert properties_of(fields).kind == kind


@pytest.mark.parametrize(
    ("fields", "services"),
    [
        ({"service": "checkout"}, ("checkout",)),
        ({"services": ["checkout", "payments", "checkout"]}, ("checkout", "payments")),
        (
            {"Affected services": "`checkout`, **payments**; ledger"},
            ("checkout", "payments", "ledger"),
        ),
        ({"component": "redis", "service": "checkout"}, ("checkout", "redis")),
        ({"service": "[checkout](https://wiki/x, y)"}, ("checkout",)),
        (
            {"Service": "checkout (../Services/checkout%20ab.md), api (v2)"},
            ("checkout", "api (v2)"),
        ),
        ({"params": {"service": "checkout"}}, ("checkout",)),
        ({"tags": ["redis", "draft"], "team": "core", "owner": "x"}, ()),
        ({"service": "none"}, ()),
        ({"service": "N/A"}, ()),
        ({"service": ["", " ", None, 3, {"name": "x"}]}, ()),
        ({"service": "a sentence that goes on and on about the service " * 2}, ()),
        ({"services": [f"s{number}" for number in range(30)]}, tuple(f"s{n}" for n in range(20))),
    ],
)
def test_services(fields: dict[str, object], services: tuple[str, ...]) -> None:
    assert properties_of(fields).services == services


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-03-05", day(2024, 3, 5)),
        ("2024-03-05T10:31:00Z", day(2024, 3, 5, 10, 31)),
        ("2024-03-05 10:31:00+02:00", day(2024, 3, 5, 8, 31)),
        ("2024-03-05 10:31:00 -0100", day(2024, 3, 5, 11, 31)),
        ("2024/03/05", day(2024, 3, 5)),
        ("March 5, 2024 10:31 PM", day(2024, 3, 5, 22, 31)),
        ("March 5, 2024 → March 7, 2024", day(2024, 3, 5)),
        ("@March 5, 2024", day(2024, 3, 5)),
        ("5 Mar 2024", day(2024, 3, 5)),
        (date(2024, 3, 5), day(2024, 3, 5)),
        (datetime(2024, 3, 5, 1), day(2024, 3, 5, 1)),
        (datetime(2024, 3, 5, 1, tzinfo=timezone(timedelta(hours=2))), day(2024, 3, 4, 23)),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), None),
        ("03/05/2024", None),  # March or May
        ("2024-02-30", None),
        ("0001-01-01", None),
        ("soon", None),
        ("", None),
        (20240305, None),
        ("2024-03-05 " * 10, None),
    ],
)
def test_date(written: object, expected: datetime | None) -> None:
    assert properties_of({"date": written}).dated_utc == expected


@pytest.mark.parametrize(
    "name",
    [
        *("last_update", "lastUpdated", "last-reviewed", "last_reviewed_on", "updated", "lastmod"),
        *("Last edited time", "Created", "revdate", "modified"),
    ],
)
def test_names_of_dates(name: str) -> None:
    assert properties_of({name: "2024-03-05"}).dated_utc == day(2024, 3, 5)


def test_docusaurus_nests_the_date_of_the_last_update() -> None:
    fields = {"last_update": {"date": "2024-03-05", "author": "x"}, "date": "2020-01-01"}
    assert properties_of(fields).dated_utc == day(2024, 3, 5)


@pytest.mark.parametrize(("kind", "expected"), [("runbook", 5), ("incident", 1)])
def test_an_incident_is_as_old_as_its_event_and_a_runbook_as_its_last_review(
    kind: str, expected: int
) -> None:
    fields = {"kind": kind, "date": "2024-03-01", "updated": "2024-03-05"}
    assert properties_of(fields).dated_utc == day(2024, 3, expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("a\n b\t c ", "a b c"), ("\udfff", "?"), ("é 日", "é 日")]
)
def test_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


_NAMES = ["title", "kind", "service", "date", "updated", "params", "last_update", "x"]
_VALUES = st.recursive(
    st.none() | st.text() | st.integers() | st.datetimes() | st.dates() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=9), _VALUES, max_size=6))
def test_any_fields_give_properties_that_can_be_stored(fields: dict[str, object]) -> None:
    own = properties_of(fields)
    assert own.title == " ".join(own.title.encode().decode().split())
    assert all(name.strip() == name != "" for name in own.services)
    assert own.dated_utc is None or own.dated_utc.utcoffset() == timedelta(0)
