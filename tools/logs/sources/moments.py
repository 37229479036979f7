"""Times in the answers of docker and kubernetes: with a zone, and as UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside the calendar") from error


Moment = Annotated[AwareDatetime, AfterValidator(_as_utc)]
"""A field of a pydantic model; a time without a zone is refused."""


def stamp(moment: datetime) -> str:
    """`2026-03-01 12:00:00 UTC`: a time for people."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
