import json

from tools.captures import parse

ALERT = {
    "labels": {"alertname": "HighLatency", "severity": "warning", "pod": "cart-1"},
    "annotations": {
        "description": "The p99 latency of cart is above 2 seconds.",
        "runbook_url": "https://runbooks.example.net/failed/error",
    },
    "startsAt": "2025-01-06T10:00:00Z",
    "status": "firing",
    "presentation_all_metadata": "*reason*: error, failed, CrashLoopBackOff",
}


def test_an_alert_says_what_and_since_when() -> None:
    text = json.dumps(ALERT, indent=1)
    description, start, name = parse(text)
    assert "p99 latency" in description.text
    assert start.note == "the alert began at 2025-01-06 10:00 UTC"
    assert (name.note, name.text.strip(",")) == ("the alert's name", '"alertname": "HighLatency"')
    assert all(one.suspicion < 0.7 for one in (description, start, name)), "it shows no cause"


def test_a_resolved_alert_is_no_finding() -> None:
    text = json.dumps({"status": "resolved", **ALERT, "labels": {}}, indent=1)
    assert parse(text.replace('"firing"', '"resolved"')) == []


def test_a_rule_is_not_its_alert() -> None:
    rule = {"alertname": "X", "description": "Pod {{ $labels.pod }} has failed to start for long"}
    assert [one.note for one in parse(json.dumps(rule, indent=1))] == ["the alert's name"]


def test_an_alert_as_yaml() -> None:
    text = (
        "alertname: DiskFull\nstartsAt: 2025-01-06T10:00:00Z\nsummary: The disk of db-1 is full.\n"
    )
    assert [one.line for one in parse(text)] == [2, 3, 1]
