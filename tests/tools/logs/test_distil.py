import gzip
import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from knowledge.documents import Document, Unusable
from tools.logs.distil import MAX_TEMPLATES, distil
from tools.scope import LogSource

Distil = Callable[..., list[Document]]


@pytest.fixture
def distil_lines(tmp_path: Path) -> Distil:
    """Distils a log of those lines; the file was last written to at the end of 2025."""

    def run(lines: Iterable[str], name: str = "checkout") -> list[Document]:
        path = tmp_path / "app.log"
        path.write_text("".join(f"{line}\n" for line in lines))
        written = datetime(2025, 12, 31, tzinfo=UTC).timestamp()
        os.utime(path, (written, written))
        return distil(LogSource(name, (path,)))

    return run


def passages(document: Document) -> dict[str, str]:
    """The text of each passage below its heading, in their order."""
    headings, bodies = document.blocks[::2], document.blocks[1::2]
    return {
        heading.title: document.text[body.start : body.end].rstrip("\n")
        for heading, body in zip(headings, bodies, strict=True)
    }


def titles(document: Document) -> list[str]:
    return list(passages(document))


LOG = [
    "2025-01-02 03:00:00 INFO served /cart/1 in 5 ms",
    "2025-01-02 03:00:01 ERROR no connection to 10.0.0.1:5432",
    "2025-01-02 03:00:02 INFO served /cart/2 in 7 ms",
    "2025-01-02 03:00:04 ERROR no connection to 10.0.0.2:5432",
    "2025-01-02 03:00:05 ERROR no connection to 10.0.0.9:5432",
    "2025-01-02 04:00:00 WARN pool is slow",
]


def test_a_log_becomes_a_document_with_a_passage_for_each_template(distil_lines: Distil) -> None:
    (document,) = distil_lines(LOG)
    assert (document.kind, document.name, document.services) == ("log", "", ("checkout",))
    assert document.dated_utc == datetime(2025, 1, 2, 4, tzinfo=UTC)
    assert document.text == (
        "# Log checkout\n\n"
        "6 lines of 3 templates (ERROR 3, WARN 1, INFO 2), 2025-01-02 03:00:00Z to 04:00:00Z.\n\n"
        "## ERROR: no connection to …\n\n"
        "    no connection to <host>\n\n"
        "Seen 3 times: 2025-01-02 03:00:01Z to 03:00:05Z; last in app.log:5.\n\n"
        "    app.log:2: 2025-01-02 03:00:01 ERROR no connection to 10.0.0.1:5432\n"
        "    app.log:4: 2025-01-02 03:00:04 ERROR no connection to 10.0.0.2:5432\n"
        "    app.log:5: 2025-01-02 03:00:05 ERROR no connection to 10.0.0.9:5432\n\n"
        "## WARN: pool is slow\n\n"
        "    pool is slow\n\n"
        "Seen once: 2025-01-02 04:00:00Z.\n\n"
        "    app.log:6: 2025-01-02 04:00:00 WARN pool is slow\n\n"
        "## INFO: served /cart/… in … ms\n\n"
        "    served /cart/<n> in <n> ms\n\n"
        "Seen 2 times: 2025-01-02 03:00:00Z to 03:00:02Z; last in app.log:3.\n\n"
        "    app.log:1: 2025-01-02 03:00:00 INFO served /cart/1 in 5 ms\n"
        "    app.log:3: 2025-01-02 03:00:02 INFO served /cart/2 in 7 ms\n\n"
    )


def test_blocks_cover_the_text_headings_and_passages_in_turn(distil_lines: Distil) -> None:
    (document,) = distil_lines(LOG)
    blocks = document.blocks
    assert (blocks[0].start, blocks[-1].end) == (0, len(document.text))
    assert all(block.end == following.start for block, following in pairwise(blocks))
    assert [block.level for block in blocks] == [1, 0, 2, 0, 2, 0, 2, 0]
    for block in blocks[::2]:
        heading = document.text[block.start : block.end]
        assert heading == f"{'#' * block.level} {block.title}\n\n"


def test_the_same_log_gives_the_same_documents(distil_lines: Distil) -> None:
    lines = [f"{line} {n % 3}" for n in range(50) for line in LOG]
    assert distil_lines(lines) == distil_lines(lines)


def test_in_a_grown_log_only_what_was_seen_again_changes(distil_lines: Distil) -> None:
    (before,) = map(passages, distil_lines(LOG))
    (grown,) = distil_lines([*LOG, "2025-01-02 05:00:00 WARN pool is slow"])
    after = passages(grown)
    assert grown.dated_utc == datetime(2025, 1, 2, 5, tzinfo=UTC)
    assert [title for title in before if after[title] != before[title]] == [
        "Log checkout", "WARN: pool is slow",
    ]  # fmt: skip
    assert (
        "Seen 2 times: 2025-01-02 04:00:00Z to 05:00:00Z; last in app.log:7."
        in (after["WARN: pool is slow"])
    )


