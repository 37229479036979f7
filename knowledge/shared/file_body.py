"""What a file consists of, as text, on its way between machines that share a server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime
from typing import Any

from knowledge.catalog import NewPart
from knowledge.chunks import Chunk
from knowledge.shared.packing import packed, unpacked


def body_of(parts: Iterable[NewPart]) -> str:
    """Text that stands for `parts`."""
    return packed(json.dumps([_values(part) for part in parts]).encode())


def parts_of(body: str) -> list[NewPart]:
    """The parts that `body` was made of."""
    return [_part(values) for values in json.loads(unpacked(body))]


def _values(part: NewPart) -> dict[str, Any]:
    return {
        "name": part.name,
        "kind": part.kind,
        "services": part.services,
        "dated_utc": part.dated_utc.isoformat(),
        "form": part.form,
        "vector": base64.b64encode(part.vector.tobytes()).decode("ascii"),
        "chunks": [astuple(chunk) for chunk in part.chunks],
        "hashes": part.hashes,
        "terms": list(part.terms),
        "products": sorted(part.products),
    }


def _part(values: dict[str, Any]) -> NewPart:
    import numpy as np

    return NewPart(
        name=values["name"],
        kind=values["kind"],
        services=tuple(values["services"]),
        dated_utc=datetime.fromisoformat(values["dated_utc"]),
        form=values["form"],
        vector=np.frombuffer(base64.b64decode(values["vector"]), dtype=np.float32),
        chunks=tuple(Chunk(*chunk) for chunk in values["chunks"]),
        hashes=tuple(values["hashes"]),
        terms=values["terms"],
        products=frozenset(values["products"]),
    )
