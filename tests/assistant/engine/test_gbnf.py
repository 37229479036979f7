from __future__ import annotations

import pytest

from assistant.chat.tool_calls import text_grammar
from assistant.engine.errors import InvalidGrammar
from assistant.engine.gbnf import check


@pytest.mark.parametrize(
    "gbnf",
    [
        'root ::= "a"',
        'root ::= ""',
        'root::="a"|"b"',
        'root ::= a-1 | (b "c")+ [^"\\]\\\\x-z]{2,3} .* # n\na-1 ::= "x"?\nb ::=\n  "\\"" | ""',
        'root ::= "[" (root ("," root)*)? "]"',
        "root ::= <[12]> !<[13]> <think>",
        'root ::= "é" [日-本]{0} "🙂"{1999}',
        text_grammar(),
    ],
)
def test_ordinary_grammars_pass(gbnf: str) -> None:
    check(gbnf)


@pytest.mark.parametrize(
    ("gbnf", "problem"),
    [
        ("", "no rule `root`"),
        ('a ::= "b"', "no rule `root`"),
        ("root ::= a", "there is no rule `a`"),
        ('root ::= ("a" | ("b" nowhere))', "there is no rule `nowhere`"),
        ('"a" root ::= "b"', "before the first rule"),
        ('root ::= "a', "cannot be read"),
        ("root ::= [a", "cannot be read"),
        ("root ::= a\0\na ::= b", "cannot be read"),
        ('root ::= "a\0"', "cannot be read"),
        ("root ::= a_b", "cannot be read"),
        ('root ::= "a")', "has no `(`"),
        ('root ::= ("a"', "has no `)`"),
        ('root ::= ("a"\nb ::= "c"', "has no `)`"),
        ("root ::= *", "nothing before it"),
        ('root ::= "a" | ?', "nothing before it"),
        ('root ::= "a"{2000}', "1,999 repetitions"),
        ('root ::= "a"{1,99999999999999999999}', "1,999 repetitions"),
        ('root ::= "a"{' + "9" * 5000 + "}", "1,999 repetitions"),
        ('root ::= "a"{3,2}', "ends before it begins"),
        ("root ::= root", "`root` may begin with itself"),
        ('root ::= "x" | a\na ::= (b | "c")\nb ::= a "d"', "may begin with itself"),
        ('root ::= "x"? root', "`root` may begin with itself"),
        ('root ::= b root "z" | "y"\nb ::= c\nc ::= "" | "x"', "`root` may begin with itself"),
        ('root ::= ("x"* ""){2} (root | "y")', "`root` may begin with itself"),
        ("root ::= " + "(" * 200 + '"a"' + ")" * 200, "nested more than 100"),
        ("root ::= " + "|".join(['"a"'] * 5001), "more than 5,000 alternatives"),
        ("".join(f'r{n} ::= "a"\n' for n in range(10_001)) + "root ::= r1", "10,002 rules"),
        ('root ::= "' + "a" * 500_001 + '"', "500,012 characters"),
    ],
)
def test_what_llama_cpp_must_not_get_is_refused(gbnf: str, problem: str) -> None:
    with pytest.raises(InvalidGrammar) as refused:
        check(gbnf)
    assert problem in refused.value.message
    assert refused.value.hint


def test_message_about_a_long_grammar_is_short() -> None:
    with pytest.raises(InvalidGrammar) as refused:
        check("root ::= " + "~" * 10_000)
    assert len(refused.value.message) < 200


def test_long_chains_are_checked_quickly() -> None:
    """Quadratic work would take minutes here: the test would not come to its end."""
    rules = [f"r{n} ::= r{n + 1} | r{n + 1}" for n in range(9_000)]
    check("\n".join(["root ::= r0", *rules, 'r9000 ::= "" | "a"']))
