import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.demo.services.payments import TokenRefused, load_token


def token(days: int) -> str:
    expires_at = datetime.now(UTC) + timedelta(days=days)
    return json.dumps({"key_id": "gw-key-9", "expires_at": expires_at.isoformat()})


def test_a_token_that_is_still_valid_gives_its_key(tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text(token(days=1))
    assert load_token(tmp_path / "token.json") == "gw-key-9"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (token(days=-1), "token gw-key-9 in .* expired at 20"),
        ("{}", "cannot be read: KeyError"),
        ("not json", "cannot be read: JSONDecodeError"),
        ('{"key_id": "x", "expires_at": "soon"}', "cannot be read: ValueError"),
        (None, "cannot be read: FileNotFoundError"),
    ],
)
def test_any_other_token_is_refused_with_the_reason(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "token.json").write_text(content)
    with pytest.raises(TokenRefused, match=reason):
        load_token(tmp_path / "token.json")
