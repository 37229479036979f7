from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.text import TextAssembler


def assemble(pieces: list[bytes], stop: tuple[str, ...] = ()) -> list[str]:
    assembler = TextAssembler(stop)
    return [*(assembler.push(piece) for piece in pieces), assembler.finish()]


def test_character_that_spans_pieces_appears_whole() -> None:
    euro = "€".encode()
    assert assemble([euro[:1], euro[1:2], euro[2:]]) == ["", "", "€", ""]


def test_broken_bytes_become_replacement_characters() -> None:
    assert "".join(assemble([b"a\xff", b"\xe2\x82"])) == "a��"


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["one ST", "OP two"], "one "),
        (["one S", "T", "O", "P"], "one "),
        (["one ST", "ART"], "one START"),
        (["STOP"], ""),
    ],
)
def test_stop_string_may_span_pieces(pieces: list[str], shown: str) -> None:
    assert "".join(assemble([p.encode() for p in pieces], ("STOP",))) == shown


def test_earliest_of_several_stop_strings_wins() -> None:
    assert "".join(assemble([b"a second first"], ("first", "second"))) == "a "


@given(st.text(alphabet="abSTOP", max_size=30), st.integers(1, 4))
def test_what_is_shown_never_depends_on_how_it_was_cut(text: str, size: int) -> None:
    pieces = [text[i : i + size].encode() for i in range(0, len(text), size)]
    expected = text.split("STOP")[0]
    assert "".join(assemble(pieces, ("STOP",))) == expected
