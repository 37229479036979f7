from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import Unusable
from knowledge.incidents.incident import Incident
from knowledge.incidents.markdown import from_markdown, to_markdown

INCIDENT = Incident(
    id="2026-11-20-checkout-5xx-3f2a11",
    title="Checkout: 5xx",
    occurred_at_utc=datetime(2026, 11, 20, 3, 12, tzinfo=UTC),
    services=("checkout", "payments"),
    symptoms="Orders fail.",
    templates=("timed out after <n> ms", "pool <*> is full"),
    cause="The pool was too small.",
    fix="1. Raise it:\n\n```sh\n# by hand\nkubectl set env POOL=50\n```",
    session="s-17",
    notes="Seen before: <https://wiki/1>\n\n## Timeline\n\n03:12 page",
)
FILE = """\
---
id: 2026-11-20-checkout-5xx-3f2a11
title: 'Checkout: 5xx'
date: 2026-11-20 03:12:00+00:00
services:
- checkout
- payments
session: s-17
kind: incident
---

# Checkout: 5xx

## Symptoms

Orders fail.

## Signature

```text
timed out after <n> ms
pool <*> is full
```

## Cause

The pool was too small.

## Fix

1. Raise it:

```sh
# by hand
kubectl set env POOL=50
```

## Notes

Seen before: <https://wiki/1>

## Timeline

03:12 page
"""
POSTMORTEM = """\
# Postmortem: checkout outage

**Date:** March 14th, 2026, 02:10 UTC
**Services affected:** checkout, `payments`

## Impact

40% of orders failed.

## Detection

Pager.

## Timeline

02:10 page

### Root Cause(s)

The pool was exhausted.

## Resolution: pool raised

Action items
------------

1. alert
"""
HERE = PurePath("memory/2024-01-02-some-name.md")


def test_an_incident_is_written_to_be_read_by_people() -> None:
    assert to_markdown(INCIDENT) == FILE
    assert from_markdown(FILE, HERE) == INCIDENT


def test_what_is_empty_is_left_out_and_not_looked_for_when_read() -> None:
    bare = Incident("a", "Cause", notes="Date: 2026-03-14\nServices: web")
    assert to_markdown(bare) == (
        "---\nid: a\ntitle: Cause\ndate:\nservices: []\nkind: incident\n---\n\n# Cause\n\n"
        "## Notes\n\nDate: 2026-03-14\nServices: web\n"
    )
    assert from_markdown(to_markdown(bare), HERE) == bare


def test_a_postmortem_is_read_by_its_headings_and_nothing_is_lost() -> None:
    incident = from_markdown(POSTMORTEM, PurePath("x.md"))
    assert incident == Incident(
        id="2026-03-14-postmortem-checkout-outage-33af86",
        title="Postmortem: checkout outage",
        occurred_at_utc=datetime(2026, 3, 14, 2, 10, tzinfo=UTC),
        services=("checkout", "payments"),
        symptoms="### Impact\n\n40% of orders failed.\n\n### Detection\n\nPager.",
        cause="The pool was exhausted.",
        fix="pool raised",
        notes=(
            "**Date:** March 14th, 2026, 02:10 UTC\n"
            "**Services affected:** checkout, `payments`\n\n"
            "## Timeline\n\n02:10 page\n\nAction items\n------------\n\n1. alert"
        ),
    )
    assert from_markdown(to_markdown(incident), HERE) == incident


def test_an_edited_file_is_still_read() -> None:
    edited = """\
---
severity: SEV2 # was 3
Services: checkout,payments
owner: {team: core}
title: Checkout
---
Preamble.

### Fix
f

Checkout
========

## Cause

c

## Signature

Seen in the gateway:

- `pool <*> is full`
* ``a `quoted` line``

```
timed out after <n> ms
```

## Notes

    n
"""
    incident = from_markdown(edited, PurePath("2026-03-14-checkout.md"))
    assert incident.title == "Checkout"
    assert incident.occurred_at_utc == datetime(2026, 3, 14, tzinfo=UTC)
    assert incident.services == ("checkout", "payments")
    assert incident.fix == "f"
    assert incident.cause == "c"
    assert incident.templates == (
        "timed out after <n> ms",
        "pool <*> is full",
        "a `quoted` line",
    )
    assert incident.notes == (
        "Preamble.\n\n    n\n\nSeen in the gateway:\n\n"
        "Checkout\n========\n\n"
        "```yaml\nseverity: SEV2 # was 3\nowner: {team: core}\n```"
    )


