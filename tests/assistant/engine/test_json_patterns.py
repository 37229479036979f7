"""What is refused; what is accepted is tried on a real vocabulary in test_llama_grammar."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.errors import InvalidGrammar
from assistant.engine.json_patterns import string_of


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "a group without its end"),
        ("a)", "something after its end"),
        ("a$b", "something after its end"),
        ("(a$)", "an anchor in it"),
        ("a^", "'^' at this place"),
        ("*a", "'*' at this place"),
        ("a{2}{3}", "two repetitions in a row"),
        ("a*+", "two repetitions in a row"),
        ("a{3,2}", "a repetition of 3 to 2 times"),
        ("a{2000}", "more than 1,999 repetitions"),
        ("(a{50}){50}", "more than 1,999 repetitions"),
        ("[a", "a class without its end"),
        ("[]", "an empty class"),
        ("[z-a]", "a class with such a range"),
        (r"[\d-x]", "a class with such a range"),
        (r"^[\x00-\x07]$", "a class of characters that JSON cannot hold"),
        ("^\ud800$", "a class of characters that JSON cannot hold"),
        ("(?=a)", "a group of a special kind"),
        ("(?<n>a)", "a group of a special kind"),
        (r"(a)\1", r"\1"),
        (r"\bword", r"\b"),
        (r"\p{L}", r"\p"),
        (r"\x4", "an incomplete hexadecimal escape"),
        ("a\\", "a lone backslash"),
        ("(" * 50 + "a" + ")" * 50, "groups nested so deeply"),
    ],
)
def test_what_a_grammar_cannot_say_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(InvalidGrammar) as refused:
        string_of(pattern, lambda body: "rule")
    assert problem in refused.value.message
    assert repr(pattern)[:40] in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("pattern", "low", "high"),
    [("^abc$", 4, None), ("^abc$", 0, 2), ("^(abc|abcdef)$", 0, 4), ("^a{2,3}$", 4, None)],
)
def test_lengths_that_never_fit_are_refused(pattern: str, low: int, high: int | None) -> None:
    with pytest.raises(InvalidGrammar, match="minLength or maxLength beside it"):
        string_of(pattern, lambda body: "rule", low, high)


@given(st.text(alphabet="ab()[]{}^$|*+?.-\\dwx,0123", max_size=12))
def test_any_text_is_read_or_refused(pattern: str) -> None:
    try:
        string_of(pattern, lambda body: "rule")
    except InvalidGrammar:
        return
    # Whoever checks the value later has to understand the pattern as well.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        re.compile(pattern)
