from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.agent.question import understand

NOW = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)

QUESTIONS = [
    # The person wants to know what is wrong.
    ("What is wrong here?", "diagnose", "", (), None),
    ("Why is checkout slow?", "diagnose", "", (), None),
    ("Why did the payments service restart at 03:12?", "diagnose", "", (), None),
    ("Is payments healthy?", "diagnose", "", (), None),
    ("what failed first?", "diagnose", "", (), None),
    ("Did anything fail in the last 2 days?", "diagnose", "2d", (), None),
    ("Users report that they can't pay; what's going on?", "diagnose", "", (), None),
    ("Explain the 'pool exhausted' message", "diagnose", "", ("pool exhausted",), None),
    ("Show me why payments fails", "diagnose", "", (), None),
    ("Why don't we see any errors in the logs?", "diagnose", "", (), None),
    ("Orders fail since 2 hours ago", "diagnose", "2h", (), None),
    ("The queue grew over the past 90 seconds, why?", "diagnose", "90s", (), None),
    ("How long has redis been down?", "diagnose", "", (), None),
    ('The log says "disk full" but df shows 40%. Why?', "diagnose", "", ("disk full",), None),
    ("", "diagnose", "", (), None),
    # The person wants to see lines.
    ("Show me the last 20 lines of the worker log", "show", "", (), 20),
    ("tail the nginx log", "show", "", (), None),
    ("Show me the logs of checkout for the past 30 minutes", "show", "30m", (), None),
    ("Can you post the payments logs from the last hour?", "show", "1h", (), None),
    ("Please fetch the latest 5 log entries from checkout's log", "show", "", (), 5),
    ('Get the logs that mention "card_declined"', "show", "", ("card_declined",), None),
    ("Display the\nworker logs", "show", "", (), None),
    # The person asks for something that code can look for.
    ("Were there any timeouts?", "find", "", (), None),
    ("How many 502s did the front return in the last 15 min?", "find", "15m", (), None),
    ("Are there any errors in the checkout log?", "find", "", (), None),
    ("Show me the errors in the logs of the last 3 hrs", "find", "3h", (), None),
    (
        'Find "connection reset", last 24 hours',
        "find",
        "1d",
        ("connection reset",),
        None,
    ),
    ("Search for `OutOfMemoryError` in the worker", "find", "", ("OutOfMemoryError",), None),
    ("Was there a deploy in the last 3 hours?", "find", "3h", (), None),
    ("how many orders were placed in the past week?", "find", "1w", (), None),
    ("List the services", "find", "", (), None),
    ("When did the first error occur?", "find", "", (), None),
    # Words in quotation marks are looked for once, in their order, and say nothing about intent.
    ("Is 'a b' or \"c d\" or “a b” there?", "diagnose", "", ("c d", "a b"), None),
    ("Was there a 'why is it broken' line?", "find", "", ("why is it broken",), None),
]


@pytest.mark.parametrize(("text", "intent", "since", "terms", "line_count"), QUESTIONS)
def test_question_is_understood(
    text: str, intent: str, since: str, terms: tuple[str, ...], line_count: int | None
) -> None:
    question = understand(text, NOW)
    assert question.text == text
    assert question.intent == intent
    assert question.since == since
    assert sorted(question.terms) == sorted(terms)
    assert question.line_count == line_count


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("in the last second", "1s"),
        ("in the last 5m", "5m"),
        ("in the last 5 mins", "5m"),
        ("in the previous 2 hours", "2h"),
        ("in the PAST DAY", "1d"),
        ("in the last 2 weeks", "2w"),
        ("in the last 10 requests", ""),
        ("the last message", ""),
        ("at last it works", ""),
        ("it has been down for 3 days", ""),
    ],
)
def test_only_a_period_that_is_certain_is_taken(text: str, since: str) -> None:
    assert understand(text, NOW).since == since


@pytest.mark.parametrize(
    "text",
    [
        "The server can't answer, it's the disk, isn't it?",
        'Why does {"error": "card_declined", "id": "7f"} come back?',
        "What is 5' long and 6' wide?",
        'an unclosed " quotation',
        '""',
    ],
)
def test_apostrophes_and_json_are_no_words_to_look_for(text: str) -> None:
    assert understand(text, NOW).terms == ()


@given(st.text(max_size=200))
def test_any_text_is_understood_as_something(text: str) -> None:
    question = understand(text, NOW)
    assert question.intent in ("diagnose", "show", "find")
    assert all(term in text for term in question.terms)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("What failed since 14:00?", "90m"),
        ("What failed since 23:30?", "16h"),
        ("What failed yesterday?", "2370m"),
        ("Any errors today?", "930m"),
        ("What broke in the last half hour?", "30m"),
        ("Errors in the past five minutes?", "5m"),
        ("Errors in the last 30 secs?", "30s"),
    ],
)
def test_times_of_the_clock_and_in_words(text: str, since: str) -> None:
    assert understand(text, NOW).since == since


@pytest.mark.parametrize(
    ("text", "intent", "terms"),
    [
        ("Print the last 100 lines of worker", "show", ()),
        ("Any idea why checkout is slow?", "diagnose", ()),
        ("Can you see anything suspicious in the logs?", "diagnose", ()),
        ("Grep the logs for ERROR", "find", ("ERROR",)),
        ("Search checkout for card_declined", "find", ("card_declined",)),
        ("What is wrong with pod \"cart-1\" in namespace 'prod'?", "diagnose", ()),
    ],
)
def test_ways_of_saying_it(text: str, intent: str, terms: tuple[str, ...]) -> None:
    question = understand(text, NOW)
    assert (question.intent, question.terms) == (intent, terms)


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("why?", True),
        ("Since when?", True),
        ("And how do I fix it?", True),
        ("or was the deploy the cause after all?", True),
        ("Which session holds them?", True),
        ("Can I restart that without losing orders?", True),
        ("What should I do first?", True),
        ("Is redis healthy?", False),
        ("How do I roll back the last release?", False),
        ("Show me the last 20 lines of nginx", False),
        ("Which items are in Anderson's order?", False),
    ],
)
def test_question_that_leans_on_those_before_it_is_read_with_them(text: str, leans: bool) -> None:
    alone = understand(text, NOW)
    assert alone.readings == (text,)
    later = replace(alone, earlier=("Is the disk full?",))
    assert later.readings == ((text, f"{text} Is the disk full?") if leans else (text,))


def test_readings_take_in_the_nearest_questions_first_and_only_a_few() -> None:
    question = replace(understand("why?", NOW), earlier=("a", "b", "c", "d"))
    assert question.readings == ("why?", "why? d", "why? d c", "why? d c b")
