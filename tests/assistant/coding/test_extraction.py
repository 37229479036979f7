import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.coding.extraction import code_alone


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("```bash\nls -l\n", "ls -l\n"),
        ("```bash\nls -l\n```", "ls -l\n"),
        ("```bash\nls -l\n```\nThis lists files.", "ls -l\n"),
        ("Here is the script:\n\n```bash\nls\n```\n\nIt lists files.", "ls\n"),
        ("~~~~sh\nls\n~~~~", "ls\n"),
        # The longest of several blocks is the code, the others say how to run it.
        (
            "```bash\nchmod +x a\n```\nthen\n```bash\n#!/bin/sh\nset -e\nls\n```",
            "#!/bin/sh\nset -e\nls\n",
        ),
        ("  ```yaml\n  a: 1\n  ```", "  a: 1\n"),
        # Without a fence.
        ("ls -l", "ls -l\n"),
        ("Here is the script:\n\nls\n", "ls\n"),
        ("Sure!\nHere's a query:\nSELECT 1;", "SELECT 1;\n"),
        ("SELECT 1;\n\nThis query returns one row.", "SELECT 1;\n"),
        ("echo a\n\necho b\n", "echo a\n\necho b\n"),
        # Line ends, blanks at the ends, a fence that was left over.
        ("```bash\r\nls  \r\n\r\n```", "ls\n"),
        ("\n\nls\n```\n", "ls\n"),
        ("", ""),
        ("```bash\n", ""),
        ("```bash\n```", ""),
        ("  \n", ""),
    ],
)
def test_the_code_comes_out_alone(written: str, code: str) -> None:
    assert code_alone(written) == code


def test_what_steers_a_terminal_or_hides_is_left_out() -> None:
    assert (
        code_alone("```bash\necho \x1b[31mred\x07 a\u202eb\u200b\x00\n```") == "echo [31mred ab\n"
    )
    assert code_alone("```bash\n\tcase a\n```") == "\tcase a\n"


@given(st.text(alphabet="`~a\n \tH\x1b", max_size=30))
def test_any_text_gives_lines_of_code_or_nothing(text: str) -> None:
    code = code_alone(text)
    assert code == "" or (code.endswith("\n") and code.strip())
    assert "\x1b" not in code
