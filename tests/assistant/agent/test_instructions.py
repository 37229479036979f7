from __future__ import annotations

from pathlib import Path

import pytest

from assistant.agent.instructions import fitting, read_instructions
from assistant.errors import SettingsError

RULES = (
    "Always check the load balancer before anything else",
    "Call the heron team about everything that touches PostgreSQL",
    "Certificates are renewed by the otter team, never by hand",
    "On all other issues call the night shift",
)


@pytest.mark.parametrize(
    ("question", "found", "expected"),
    [
        ("Why is postgresql slow?", [], [1]),
        ("Why do users see errors?", ["FATAL: PostgreSQL is in recovery mode"], [1]),
        ("Is the certificate expired?", ["balancer: x509: certificate has expired"], [2]),
        ("What is wrong with redis?", ["OOM command not allowed"], [3]),
        ("PostgreSQL certificates?", [], [1, 2]),
    ],
)
def test_the_instructions_that_fit_are_chosen(
    question: str, found: list[str], expected: list[int]
) -> None:
    chosen = fitting(RULES, question, found)
    assert set(chosen) >= {RULES[n] for n in expected}
    assert (RULES[3] in chosen) == (3 in expected)


def test_words_of_every_instruction_choose_none() -> None:
    assert fitting(("Contact the team about issues",), "what issues has the team?", []) == ()


def test_a_file_has_one_instruction_to_a_line(tmp_path: Path) -> None:
    file = tmp_path / "rules.md"
    file.write_text("# Rules\n\n- One rule\n2. Two rules\n   * Three\nFour\n")
    assert read_instructions(file) == ("One rule", "Two rules", "Three", "Four")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.txt, which cannot be read: No such file"):
        read_instructions(tmp_path / "none.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_instructions(tmp_path / "binary")
