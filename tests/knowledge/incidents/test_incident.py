from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from knowledge.incidents.incident import (
    Incident,
    InvalidIncident,
    Signature,
    incident_id,
    is_incident_id,
)

AT = datetime(2026, 11, 20, 3, 12, tzinfo=UTC)


def test_the_signature_is_what_can_be_seen_from_outside() -> None:
    incident = Incident(
        "a", "A", services=("web",), symptoms="slow", templates=("timed out",), cause="disk full"
    )
    assert incident.signature == Signature(("timed out",), ("web",), "slow")


def test_texts_have_one_form() -> None:
    incident = Incident(
        "a",
        "  Out of\n\tmemory ",
        services=(" web ", "", "web", "db"),
        templates=("a  b\n c", "a b c", " "),
        cause="\r\n  \n    indented\r\nsecond\rthird  \n\n",
        fix="\x1b[31mred\x1b[0m \x00 tab\tstays \ud800",
    )
    assert incident.title == "Out of memory"
    assert incident.services == ("web", "db")
    assert incident.templates == ("a b c",)
    assert incident.cause == "    indented\nsecond\nthird"
    assert incident.fix == "red \ufffd tab\tstays \ufffd"


def test_a_text_in_one_form_stays_as_it_is() -> None:
    once = Incident("a", " A\x07 ", cause=" \n x \r\n", notes="\x1b[1m\n\n", templates=("\x85a",))
    again = Incident("a", once.title, cause=once.cause, notes=once.notes, templates=once.templates)
    assert again == once


def test_the_time_is_kept_in_utc() -> None:
    local = datetime(2026, 11, 20, 4, 12, tzinfo=timezone(timedelta(hours=1)))
    assert Incident("a", "A", local) == Incident("a", "A", AT)
    assert str(Incident("a", "A", local).occurred_at_utc) == "2026-11-20 03:12:00+00:00"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": "../secrets"}, "cannot be the id"),
        ({"id": "Checkout"}, "cannot be the id"),
        ({"id": ""}, "cannot be the id"),
        ({"id": "a" * 101}, "cannot be the id"),
        ({"title": " \n"}, "no title"),
        ({"title": "x" * 301}, "301 characters"),
        ({"services": tuple(map(str, range(51)))}, "51 services"),
        ({"services": ("x" * 101,)}, "too long for the name"),
        ({"session": "x" * 101}, "too long for the name"),
        ({"occurred_at_utc": datetime(2026, 1, 1)}, "no time zone"),
    ],
)
def test_what_cannot_be_an_incident_is_refused(fields: dict[str, object], message: str) -> None:
    given = {"id": "a", "title": "A", **fields}
    with pytest.raises(InvalidIncident, match=message) as caught:
        Incident(**given)  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize(
    ("title", "at", "start"),
    [
        ("Checkout 5xx", AT, "2026-11-20-checkout-5xx-"),
        ("Checkout 5xx", None, "undated-checkout-5xx-"),
        ("Zürich: Überlast", AT, "2026-11-20-zurich-uberlast-"),
        ("服务中断", AT, "2026-11-20-incident-"),
        (
            "The payments database ran out of connections again",
            AT,
            "2026-11-20-the-payments-database-ran-out-of-",
        ),
        ("x" * 90, AT, f"2026-11-20-{'x' * 40}-"),
    ],
)
def test_an_id_names_the_incident(title: str, at: datetime | None, start: str) -> None:
    made = incident_id(title, at, "")
    assert made.startswith(start)
    assert len(made) == len(start) + 6
    assert is_incident_id(made)


def test_the_same_gets_the_same_id_and_anything_else_another() -> None:
    later = AT + timedelta(minutes=1)
    ids = [
        incident_id("Checkout 5xx", AT, "session 1"),
        incident_id("Checkout 5xx", AT, "session 2"),
        incident_id("Checkout 5xx", later, "session 1"),
        incident_id("Checkout 5XX", AT, "session 1"),
        incident_id("Checkout 5xx", None, "session 1"),
    ]
    assert len(set(ids)) == len(ids)
    local = AT.astimezone(timezone(timedelta(hours=-9)))
    assert incident_id("Checkout 5xx", local, "session 1") == ids[0]
