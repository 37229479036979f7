from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.agent.checking import (
    Grounding,
    SentenceGate,
    cited_ids,
    hard_facts,
    split_sentences,
)
from tools.evidence import Evidence, Finding, Ledger

QUESTION = "Why is checkout slow since v2.3.1?"


def _ledger() -> Ledger:
    ledger = Ledger()
    ledger.add(
        Finding(
            "log",
            "pay",
            "2026-03-01T12:00:41.120Z ERROR pool exhausted: 20 of 20 connections, waited 5000ms",
            41,
            "1,234 of 20,000 lines, 2026-03-01 12:00:41Z to 12:59:02Z",
        )
    )
    ledger.add(
        Finding("log", "shop", "payments-api at 10.0.3.7:8443 timed out after 30s", 7, "once")
    )
    ledger.add(Finding("capture", "df.txt", "/dev/sda1  50G  48.7G  1.3G  98% /var/lib/postgresql"))
    ledger.add(
        Finding("runbook", "runbooks/pool.md", "Run `systemctl restart payments`, then\n  `df -h`.")
    )
    return ledger


@pytest.fixture
def grounding() -> Grounding:
    return made_grounding()


def made_grounding() -> Grounding:
    grounding = Grounding(QUESTION)
    grounding.learn_evidence(_ledger())
    return grounding


@pytest.mark.parametrize(
    "sentence",
    [
        "The pool is exhausted [L1].",
        "All 20 of 20 connections are in use.",
        "It waited 5000ms, or 5,000 ms.",
        "The call timed out after 30s, 30 s or 30 seconds.",
        "There were 1234 or 1,234 errors.",
        "It began at 12:00, at 12:00:41 and at 2026-03-01 12:00:41.",
        "It went on from 12:00:41 to 12:59:02 on 2026-03-01.",
        "The volume is 98% full.",
        "The volume /var/lib/postgresql of /dev/sda1 has 1.3G left.",
        "The PAYMENTS-API at 10.0.3.7:8443 timed out.",
        "payments-api at 10.0.3.7 does not answer on port 8443.",
        'The log says "pool exhausted: 20 of 20 connections".',
        "The log says “Pool   exhausted”.",
        "Run `systemctl restart payments` and `df -h`.",
        "The file runbooks/pool.md says so.",
        "It began with v2.3.1, as you asked.",
        "It is a connection-pool time-out.",
        "Something upstream is slow.",
        "",
    ],
)
def test_what_stands_in_the_evidence_may_be_said(grounding: Grounding, sentence: str) -> None:
    assert grounding.unsupported(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "fact"),
    [
        ("There were 77 errors [L1].", "77"),
        ("The volume is 99% full.", "99%"),
        ("It failed for 58 minutes.", "58"),
        ("It began at 12:03:00.", "12:03:00"),
        ("It began on 2026-03-02.", "2026-03-02"),
        ("The host 10.0.3.8 is down.", "10.0.3.8"),
        ("The volume /dev/sda2 is full.", "/dev/sda2"),
        ("Look into /etc/payments/pool.conf for it.", "/etc/payments/pool.conf"),
        ("Run `systemctl restart checkout`.", "systemctl restart checkout"),
        ("Run `rm -rf /`.", "rm -rf /"),
        ('The log says "pool is exhausted".', "pool is exhausted"),
        ("The log says “out of memory”.", "out of memory"),
        ("The pod checkout-7d9f is down.", "checkout-7d9f"),
        ("Set max_connections higher.", "max_connections"),
        ("Version 4.11.2 is to blame.", "4.11.2"),
        ("The status was 503.", "503"),
    ],
)
def test_what_stands_nowhere_is_found(grounding: Grounding, sentence: str, fact: str) -> None:
    assert grounding.unsupported(sentence) == [fact]


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("Plain words, well-known ones, without anything hard.", []),
        ("[L12] and [R345] are citations, not numbers.", []),
        ('`df -h` and "a quotation" and “another one”', ["df -h", "a quotation", "another one"]),
        ('A "no" is too short to be a quotation', []),
        ("`pool.max` counts once", ["pool.max"]),
        ("at 10.0.0.1:80 in /a/b/ since 12:30", ["10.0.0.1:80", "/a/b/", "12:30"]),
        ("shop.cart and a_b and api-7f and api-gw", ["shop.cart", "a_b", "api-7f"]),
    ],
)
def test_hard_facts(sentence: str, facts: list[str]) -> None:
    assert hard_facts(sentence) == facts


def test_more_may_be_learned(grounding: Grounding) -> None:
    assert grounding.unsupported("It took 777 ms.") == ["777"]
    grounding.learn("searched 777 lines")
    assert grounding.unsupported("It took 777 ms.") == []


def test_citations_of_what_does_not_exist_are_taken_out(grounding: Grounding) -> None:
    said = "The pool [L1][L9] is full [Z1] of [C1]."
    assert cited_ids(grounding.without_unknown_ids(said)) == ["L1", "C1"]


def test_cited_ids_come_once_in_the_order_of_their_use() -> None:
    assert cited_ids("b [L2] a [L1][C11], again [L2]; not L3, (L4) or [l5]") == ["L2", "L1", "C11"]


@pytest.mark.parametrize(
    "parts",
    [
        ["One. ", "Two! ", "Three? ", "Four"],
        ["It is 3.5 s at 10.0.0.1 now. ", "`Next` it ends."],
        ["Logs, e.g. Nginx, vs. Apache, etc. And more. ", "End."],
        ["A line\n", "another\n\n", "- a point. ", "(And so on.)"],
        ["no end"],
        ["v1.2. lower case follows"],
        [],
    ],
)
def test_sentences_are_cut_where_they_end(parts: list[str]) -> None:
    assert split_sentences("".join(parts)) == parts


