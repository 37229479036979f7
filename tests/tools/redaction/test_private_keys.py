from __future__ import annotations

import json
import re

import pytest

from tools.redaction import Redactor

REDACTOR = Redactor(b"a key for tests, 32 bytes long, ok")
BODY = [f"{letter}{'b7Kq+/' * 10}xyz" for letter in "ABCDEFGH"] + ["shortEnd42=="]
BEGIN, END = (f"-----{word} RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
PEM = "\n".join([BEGIN, *BODY, END])
PREFIX = "2026-03-01T02:00:00Z shop[12]: "


def no_piece_of_the_key_is_in(text: str) -> bool:
    return not any(line[:12] in text or line[-12:] in text for line in BODY)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"before\n{PEM}\nafter", "before\n<>\nafter"),
        (f"before {PEM} after", "before <> after"),
        (json.dumps({"private_key": PEM + "\n", "n": 1}), r'{"private_key": "<>", "n": 1}'),
        (json.dumps({"a": json.dumps({"k": PEM})}), r'{"a": "{\"k\": \"<>\"}"}'),
        (f'KEY="{PEM}"', 'KEY="<>"'),
        (f"key: {PEM.replace(chr(10), ' ')} end", "key: <> end"),
        (PEM.replace("\n", "\r\n") + "\r\nafter", "<>\r\nafter"),
        ("\n".join([BEGIN, *BODY[:4]]), "<>"),
        ("\n".join([BEGIN, *BODY[:4], "INFO went on"]), "<>\nINFO went on"),
        ("\n".join([BEGIN, *BODY[:3], BODY[3][:30]]), "<>"),
        ("\n".join([*BODY[4:], END, "after"]), "<>\nafter"),
        (
            "\n".join(
                [BEGIN, "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00FF", "", *BODY, END]
            ),
            "<>",
        ),
        (
            "key:\n" + "\n".join(f"    {line}" for line in PEM.split("\n")) + "\nz: 1",
            "key:\n    <>\nz: 1",
        ),
        (f"{PEM}\n{PEM.replace('b7Kq', 'c8Lr')}", "<>\n<>"),
    ],
)
def test_a_key_goes_as_a_whole(text: str, shown: str) -> None:
    redacted = REDACTOR.redact(text)
    assert re.sub("redacted-private-key-[0-9a-f]{6}", "<>", redacted) == shown
    assert REDACTOR.redact(redacted) == redacted


def test_a_key_that_a_logger_wrote_line_by_line_goes_from_each() -> None:
    text = "\n".join(PREFIX + line for line in PEM.split("\n"))
    redacted = REDACTOR.redact(text)
    assert no_piece_of_the_key_is_in(redacted)
    assert redacted.count(PREFIX) == len(BODY) + 2
    assert REDACTOR.redact(redacted) == redacted


def test_a_key_in_the_lines_of_a_container_engine_goes_from_each() -> None:
    lines = [json.dumps({"log": f"{line}\n", "stream": "stderr"}) for line in PEM.split("\n")]
    redacted = REDACTOR.redact("\n".join(lines))
    assert no_piece_of_the_key_is_in(redacted)
    assert redacted.count('"stream": "stderr"') == len(lines)


def test_lines_stay_as_many_as_they_were() -> None:
    lines = ["a", *PEM.split("\n"), "password=hunter2", "b"]
    shown = REDACTOR.redact_lines(lines)
    assert len(shown) == len(lines)
    assert (shown[0], shown[-1]) == ("a", "b")
    assert len(set(shown[1 : len(BODY) + 3])) == 1
    assert shown[1].startswith("redacted-private-key-")
    assert shown[-2].startswith("password=redacted-secret-")
    assert REDACTOR.redact_lines(["a", "b"]) == ["a", "b"]


def test_a_key_that_is_only_spoken_of_stays() -> None:
    text = "the block that starts with `-----BEGIN PRIVATE KEY-----` goes into the secret"
    assert REDACTOR.redact(text) == text


def test_certificates_stay() -> None:
    text = PEM.replace("RSA PRIVATE KEY", "CERTIFICATE")
    assert REDACTOR.redact(text) == text
