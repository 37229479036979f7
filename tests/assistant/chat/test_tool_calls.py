from __future__ import annotations

import pytest

from assistant.chat.tool_calls import Call, CallReader, parse_call

PARAMETERS = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}]
CALL = '{"name": "look", "arguments": {"at": "x"}}'


def read(text: str, size: int = 3) -> tuple[str, Call | None]:
    reader = CallReader(TOOLS)
    shown = "".join(reader.push(text[i : i + size]) for i in range(0, len(text), size))
    rest, call = reader.finish()
    return shown + rest, call


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"<tool_call>\n{CALL}\n</tool_call>", ""),
        (CALL, ""),
        (f"```json\n{CALL}\n```", ""),
        (f"```\n{CALL}\n```", ""),
        (f"I will look.\n```json\n{CALL}\n```", "I will look.\n"),
        ('```json\n{\n  "name": "look",\n  "arguments": {"at": "x"}\n}\n```', ""),
        ('{"name": "look", "parameters": {"at": "x"}}', ""),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 200])
def test_dialects_of_a_call_are_understood_and_not_shown(text: str, shown: str, size: int) -> None:
    assert read(text, size) == (shown, Call("look", {"at": "x"}))


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "code `df -h` and a < b and {braces}",
        '{"name": "unknown", "arguments": {"cut',
        "```sh\ndf -h\n```",
        "ends with a fence ```",
    ],
)
@pytest.mark.parametrize("size", [1, 200])
def test_what_is_no_call_is_text(text: str, size: int) -> None:
    assert read(text, size) == (text, None)


@pytest.mark.parametrize(
    "call",
    [
        '{"name": "other_tool", "arguments": {}}',
        '{"name": "look", "arguments": {}}',
        '{"name": "look", "arguments": {"at": 1}}',
        '{"name": "look", "arguments": "not an object"}',
        '{"name": "look", "arguments": {"cut',
        '{"name": "look", "arguments": {"at": "x", "also": "y"}}',
    ],
)
def test_call_that_fits_no_bound_tool_is_neither_run_nor_shown(call: str) -> None:
    assert read(f"Hm.\n```json\n{call}\n```") == ("Hm.\n", None)


def test_raw_line_breaks_in_a_string_are_accepted() -> None:
    call = parse_call('{"name": "look", "arguments": {"at": "a\nb"}}')
    assert call == Call("look", {"at": "a\nb"})
