from __future__ import annotations

import pytest

from assistant.agent.inquiry import follow_up, read_inquiry
from tools.logs.lookup.query import LogQuery
from tools.logs.records import Level

READ = [
    ("How many failed logins are there?", LogQuery("count", ("failed",), optional=("logins",))),
    (
        "How many failed password attempts target the root account?",
        LogQuery(
            "count", ("failed", "password", "root"), optional=("attempts", "target", "account")
        ),
    ),
    (
        'How many "lease expired" lines are there?',
        LogQuery("count", ("lease", "expired"), optional=("lease expired",)),
    ),
    ("How many lines are at level ERROR?", LogQuery("count", level=Level.ERROR)),
    ("How many warning lines mention the cache?", LogQuery("count", ("cache",), level=Level.WARN)),
    ("how many 503s did we return?", LogQuery("count", optional=("return",), status=503)),
    (
        "How many requests were answered with status 404?",
        LogQuery("count", optional=("requests", "answered", "status"), status=404),
    ),
    ("How often did pgbouncer restart?", LogQuery("count", ("pgbouncer", "restart"))),
    # Brackets that give the lines' own words say which lines are meant.
    (
        "How many jobs were dropped (queue full, dropping job)?",
        LogQuery("count", ("full", "dropping"), optional=("queue", "job")),
    ),
    (
        "Which address failed most often (e.g. by ssh)?",
        LogQuery("top", ("failed",), field="address"),
    ),
    ("Which two users fail the most?", LogQuery("top", ("fail",), field="users", limit=2)),
    ("top 3 paths with 404", LogQuery("top", ("404",), field="paths", limit=3)),
    ("In which hour were the most timeouts?", LogQuery("top", ("timeouts",), field="hour")),
    ("Which hour was the busiest?", LogQuery("top", field="hour")),
    ("What is the most frequent error?", LogQuery("kinds", ("error",))),
    ("What is the most common message?", LogQuery("kinds")),
    (
        "How many different users logged in?",
        LogQuery("distinct", optional=("logged",), field="users"),
    ),
    (
        "Which users did 10.0.0.7 try?",
        LogQuery("values", ("10.0.0.7",), optional=("try",), field="users"),
    ),
    (
        "Which exit codes occur for the importer?",
        LogQuery("values", ("importer",), optional=("exit",), field="exit codes"),
    ),
    (
        "What is the slowest request?",
        LogQuery("max", optional=("request",), field="slowest request"),
    ),
    (
        "What was the lowest queue depth?",
        LogQuery("min", optional=("depth",), field="lowest queue depth"),
    ),
    ("When did the first timeout occur?", LogQuery("first", ("timeout",))),
    ("When was the last deploy?", LogQuery("last", ("deploy",))),
    ("How often was it in error 1?", LogQuery("count", ("error", "1"))),
    ("What do the FATAL lines say?", LogQuery("kinds", level=Level.FATAL)),
    # Capitals in the middle of a sentence are the lines' own words.
    (
        "How many lines mention No Route to Host?",
        LogQuery("count", ("Route", "Host"), optional=("No Route to Host",)),
    ),
]
OTHERS = [
    "What is wrong here?",
    "Why are there so many errors?",
    "How many retries caused this, and why?",
    "What is the most likely cause of the failures?",
    "Is checkout healthy?",
    "How do I restart the worker?",
    "Which service is failing?",
    "What happened since the deploy at 14:00?",
    "Show me the last 10 lines",
    "What should I do first?",
    "",
]


@pytest.mark.parametrize(("text", "query"), READ)
def test_a_look_up_is_read(text: str, query: LogQuery) -> None:
    assert read_inquiry(text) == query


@pytest.mark.parametrize("text", OTHERS)
def test_other_questions_are_none(text: str) -> None:
    assert read_inquiry(text) is None


def test_the_name_of_a_log_is_not_looked_for_in_it() -> None:
    query = read_inquiry("How many timeouts are in the worker log?", ["worker"])
    assert query == LogQuery("count", ("timeouts",))


@pytest.mark.parametrize(
    ("text", "earlier", "whole"),
    [
        ("and for admin?", ["How many failures for root?"], "How many failures for admin?"),
        ("And from 10.0.0.8?", ["how many lines?"], "how many lines from 10.0.0.8?"),
        (
            "what about the user bob?",
            ["How many failures?"],
            "How many failures the user bob?",
        ),
        ("and for admin?", ["How many for root?", "Why is it slow?"], "How many for admin?"),
        # It asks something of its own, or there is nothing to lean on.
        ("and how many for admin?", ["How many for root?"], "and how many for admin?"),
        ("and why?", ["How many for root?"], "and why?"),
        ("and for admin?", [], "and for admin?"),
        ("for admin?", ["How many for root?"], "for admin?"),
        ("and for admin?", ["Why is it slow?"], "and for admin?"),
    ],
)
def test_a_follow_up_is_completed(text: str, earlier: list[str], whole: str) -> None:
    assert follow_up(text, earlier) == whole
