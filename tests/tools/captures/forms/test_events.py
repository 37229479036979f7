import pytest

from tools.captures import parse

HEADER = "LAST SEEN   TYPE      REASON             OBJECT      MESSAGE\n"
QUIET = HEADER + (
    "58m         Normal    Scheduled          pod/web-1   Successfully assigned shop/web-1 to n1\n"
    "57m         Normal    Pulled             pod/web-1   Container image already present\n"
    "57m         Normal    Started            pod/web-1   Started container web\n"
)


def test_normal_events_are_no_finding() -> None:
    assert parse(QUIET) == []


@pytest.mark.parametrize(
    ("reason", "message", "least"),
    [
        ("FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.", 0.9),
        ("FailedMount", 'MountVolume.SetUp failed: secret "tls" not found', 0.85),
        ("Failed", 'Failed to pull image "web:2": not found', 0.85),
        ("Unhealthy", "Readiness probe failed: HTTP 503", 0.7),
        ("Evicted", "The node was low on resource: memory.", 0.9),
        ("OddReason", "Something else happened", 0.5),
    ],
)
def test_warnings_by_what_they_say(reason: str, message: str, least: float) -> None:
    row = f"2m (x9 over 1h)   Warning   {reason}   pod/web-2   {message}\n"
    (found,) = parse(QUIET + row)
    assert found.suspicion >= least
    assert found.note == (
        f"{reason} event, last seen 2 minutes before this was recorded, 9 times in all"
    )


def test_a_symptom_ranks_below_its_cause() -> None:
    rows = (
        "2m   Warning   BackOff   pod/web-2   Back-off restarting failed container\n"
        "2m   Warning   Failed    pod/web-2   Error: ImagePullBackOff\n"
        '2m   Warning   Failed    pod/web-2   Failed to pull image "web:2": not found\n'
    )
    assert parse(HEADER + rows)[0].line == 4


@pytest.mark.parametrize(
    ("warning", "healer"),
    [
        ("FailedScheduling", "Scheduled"),
        ("FailedMount", "Started"),
        ("FailedCreate", "SuccessfulCreate"),
        ("NodeNotReady", "NodeReady"),
    ],
)
def test_what_has_healed_is_background(warning: str, healer: str) -> None:
    rows = (
        f"58m  Warning  {warning}  pod/web-2  it failed\n"
        f"40m  Normal  {healer}  pod/web-2  it works\n"
    )
    (healed,) = parse(HEADER + rows)
    assert healed.suspicion < 0.3
    assert healed.note.endswith(f"it has healed: {healer} came later")
    (other,) = parse(
        HEADER + rows.replace("Normal  " + healer + "  pod/web-2", "Normal  X  pod/web-3")
    )
    assert other.suspicion > 0.7, "another pod's event heals nothing"
    before = rows.replace("40m", "59m")
    assert parse(HEADER + before)[0].suspicion > 0.7, "nor does what came before"


def test_a_container_that_a_probe_kills() -> None:
    row = "2m  Normal  Killing  pod/web-2  Container web failed liveness probe, will be restarted\n"
    (found,) = parse(HEADER + row)
    assert found.suspicion > 0.7