@pytest.mark.parametrize(
    ("text", "name", "title", "date"),
    [
        ("# A\n\nx", "b.md", "A", None),
        ("x", "2026-03-14-disk-full_again.md", "disk full again", "2026-03-14"),
        ("x", "2026-03-14.md", "Incident", "2026-03-14"),
        ("# 2026-03-14 Disk full", "b.md", "2026-03-14 Disk full", "2026-03-14"),
        ("---\ntitle: T\ndate: 2026-03-14\n---\n# H", "2025-01-01.md", "T", "2026-03-14"),
        ("---\ntitle: T\nincident_date: 1 May 2026\n---\n# T", "b.md", "T", "2026-05-01"),
        ("# A\n\n| Date | 2026-03-14 |", "2025-01-01.md", "A", "2026-03-14"),
        ("# A\n\n- Start time: yesterday\n- Date: 2026/03/14", "b.md", "A", "2026-03-14"),
        ("# A\n\n```\ndate: 2026-03-14\n```", "b.md", "A", None),
        ("---\ndate:\n---\n# A", "2026-03-14.md", "A", None),
        ("\ufeff---\r\ntitle: T\r\n---\r\n# T\r\n\r\nx", "b.md", "T", None),
    ],
)
def test_titles_and_dates_are_found_where_people_put_them(
    text: str, name: str, title: str, date: str | None
) -> None:
    incident = from_markdown(text, PurePath(name))
    assert incident.title == title
    found = incident.occurred_at_utc
    assert (found and found.date().isoformat()) == date


def test_a_title_is_said_once_and_another_heading_kept() -> None:
    assert from_markdown("---\ntitle: A\n---\n# A\n\nx", HERE).notes == "x"
    assert from_markdown("---\ntitle: A\n---\n# B\n\nx", HERE).notes == "# B\n\nx"
    long = " ".join(["word"] * 100)
    incident = from_markdown(f"# {long}\n\nx", HERE)
    assert long.startswith(incident.title)
    assert incident.notes == f"# {long}\n\nx"


def test_a_file_without_id_has_the_same_one_whenever_it_is_read() -> None:
    ids = [
        from_markdown("# Postmortem\n\nbefore", PurePath("x/a.md")).id,
        from_markdown("# Postmortem\n\nand after an edit", PurePath("y/a.md")).id,
        from_markdown("# Postmortem\n\nbefore", PurePath("x/b.md")).id,
    ]
    assert ids[0] == ids[1] != ids[2]
    assert from_markdown("---\nid: INC-42\n---\n# A", HERE).id == "inc-42"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n", "empty"),
        ("---\nid: ../../etc/passwd\n---\n", "cannot be the id .* leave the id out"),
        ("---\ndate: last week\n---\n", "'last week' is not understood: write it as 2026-03-14"),
        ("---\ntitle: [a]\n---\n", "title must be one text"),
        ("---\nservices: {a: b}\n---\n", "services must be a list"),
        ("---\nkind: runbook\n---\n", "it is a runbook: write kind: incident"),
        (f"---\ntitle: {'x' * 301}\n---\n", "301 characters, 300 are allowed: shorten it"),
        ("---\ntitle: 'a\n---\n", "not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_change(text: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        from_markdown(text, HERE)


def test_a_kind_of_ones_own_is_kept() -> None:
    assert from_markdown("---\nkind: postmortem\n---\nx", HERE).notes == (
        "x\n\n```yaml\nkind: postmortem\n```"
    )


_LINE = st.one_of(
    st.sampled_from(
        [
            "",
            "  ",
            "word",
            "two words",
            "---",
            "===",
            "```",
            "````",
            "```sh",
            "~~~",
            "~~~ x",
            "# Fix",
            "## Fix",
            "### Impact",
            "## Timeline",
            "#",
            "## Signature ##",
            "    ## Fix",
            "   ## Notes",
            "\\## Fix",
            "\\\\## Fix",
            "\\---",
            "\\```",
            "**Root cause:** x",
            "__Fix__",
            "Fix",
            "- item",
            "Date: 2026-01-01",
            "Services: a, b",
            "<!--",
            "\t",
            "\u2028",
            "\x85",
            "\x1b[31m",
            "\ufeff",
        ]
    ),
    st.text(max_size=12),
)
_TEXT = st.builds(
    lambda lines, end: end.join(lines),
    st.lists(_LINE, max_size=8),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
_TITLE = st.one_of(
    st.sampled_from(
        ["Fix", "Cause: x", "# a", "foo ##", "---", "null", "~", "yes", "'", "2026-1-1"]
    ),
    st.text(min_size=1, max_size=20).filter(lambda text: bool(text.split())),
)


@settings(max_examples=400, deadline=None)
@given(
    incident=st.builds(
        Incident,
        id=st.from_regex(r"[a-z0-9](?:[a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True),
        title=_TITLE,
        occurred_at_utc=st.none() | st.datetimes(timezones=st.just(UTC)),
        services=st.lists(st.text(max_size=8), max_size=4).map(tuple),
        symptoms=_TEXT,
        templates=st.lists(_LINE, max_size=4).map(tuple),
        cause=_TEXT,
        fix=_TEXT,
        session=st.text(max_size=8),
        notes=_TEXT,
    )
)
def test_any_incident_is_read_back_as_it_was(incident: Incident) -> None:
    assert from_markdown(to_markdown(incident), HERE) == incident


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(_LINE, max_size=12))
def test_no_word_of_any_file_is_lost(lines: list[str]) -> None:
    words = [f"w{number}x" for number in range(len(lines))]
    text = "\n".join(f"{line}\n{word}" for line, word in zip(lines, words, strict=True))
    incident = from_markdown(f"start\n{text}", HERE)
    kept = " ".join(
        [
            incident.title,
            incident.symptoms,
            *incident.templates,
            incident.cause,
            incident.fix,
            incident.notes,
        ]
    )
    assert [word for word in words if word not in kept] == []
