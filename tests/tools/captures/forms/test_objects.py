import json

from tools.captures import parse

HEALTHY = """apiVersion: v1
kind: Pod
status:
  conditions:
  - lastProbeTime: null
    status: "True"
    type: Ready
  containerStatuses:
  - name: main
    ready: true
    restartCount: 0
    state:
      running:
        startedAt: "2025-01-06T10:00:00Z"
  phase: Running
"""
WAITING = HEALTHY.replace(
    '      running:\n        startedAt: "2025-01-06T10:00:00Z"\n',
    "      waiting:\n        message: 'secret \"db\" not found'\n"
    "        reason: CreateContainerConfigError\n",
)
DEPLOYMENT = {
    "kind": "Deployment",
    "status": {
        "conditions": [
            {
                "type": "Available",
                "status": "False",
                "reason": "MinimumReplicasUnavailable",
                "message": "Deployment does not have minimum availability.",
            }
        ]
    },
}


def test_a_healthy_object_is_no_finding() -> None:
    assert parse(HEALTHY) == []


def test_a_container_that_waits() -> None:
    (found,) = parse(WAITING)
    assert found.note == "a container waits: CreateContainerConfigError"
    assert 'secret "db" not found' in found.text


def test_a_container_that_was_killed() -> None:
    text = HEALTHY.replace("running:", "terminated:").replace(
        "        startedAt", "        exitCode: 137\n        reason: OOMKilled\n        startedAt"
    )
    (found,) = parse(text)
    assert found.suspicion > 0.9
    assert "OOMKilled" in found.text


def test_a_condition_in_json() -> None:
    text = json.dumps(DEPLOYMENT, indent=2)
    (found,) = parse(text)
    assert found.note == "condition Available is False"
    assert "minimum availability" in found.text
    assert found.text in text


def test_an_object_that_is_cut_off_still_tells() -> None:
    text = json.dumps(DEPLOYMENT, indent=2)
    assert len(parse(text[: text.index("]")])) == 1


def test_what_docker_inspect_says() -> None:
    text = json.dumps(
        [{"State": {"Status": "exited", "OOMKilled": True, "ExitCode": 137}}], indent=1
    )
    assert [one.note for one in parse(text)] == [
        "the container used more memory than its limit",
        "the container ended: exit code 137: it was killed, as happens at the memory limit",
    ]
    healthy = [{"State": {"Status": "running", "OOMKilled": False, "ExitCode": 0}}]
    assert parse(json.dumps(healthy, indent=1)) == []
