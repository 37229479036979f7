from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.observing.logs import json_logging, log_context, with_fields

LOG = logging.getLogger("assistant.somewhere")


def hide(text: str) -> str:
    return text.replace("hunter2", "redacted")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with json_logging(hide, logging.INFO, stream):
        yield stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object(stream: io.StringIO) -> None:
    LOG.info("two\nlines of %d", 3)
    [line] = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "logger": LOG.name, "message": "two\nlines of 3"}


def test_the_context_nests_and_ends(stream: io.StringIO) -> None:
    with log_context(request="r1"):
        with log_context(turn="t1", session="s1"):
            LOG.info("in")
        LOG.info("between")
    LOG.info("out")
    ids = [{key: line[key] for key in ("request", "turn", "session") if key in line}
           for line in lines(stream)]  # fmt: skip
    assert ids == [{"request": "r1", "turn": "t1", "session": "s1"}, {"request": "r1"}, {}]


async def test_turns_side_by_side_keep_their_own_contexts(stream: io.StringIO) -> None:
    async def turn(name: str) -> None:
        with log_context(turn=name):
            await asyncio.sleep(0)
            await asyncio.to_thread(LOG.info, name)
            await asyncio.create_task(asyncio.to_thread(LOG.info, name))

    await asyncio.gather(*(turn(f"t{n}") for n in range(5)))
    assert len(lines(stream)) == 10
    assert all(line["turn"] == line["message"] for line in lines(stream))


def test_secrets_are_hidden_wherever_they_stand(stream: io.StringIO) -> None:
    with log_context(session="hunter2"):
        try:
            raise ValueError("hunter2")
        except ValueError:
            LOG.exception(
                "hunter2 %s",
                "hunter2",
                extra=with_fields(a="hunter2", b={"c": ["hunter2", 1]}, d=Path("/hunter2"), e=None),
            )
    [line] = lines(stream)
    assert "hunter2" not in stream.getvalue()
    assert line["exception"].endswith("ValueError: redacted")
    assert (line["a"], line["b"], line["d"], line["e"]) == (
        "redacted", {"c": ["redacted", 1]}, "/redacted", None
    )  # fmt: skip


def test_a_text_without_end_is_cut(stream: io.StringIO) -> None:
    LOG.info("x" * 100_000)
    [line] = lines(stream)
    assert line["message"].endswith("x … (100000 characters in all)")
    assert len(line["message"]) < 17_000


def test_of_libraries_only_warnings_are_written(stream: io.StringIO) -> None:
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    LOG.debug("detail")
    assert [line["message"] for line in lines(stream)] == ["trouble"]


def test_afterwards_all_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(logging.getLogger("assistant"), "level", logging.ERROR)
    before = (list(root.handlers), root.level, logging.getLogger("assistant").level)
    with json_logging(hide, stream=io.StringIO()):
        assert root.handlers != before[0]
    assert (list(root.handlers), root.level, logging.getLogger("assistant").level) == before