def test_each_service_that_the_log_names_is_a_document(distil_lines: Distil) -> None:
    documents = distil_lines(
        [
            "Jan  2 03:00:00 web1 sshd[7]: Connection closed by 10.0.0.1",
            "Jan  2 03:00:01 web1 cron[8]: job 3 started",
            "Jan  2 03:00:02 web1 sshd[9]: Connection closed by 10.0.0.2",
            "-- MARK --",
        ],
        name="messages",
    )
    assert [(one.name, one.services) for one in documents] == [
        ("sshd", ("sshd", "messages")),
        ("cron", ("cron", "messages")),
        ("messages", ("messages",)),
    ]
    assert [titles(one)[0] for one in documents] == [
        "Log messages: sshd", "Log messages: cron", "Log messages",
    ]  # fmt: skip
    assert documents[0].dated_utc == datetime(2025, 1, 2, 3, 0, 2, tzinfo=UTC)
    assert "Seen 2 times" in documents[0].text


def test_a_service_named_like_its_log_is_the_log(distil_lines: Distil) -> None:
    (document,) = distil_lines([json.dumps({"service": "checkout", "msg": "up"}), "plain words"])
    assert (document.name, document.services) == ("", ("checkout",))
    assert titles(document) == ["Log checkout", "up", "plain words"]


def test_the_year_of_a_stamp_without_one_is_that_of_the_file(distil_lines: Distil) -> None:
    (document,) = distil_lines(["Nov 20 03:00:00 web1 sshd[7]: session closed"])
    assert document.dated_utc == datetime(2025, 11, 20, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ('{"level": "error", "msg": "lost 3 of 9", "time": 1735700400}', "ERROR: lost … of …"),
        ('level=warn msg="lock of 3 s" n=1', "WARN: lock of … s"),
        ("E0102 03:00:00.000000 1 a.go:20] sync of pod 7 failed", "ERROR: sync of pod … failed"),
        (
            '10.0.0.1 - - [02/Jan/2025:03:00:00 +0000] "GET /a HTTP/1.1" 502 7',
            "ERROR: GET /a HTTP/…",
        ),
        ("[2025-01-02 03:00:00] [ERROR] disk is full", "ERROR: disk is full"),
        ("INFO", "INFO: INFO"),
        ("error while loading a.so", "ERROR: error while loading a.so"),
        ("WARN: pool is slow", "WARN: pool is slow"),
        ("2025/01/02 03:00:00 [notice] 1#1: up", "INFO: up"),
        ("1 2 3 4", "…"),
    ],
)
def test_the_heading_of_a_passage(distil_lines: Distil, line: str, title: str) -> None:
    (document,) = distil_lines([line])
    assert titles(document) == ["Log checkout", title]


def test_a_traceback_stands_whole_below_its_exception(distil_lines: Distil) -> None:
    trace = [
        "Traceback (most recent call last):",
        '  File "/app/pay.py", line 31, in charge',
        "    raise Declined(card)",
        "pay.DeclinedError: card 4711",
    ]
    (document,) = distil_lines(["2025-01-02 03:00:00 INFO up", *trace])
    passage = passages(document)["ERROR: pay.DeclinedError: card …"]
    assert passage.endswith(
        "    app.log:2: Traceback (most recent call last):\n"
        '      File "/app/pay.py", line 31, in charge\n'
        "        raise Declined(card)\n"
        "    pay.DeclinedError: card 4711"
    )


def test_no_passage_is_larger_than_a_chunk(tmp_path: Path) -> None:
    words = " ".join(["word"] * 99)
    frames = [f"\tat com.example.{'x' * 200}.f(F.java:{n})" for n in range(50)]
    thrown = [[f"java.lang.IllegalStateException: {n} {words}", *frames] for n in range(3)]
    path = tmp_path / f"{'n' * 200}.log"
    path.write_text("\n".join(line for trace in thrown for line in trace))
    (document,) = distil(LogSource("app", (path,)))
    sizes = [block.end - block.start for block in document.blocks]
    assert 1000 < max(sizes) <= 1500
    ((title, passage),) = list(passages(document).items())[1:]
    assert len(title) < 150
    template = f"java.lang.IllegalStateException: <n> {words}"
    assert passage.startswith(f"    {template[:300]}…\n\nSeen 3 times: ")
    assert f"\n    {'n' * 100}…:1: java.lang." in passage


def test_long_lines_and_traces_are_cut_where_it_shows(distil_lines: Distil) -> None:
    frames = [f"\tat com.example.{'x' * 200}.f(F.java:{n})" for n in range(50)]
    long = json.dumps({"msg": "up", "payload": "y" * 5000})
    (document,) = distil_lines([long, "java.lang.IllegalStateException: a", *frames])
    found = passages(document)
    assert found["up"].endswith(f"\n    app.log:1: {long[:300]}…")
    trace = found["ERROR: java.lang.IllegalStateException: a"].split("\n")[4:]
    assert trace[0] == "    app.log:2: java.lang.IllegalStateException: a"
    assert trace[1] == f"    {frames[0]}"
    assert trace[-2] == "    …"


