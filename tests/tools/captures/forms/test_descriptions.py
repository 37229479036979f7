from datetime import UTC, datetime

import pytest

from tools.captures import parse

HEALTHY = """Name:             web-1
Namespace:        shop
Node:             node-1/10.0.0.1
Status:           Running
Containers:
  main:
    Image:          web:1
    State:          Running
      Started:      Mon, 06 Jan 2025 10:00:00 +0000
    Ready:          True
    Restart Count:  0
    Limits:
      memory:  50Mi
Conditions:
  Type              Status
  Initialized       True
  Ready             True
  ContainersReady   True
  PodScheduled      True
Tolerations:        node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
Events:             <none>
"""
KILLED = HEALTHY.replace(
    "    State:          Running\n      Started:      Mon, 06 Jan 2025 10:00:00 +0000\n",
    """    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Mon, 06 Jan 2025 10:00:00 +0000
      Finished:     Mon, 06 Jan 2025 10:00:01 +0000
""",
).replace("Ready             True", "Ready             False")
RECOVERED = KILLED.replace(
    "    State:          Waiting\n      Reason:       CrashLoopBackOff\n",
    "    State:          Running\n",
).replace("Ready             False", "Ready             True")


def notes(text: str, now: datetime | None = None) -> list[str]:
    return [one.note for one in parse(text, now)]


def test_a_healthy_pod_is_no_finding() -> None:
    assert parse(HEALTHY) == []


def test_a_memory_kill_comes_before_the_loop_it_leads_to() -> None:
    found = parse(KILLED)
    assert found[0].text == (
        "Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137"
    )
    assert found[0].note == ("container main was killed because it used more memory than its limit")
    assert found[1].text.startswith("State:          Waiting")
    assert found[0].suspicion > 0.9 > 0.7 > found[1].suspicion


def test_a_kill_of_the_past_is_less_suspicious_than_one_of_now() -> None:
    past = datetime(2025, 1, 8, tzinfo=UTC)
    soon = datetime(2025, 1, 6, 10, 5, tzinfo=UTC)
    (old,), (new,) = parse(RECOVERED, past), parse(RECOVERED, soon)
    assert old.suspicion < 0.6 < 0.9 < new.suspicion
    assert old.note.endswith("it runs now")


@pytest.mark.parametrize(
    ("state", "note"),
    [
        ("Waiting\n      Reason:       ImagePullBackOff", "its image cannot be pulled"),
        ("Waiting\n      Reason:       CreateContainerConfigError", "a ConfigMap, Secret or key"),
        ("Terminated\n      Reason:       Error\n      Exit Code:    127", "command was not found"),
        ("Terminated\n      Reason:       Error\n      Exit Code:    139", "segmentation fault"),
        (
            "Terminated\n      Reason:       StartError\n      Message:      no such file: /run\n"
            "      Exit Code:    128",
            "and says why",
        ),
    ],
)
def test_states_of_a_container(state: str, note: str) -> None:
    text = HEALTHY.replace("State:          Running", f"State:          {state}")
    found = parse(text.replace("Ready             True", "Ready             False"))
    assert note in found[0].note
    assert found[0].text in text


def test_a_service_that_ends_by_itself() -> None:
    text = KILLED.replace("OOMKilled", "Completed").replace("Exit Code:    137", "Exit Code:    0")
    assert any("its command finishes" in note for note in notes(text))
    done = HEALTHY.replace(
        "State:          Running", "State:          Terminated\n      Reason:       Completed"
    )
    assert parse(done) == [], "a job may end"


def test_why_a_pod_was_evicted() -> None:
    text = HEALTHY.replace(
        "Status:           Running",
        "Status:           Failed\nReason:           Evicted\nMessage:          low on memory",
    )
    (found,) = parse(text)
    assert found.text.endswith("Message:          low on memory")
    assert found.suspicion >= 0.9


EVENTS = """Events:
  Type     Reason            Age                 From               Message
  ----     ------            ----                ----               -------
  Warning  FailedScheduling  58m                 default-scheduler  0/3 nodes: Insufficient cpu
  Normal   Scheduled         50m                 default-scheduler  Successfully assigned
  Warning  Unhealthy         40m (x3 over 50m)   kubelet            Readiness probe failed: EOF
"""


