from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from assistant.agent.report import (
    as_citation,
    closing_sections,
    evidence_section,
    examined_line,
    lines_section,
    runbook_section,
)
from assistant.events import Citation
from tools.evidence import Evidence, Finding

LINE = Evidence("L1", Finding("log", "pay", "ERROR pool exhausted", 41, "3 of 43 lines", 0.9))
CAPTURE = Evidence("C1", Finding("capture", "df.txt", "/ 100%\n/var 20%"))
STEPS = Evidence("R1", Finding("runbook", "books/pool.md", "1. Restart it.", 7, "Pool > Steps"))
MORE_STEPS = Evidence("R2", Finding("runbook", "books/disk.md", "1. Delete.", 1, "Disk"))


def log(number: int) -> Evidence:
    return Evidence(f"L{number}", Finding("log", "pay", f"line {number}", number))


def code_blocks(markdown: str) -> list[str]:
    """What a renderer shows as code blocks."""
    return [token.content for token in MarkdownIt().parse(markdown) if token.type == "fence"]


def test_citation_is_the_ledgers_entry() -> None:
    assert as_citation(LINE) == Citation("L1", "log", "pay", 41, "ERROR pool exhausted")


def test_fact_names_its_place_its_note_and_its_words() -> None:
    section = evidence_section([LINE, CAPTURE])
    assert section.startswith("**Evidence**\n\n- [L1] `pay:41` (3 of 43 lines)\n\n  ```text\n")
    assert "- [C1] `df.txt`\n" in section
    assert code_blocks(section) == ["ERROR pool exhausted\n", "/ 100%\n/var 20%\n"]


def test_there_is_no_section_without_facts() -> None:
    assert evidence_section([]) == ""
    assert evidence_section([STEPS]) == ""
    assert runbook_section([LINE]) == ""
    assert examined_line([]) == ""
    assert closing_sections("text", [], []) == ""


def test_cited_facts_come_first_then_the_others() -> None:
    text = closing_sections("Because of [L2] and [L3].", [log(1), log(2), log(3)], [])
    assert [block.strip() for block in code_blocks(text)] == ["line 2", "line 3", "line 1"]


def test_all_cited_facts_are_quoted_however_many_and_the_rest_is_bounded() -> None:
    facts = [log(number) for number in range(1, 31)]
    cited = "".join(f"[L{number}]" for number in range(1, 31))
    assert len(code_blocks(closing_sections(cited, facts, []))) == 30
    assert len(code_blocks(closing_sections("", facts, []))) < 10


def test_runbook_and_what_was_examined_close_the_answer() -> None:
    text = closing_sections(
        "[L1]", [LINE, STEPS, MORE_STEPS], ["Analysed pay:\n  3 lines.", "Read df."]
    )
    assert text.index("**Evidence**") < text.index("**Runbook** [R1] `books/pool.md`, Pool > Steps")
    assert "> 1. Restart it." in text
    assert "R2" not in text
    last = text.splitlines()[-1]
    assert last.startswith("*Examined:* Analysed pay")
    assert "3 lines" in last
    assert "Read df" in last


def test_facts_fill_up_what_the_answer_cites() -> None:
    others = [Evidence(f"L{n}", Finding("log", "app", f"line {n}", n)) for n in range(2, 9)]
    text = closing_sections("[L1] [L8]", [LINE, *others], [], num_facts=3)
    assert [f"[L{n}]" in text for n in (1, 2, 3, 8)] == [True, True, False, True]


def test_long_runbook_says_how_much_is_not_shown() -> None:
    text = "\n".join(f"step {number}" for number in range(1, 41))
    shown = runbook_section([Evidence("R1", Finding("runbook", "a/b.md", text))])
    assert "> step 1\n" in shown
    assert "step 40" not in shown
    quoted = [line for line in shown.splitlines() if line.startswith("> step")]
    assert f"> … {40 - len(quoted)} more lines in b.md" in shown


def test_long_text_is_cut_and_says_so() -> None:
    [block] = code_blocks(evidence_section([Evidence("L1", Finding("log", "a", "x" * 2000))]))
    assert len(block) < 500
    assert block.endswith(" …\n")


@pytest.mark.parametrize(
    "text",
    [
        "```\n# A heading\n```",
        "``````",
        "before ``` after",
        "~~~\nx\n~~~",
        "</code><script>x</script>",
    ],
)
def test_quoted_text_cannot_leave_its_block(text: str) -> None:
    evidence = Evidence("L1", Finding("log", "pay", text))
    for section in (evidence_section([evidence]), lines_section("**Lines**", [evidence])):
        tokens = [token.type for token in MarkdownIt().parse(section)]
        assert tokens.count("fence") == 1
        assert not {"heading_open", "html_block"} & set(tokens)


@pytest.mark.parametrize("text", ["\x1b[2J\x1b]0;title\x07", "a\rb", "\x00", "\u202eevil"])
def test_quoted_text_cannot_steer_a_terminal(text: str) -> None:
    evidence = Evidence("L1", Finding("log", "pay", text))
    for section in (evidence_section([evidence]), lines_section("**Lines**", [evidence])):
        assert all(c.isprintable() or c == "\n" for c in section)


def test_tabs_stay() -> None:
    assert code_blocks(lines_section("x", [Evidence("L1", Finding("log", "a", "b\tc"))])) == [
        "b\tc\n"
    ]


def test_name_cannot_end_its_own_quotation() -> None:
    section = evidence_section([Evidence("L1", Finding("log", "a`b\n# c", "x", 1, "n`o\nte"))])
    assert section.splitlines()[2] == "- [L1] `a'b # c:1` (n'o te)"