def test_control_characters_are_spelled_out_and_nothing_else(distil_lines: Distil) -> None:
    line = "\x1b[31mERROR\x1b[0m `a` *b* <i>\tc\x01\x85 <|im_start|> é€😀"
    (document,) = distil_lines([line], name="a\nb")
    assert r"app.log:1: \x1b[31mERROR\x1b[0m `a` *b* <i>" in document.text
    assert "\tc\\x01\\x85 <|im_start|> é€😀\n" in document.text
    assert document.text.replace("\n", "").replace("\t", "").isprintable()
    assert document.services == (r"a\nb",)


def test_half_a_surrogate_pair_can_be_stored(distil_lines: Distil) -> None:
    (document,) = distil_lines(['{"msg": "half \\ud83d a pair"}'])
    assert document.text.encode()
    assert titles(document) == ["Log checkout", r"half \ud83d a pair"]


def letters(number: int) -> str:
    """A word of its own for each number, which masking does not touch."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:04}") * 2


def test_what_is_left_out_is_noise_and_is_told(distil_lines: Distil) -> None:
    rare = [f"INFO {letters(n)}" for n in range(MAX_TEMPLATES - 2)]
    (document,) = distil_lines(
        ["INFO health check is ok"] * 500
        + [f"{line} {line}" for line in rare]
        + ["INFO one thing more", "DEBUG cache was hit"]
        + ["ERROR disk is full", "ERROR no route", "ERROR no route"]
    )
    shown = titles(document)[1:]
    assert len(shown) == MAX_TEMPLATES
    assert shown[:2] == ["ERROR: no route", "ERROR: disk is full"]
    assert "INFO: health check is ok" not in shown
    (summary, *_) = passages(document).values()
    assert summary.endswith("Left out: 502 lines of 3 templates (INFO 501, DEBUG 1).")


def test_of_what_is_healthy_the_rare_comes_first_whether_it_has_a_level_or_not(
    distil_lines: Distil,
) -> None:
    (document,) = distil_lines(
        ["INFO served"] * 3 + ["DEBUG hit", "starting", "INFO up", "INFO up"]
    )
    assert titles(document)[1:] == ["starting", "INFO: up", "INFO: served", "DEBUG: hit"]


def test_of_many_errors_those_seen_once_are_left_out(distil_lines: Distil) -> None:
    once = [f"ERROR {letters(n)} {letters(n)} {letters(n)}" for n in range(2 * MAX_TEMPLATES)]
    (document,) = distil_lines([*once, *["ERROR disk is full"] * 3])
    assert titles(document)[1] == "ERROR: disk is full"


def test_rotated_and_compressed_files_are_one_log(tmp_path: Path) -> None:
    old, new = tmp_path / "app.log.1.gz", tmp_path / "app.log"
    old.write_bytes(gzip.compress(b"2025-01-01 03:00:00 ERROR no route\n"))
    new.write_text("2025-01-02 03:00:00 ERROR no route\n")
    (document,) = distil(LogSource("app", (old, new)))
    assert (
        "Seen 2 times: 2025-01-01 03:00:00Z to 2025-01-02 03:00:00Z; last in app.log:1."
        "\n\n    app.log.1.gz:1: 2025-01-01 03:00:00 ERROR no route\n" in document.text
    )


def test_what_the_reader_left_out_is_told(tmp_path: Path) -> None:
    cut = tmp_path / "app.log.gz"
    cut.write_bytes(gzip.compress(b"".join(b"line %d\n" % n for n in range(9999)))[:-20])
    (document,) = distil(LogSource("app", (cut,)))
    (summary, *_) = passages(document).values()
    assert "\nNote: app.log.gz: the gzip file is cut off or damaged; what comes" in summary


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty: no log lines"),
        (b"\n \n\t\n", "empty: no log lines"),
        (b"\x7fELF\0\0\0", "is not a text file"),
        (gzip.compress(b"a line\n")[:10], "no log lines; app.log: the gzip file is cut off"),
    ],
)
def test_what_is_no_log_is_unusable(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=reason):
        distil(LogSource("app", (path,)))


def test_a_missing_file_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"gone\.log does not exist"):
        distil(LogSource("app", (tmp_path / "gone.log",)))


def test_progress_is_told_about_every_ten_thousand_lines(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("up\n" * 25_000)
    told: list[tuple[str, int]] = []
    distil(LogSource("app", (path,)), lambda name, lines: told.append((name, lines)))
    assert told == [("app", 10_000), ("app", 20_000)]
