from assistant.coding.promql.terms import FREE_RULES, call, either, grouped, literal, sequence
from assistant.engine.gbnf import check
from tests.assistant.coding.promql.queries import queries_of


def test_a_literal_is_exactly_its_text() -> None:
    text = 'a\\"b"\\d\n```'
    assert queries_of(f"root ::= {literal(text)}") == {'a\\"b"\\d'}


def test_one_after_another_and_one_or_another() -> None:
    rule = sequence(literal("a"), literal(""), either([literal("b"), literal("c"), literal("b")]))
    assert rule == '"a" ( "b" | "c" )'
    assert either([literal("b"), literal("b")]) == '"b"'


def test_calls() -> None:
    assert call("abs", literal("x")) == '"abs(" "x" ")"'
    assert grouped("sum", [], literal("x")) == '"sum(" "x" ")"'
    assert grouped("sum", ["a", "b"], literal("x")) == '"sum by (a, b) (" "x" ")"'


def test_the_rules_of_any_selector_can_be_used() -> None:
    check(f"root ::= free\n{FREE_RULES}")
