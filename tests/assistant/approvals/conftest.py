"""What the tests of approvals share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.assistant.approvals.scene import Scene, open_scene
from tests.assistant.places import Place


@pytest.fixture
def scene(place: Place) -> Iterator[Scene]:
    """A desk and an executor, where everybody at a terminal may decide."""
    with open_scene(place) as opened:
        yield opened