def test_events_of_a_pod_that_is_well_are_background() -> None:
    found = parse(HEALTHY.replace("Events:             <none>\n", EVENTS))
    assert len(found) == 2
    assert all(one.suspicion < 0.3 and "it has healed" in one.note for one in found)


def test_events_of_a_pod_that_is_not_ready() -> None:
    found = parse(KILLED.replace("Events:             <none>\n", EVENTS))
    probe = next(one for one in found if "Readiness" in one.text)
    scheduling = next(one for one in found if "Scheduling" in one.text)
    assert probe.suspicion > 0.7 > 0.3 > scheduling.suspicion


NODE = """Name:               node-1
Roles:              <none>
Taints:             <none>
Unschedulable:      false
Conditions:
  Type             Status  LastHeartbeatTime                 LastTransitionTime                Reason                       Message
  ----             ------  -----------------                 ------------------                ------                       -------
  MemoryPressure   False   Mon, 06 Jan 2025 10:00:00 +0000   Mon, 06 Jan 2025 09:00:00 +0000   KubeletHasSufficientMemory   kubelet has sufficient memory available
  Ready            True    Mon, 06 Jan 2025 10:00:00 +0000   Mon, 06 Jan 2025 09:00:00 +0000   KubeletReady                 kubelet is posting ready status
Capacity:
  cpu:                32
"""  # noqa: E501


def test_a_healthy_node_is_no_finding() -> None:
    assert parse(NODE) == []


def test_a_node_under_pressure_and_one_that_is_silent() -> None:
    (pressure,) = parse(NODE.replace("MemoryPressure   False", "MemoryPressure   True "))
    assert pressure.note == "node-1: MemoryPressure is True"
    (silent,) = parse(NODE.replace("Ready            True ", "Ready            Unknown"))
    assert silent.note == "node-1: Ready is Unknown"
    assert min(pressure.suspicion, silent.suspicion) > 0.8


def test_warnings_of_a_ready_node_are_not_healed() -> None:
    event = "  Warning  FreeDiskSpaceFailed   8m (x9 over 1h)     kubelet  Failed to free space\n"
    (found,) = parse(f"{NODE}Events:\n{event}")
    assert found.suspicion > 0.5


def test_an_ingress_that_nobody_serves() -> None:
    text = "Name:  shop\nAddress:\nIngress Class:  none\nRules:\n  Host  Path\nEvents: <none>\n"
    (found,) = parse(text)
    assert found.note.startswith("no controller serves shop")
    assert parse(text.replace("Address:", "Address:  10.0.0.1")) == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("Replicas:  3 desired | 3 updated | 3 total | 1 available | 2 unavailable", "2 of 3 repl"),
        ("Pods Statuses:    0 Active (0 Ready) / 0 Succeeded / 4 Failed", "4 pods of x failed"),
        ("Endpoints:         <none>", "no ready pod is behind x"),
        ("Suspend:           True", "x is suspended: nothing is started"),
    ],
)
def test_other_objects(line: str, note: str) -> None:
    (found,) = parse(f"Name:   x\n{line}\nEvents:  <none>\n")
    assert note in found.note
    assert found.text == line


@pytest.mark.parametrize(
    "line",
    [
        "Replicas:  3 desired | 3 updated | 3 total | 3 available | 0 unavailable",
        "Pods Statuses:    0 Active (0 Ready) / 4 Succeeded / 0 Failed",
        "Endpoints:         10.0.0.1:80",
        "Suspend:           False",
    ],
)
def test_other_objects_that_are_well(line: str) -> None:
    assert parse(f"Name:   x\n{line}\nEvents:  <none>\n") == []


def test_a_quota_that_is_used_up() -> None:
    text = """Name:            compute
Resource         Used   Hard
--------         ----   ----
limits.cpu       2      4
pods             10     10
requests.memory  500Mi  1Gi
"""
    (found,) = parse(text)
    assert (found.line, found.note) == (5, "the quota for pods is used up: 10 of 10")


def test_the_scaler_that_cannot_scale() -> None:
    text = """Name:    cart
Metrics: ( current / target )
Conditions:
  Type           Status  Reason                   Message
  ----           ------  ------                   -------
  AbleToScale    True    SucceededGetScale        the HPA controller was able to get the scale
  ScalingActive  False   FailedGetResourceMetric  unable to get metrics: no metrics returned
Events:          <none>
"""
    (found,) = parse(text)
    assert found.text.startswith("ScalingActive  False")
