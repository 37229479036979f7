from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tools.plain import fenced, inactive, inline_code, one_line, visible

# Text as an attacker would write it: the signs that mean something, more often than others.
SIGNS = st.one_of(
    st.sampled_from("`~<>[]()!\\&|*_#-:/@\"' \n\t\raé\x00\x9b\u202e\u200b\u2066"),
    st.sampled_from(["```", "~~~~", "http://a.b", "https://x/y?z", "www.a.b", "mailto:a@b.c"]),
    st.sampled_from(
        ["<a href=x>", "</a>", "<!--", "-->", "<!channel>", "<@U123>", "<https://a|b>"]
    ),
    st.sampled_from(["[a](b)", "![a](http://b)", "[a]: http://b", "[a][a]", "    ", "> ", "- "]),
    st.sampled_from(["\x1b[31m", "\x1b]8;;x\x07", "javascript:x"]),
)
HOSTILE = st.lists(SIGNS | st.text(max_size=3), max_size=30).map("".join)
FULL_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 100%", "plain text, 100%"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("ERROR down\rINFO ok", r"ERROR down\rINFO ok"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("evil\u202egpj.exe", "evil<U+202E>gpj.exe"),
        ("re\u200bstart\u2060\ufeff", "re<U+200B>start<U+2060><U+FEFF>"),
        ("\u2028\u2029", "<U+2028><U+2029>"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("vs\U000e0100", "vs<U+E0100>"),
        ("\u3164\u2800", "<U+3164><U+2800>"),
        ("\ud800", "<U+D800>"),
        ("Grüße, 你好, Привет, 🚀", "Grüße, 你好, Привет, 🚀"),
        ("10\u202f000\u00a0km", "10\u202f000\u00a0km"),
    ],
)
def test_what_is_no_plain_character_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_character_of_unicode_comes_through_that_a_terminal_obeys_or_nobody_sees() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    left = {unicodedata.category(c) for c in visible(every) if c not in "\n\t"}
    assert not left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert {"Lu", "Ll", "Lo", "Mn", "Nd", "Po", "Sm", "So", "Zs"} <= left


@given(HOSTILE)
def test_visible_text_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert "\x1b" not in shown


@given(HOSTILE, st.sampled_from(["", "text", "sh", "c++", "x`y\n"]))
def test_a_fence_cannot_be_closed_from_inside(text: str, language: str) -> None:
    [token] = FULL_MARKDOWN.parse(fenced(text, language))
    content = visible(text)
    assert token.type == "fence"
    assert token.content == (content if content.endswith("\n") or not content else content + "\n")


def test_a_fence_says_its_language() -> None:
    assert fenced("a", "sh") == "```sh\na\n```"
    assert fenced("a ``` b") == "````\na ``` b\n````"
    assert fenced("") == "```\n```"


@given(HOSTILE, st.booleans())
def test_a_code_span_cannot_be_closed_from_inside(text: str, is_in_a_sentence: bool) -> None:
    span = inline_code(text)
    [_, inline, _] = FULL_MARKDOWN.parse(f"see {span} there" if is_in_a_sentence else span + " x")
    assert inline.children is not None
    code = [token.content for token in inline.children if token.type == "code_inline"]
    assert code == ([one_line(text)] if one_line(text) else [])


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("# Disk full\n\n- *first* `df -h`", "# Disk full\n\n- *first* `df -h`"),
        (
            "see [the board](https://evil.example/?t=1)",
            r"see \[the board\](`https://evil.example/?t=1`)",
        ),
        ("![x](http://evil.example/p.png)", r"!\[x\](`http://evil.example/p.png`)"),
        ("[a][b]\n\n[b]: http://x", "\\[a\\]\\[b\\]\n\n\\[b\\]: `http://x`"),
        ("<script>x</script>", r"\<script>x\</script>"),
        ("<!-- do not show -->", r"\<!-- do not show -->"),
        ("restart <service>", r"restart \<service>"),
        ("<https://a.example|sign in>", "\u2039`https://a.example`|sign in>"),
        ("<!channel> <@U123> <#C1|x>", "\u2039!channel> \u2039@U123> \u2039#C1|x>"),
        ("at http://a.example/x", "at `http://a.example/x`"),
        ("write mailto:bob@a.example", "write `mailto:bob@a.example`"),
        (r"\[a](http://x)", r"\[a\](`http://x`)"),
        (r"\\[a](http://x)", r"\\\[a\](`http://x`)"),
        ("`curl http://x` and `a[0]`", "`curl http://x` and `a[0]`"),
        ("```\n[a](http://x) <b>\n```", "```\n[a](http://x) <b>\n```"),
        ("    [a](http://x)", "    [a](http://x)"),
        ("\x1b]8;;http://x\x07y", r"\x1b\]8;;`http://x`\x07y"),
    ],
)
def test_nothing_from_evidence_stays_active(markdown: str, shown: str) -> None:
    assert inactive(markdown) == shown


@given(HOSTILE)
def test_a_parser_finds_nothing_active(markdown: str) -> None:
    shown = inactive(markdown)
    tokens = [t for block in FULL_MARKDOWN.parse(shown) for t in (block, *(block.children or ()))]
    active = [t.type for t in tokens if t.type.startswith(("link", "image", "html"))]
    assert active == []
    assert "<!channel" not in shown
    assert "<@U" not in shown
    assert "<https://a|" not in shown


def test_crooked_markdown_comes_back_as_a_block_of_code() -> None:
    # Line by line, the address stands in a code span; but that ended where its line began.
    crooked = "a ` b\n` [x](http://y) ` c"
    assert inactive(crooked) == fenced(crooked)