@given(st.text('aB.!? \n`"[]*-1e', max_size=80))
def test_cut_sentences_are_the_text(text: str) -> None:
    assert "".join(split_sentences(text)) == text


def through_gate(*pieces: str) -> str:
    gate = SentenceGate(made_grounding())
    return "".join([*(gate.push(piece) for piece in pieces), gate.finish()])


def test_gate_lets_only_supported_sentences_through(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    gate = SentenceGate(made_grounding())
    shown = gate.push("The pool is exhausted [L1][L9]. It broke 77 times. ")
    assert shown == "The pool is exhausted [L1]. "
    assert gate.push("Run `df -h`.") == ""
    assert gate.finish() == "Run `df -h`."
    assert gate.num_dropped == 1
    assert "77" in caplog.text


def test_sentence_is_shown_as_soon_as_it_has_ended() -> None:
    gate = SentenceGate(made_grounding())
    assert gate.push("The pool") == ""
    assert gate.push(" is full. ") == ""
    assert gate.push("A") == "The pool is full. "
    assert gate.push(" line\n") == "A line\n"
    assert gate.finish() == ""


PARTS = [
    "The pool is exhausted [L1]. ",
    "It is 98% full, e.g. /dev/sda1 is. ",
    "It broke 77 times. ",
    "Look at /etc/invented here. ",
    "Run `rm -rf /srv`. ",
    "Run `df -h`.\n",
    'It says "all is lost". ',
    "- A point [L9]\n\n",
    "**Next:** wait. ",
    "And so on",
]


@given(st.data())
def test_text_cut_anywhere_passes_like_text_at_once(data: st.DataObject) -> None:
    """But for the line breaks after a sentence that was left out."""
    text = "".join(data.draw(st.lists(st.sampled_from(PARTS), max_size=6)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    bounds = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in pairwise(bounds)]
    assert through_gate(*pieces).split() == through_gate(text).split()


def test_text_in_single_characters_passes_like_text_at_once() -> None:
    text = "".join(PARTS)
    assert through_gate(*text).split() == through_gate(text).split()


_WORD = st.text("abcdefghij", min_size=2, max_size=6)
_INVENTED = st.one_of(
    st.integers(60_000, 10**9).map(str),
    st.integers(60_000, 10**9).map("{:,}".format),
    st.integers(60_000, 10**9).map("{} ms".format),
    st.tuples(st.integers(13, 23), st.integers(0, 59)).map(lambda t: f"{t[0]}:{t[1]:02}:07"),
    st.lists(_WORD, min_size=2, max_size=4).map(lambda parts: "/" + "/".join(parts) + " itself"),
    st.lists(_WORD, min_size=2, max_size=3).map(lambda words: f"`{' '.join(words)}`"),
    st.lists(_WORD, min_size=3, max_size=4).map(lambda words: f'"{" ".join(words)}"'),
    st.tuples(_WORD, _WORD).map("_".join),
)


@given(
    st.sampled_from(["It was {} [L1]. ", "Run {} to mend the pool. ", "The rest, {}, failed. "]),
    _INVENTED,
    st.integers(1, 9),
)
def test_no_invented_fact_passes(frame: str, invented: str, size: int) -> None:
    text = f"The pool is exhausted. {frame.format(invented)}So it is."
    shown = through_gate(*re.findall(f"(?s).{{1,{size}}}", text))
    assert invented not in shown
    assert shown.startswith("The pool is exhausted. ")


# To be added to tests/assistant/agent/test_checking.py together with the proposed checking.py.
@pytest.mark.parametrize(
    "sentence",
    [
        "The full volume is /var/lib/postgresql.",
        "It is a TCP/IP and/or I/O problem.",
        "Run systemctl restart payments to clear the pool.",
        "The service answers slowly, systemctl shows nothing, kill no process.",
        "It uses port 8443 and 98 % of the disk.",
    ],
)
def test_no_plain_word_or_full_stop_is_taken_for_a_fact(grounding, sentence):
    assert grounding.unsupported(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "fact"),
    [
        ("Run systemctl restart checkout.", "systemctl restart checkout"),
        ("Now kubectl delete pod everything.", "kubectl delete pod"),
        ("Run rm -rf / at once.", "rm -rf /"),
        ("It happened 12 times.", "12"),
        ("There were 41 errors.", "41"),
        ("Version 2.3 is to blame.", "2.3"),
    ],
)
def test_parts_of_numbers_and_bare_commands_are_found(grounding, sentence, fact):
    assert grounding.unsupported(sentence) == [fact]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The pool is full [L9].", "The pool is full."),
        ("The pool is full [L1, L9].", "The pool is full [L1]."),
        ('It says "all is lost. Everything burns". So be it.', "So be it."),
        ("The pool is full. 60000 calls failed.", "The pool is full. "),
    ],
)
def test_gate(text, shown):
    assert through_gate(text) == shown
    assert through_gate(*text) == shown


def test_to_stop_what_no_fact_speaks_of_is_no_advice() -> None:
    runbook = Evidence("R1", Finding("runbook", "r.md", "Stop the ledger service immediately."))
    fact = Evidence("L1", Finding("log", "checkout", "ERROR checkout hangs", 3))
    grounding = Grounding()
    grounding.learn_evidence([runbook, fact])
    assert grounding.without_unfounded_advice("Stop the ledger service.") == ""
    assert grounding.without_unfounded_advice("Stop the checkout service.") != ""
    grounding.learn_subject("Why is the ledger slow?")
    assert grounding.without_unfounded_advice("Stop the ledger service.") != ""
