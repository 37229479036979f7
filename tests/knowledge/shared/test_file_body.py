from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import numpy as np

from knowledge.catalog import NewPart
from knowledge.chunks import Chunk
from knowledge.shared.file_body import body_of, parts_of

PART = NewPart(
    name="Störung",
    kind="incident",
    services=("checkout", "redis"),
    dated_utc=datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC),
    form=0.25,
    vector=np.random.default_rng(1).normal(size=384).astype(np.float32),
    chunks=(Chunk(0, "Redis > Cause", 3, "ran out of\nmemory"), Chunk(1, "", 9, "→ restart")),
    hashes=("aa", "bb"),
    terms=["ran", "memory", "memory"],
    products=frozenset({"redis", "nginx"}),
)


def test_parts_come_back_as_they_were() -> None:
    first, second = parts_of(body_of([PART, PART]))
    for one in (first, second):
        for field in fields(NewPart):
            kept, was = getattr(one, field.name), getattr(PART, field.name)
            assert np.array_equal(kept, was) if field.name == "vector" else kept == was


def test_no_parts_are_a_body_too() -> None:
    assert parts_of(body_of([])) == []
