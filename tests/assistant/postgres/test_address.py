"""The address, which is a secret."""

from __future__ import annotations

import traceback

import pytest

from assistant.errors import SettingsError
from assistant.postgres.address import read_address

ADDRESS = "postgresql://midwatch:s3cret@db.internal:5432/midwatch"


def test_the_address_is_read_from_its_variable() -> None:
    assert read_address("DSN", {"DSN": f" {ADDRESS}\n"}) == ADDRESS


@pytest.mark.parametrize(
    "address", ["", "  ", "postgres//midwatch:s3cret@db", "postgresql://a:s3cret@h:port:/x?y"]
)
def test_what_is_no_address_is_refused_and_never_shown(address: str) -> None:
    with pytest.raises(SettingsError, match="DSN") as caught:
        read_address("DSN", {"DSN": address})
    assert "postgresql://user:password@" in caught.value.hint
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
