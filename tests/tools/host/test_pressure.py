from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, troubles
from tools.host.pressure import Resource, look_at_pressure


@pytest.mark.parametrize(
    ("resource", "some", "full", "suspicion"),
    [
        ("cpu", 49, 0, None),
        ("cpu", 60, 0, 0.35),
        ("cpu", 90, 0, 0.5),
        ("memory", 9, 1, None),
        ("memory", 12, 1, 0.5),
        ("memory", 12, 3, 0.7),
        ("memory", 50, 40, 0.85),
        ("io", 90, 14, None),
        ("io", 90, 20, 0.45),
        ("io", 90, 41, 0.65),
    ],
)
def test_what_is_ordinary_for_each_resource(
    machine: Recorded, resource: Resource, some: float, full: float, suspicion: float | None
) -> None:
    machine.write(
        f"proc/pressure/{resource}",
        f"some avg10={some:.2f} avg60=1.25 avg300=0.00 total=1\n"
        f"full avg10={full:.2f} avg60=0.00 avg300=0.00 total=1\n",
    )
    found = troubles(look_at_pressure(machine.host(), resource))
    assert [fact.suspicion for fact in found] == ([] if suspicion is None else [suspicion])
    for fact in found:
        assert fact.text == (
            f"{resource} pressure: some {some:.1f}% / 1.2%, full {full:.1f}% / 0.0% (10 s / 60 s)"
        )
        assert f"want of {resource}" in fact.note
