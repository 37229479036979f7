import pytest

from tools.captures import parse

PODS = """NAMESPACE     NAME                         READY   STATUS             RESTARTS        AGE
shop          cart-7d4b9c6f5-x2x4z         1/1     Running            0               3d
shop          web-5d9c7b8f6-9zq2k          1/1     Running            12 (3d4h ago)   41d
shop          migrate-28x7p                0/1     Completed          0               3d
"""
NODES = """NAME     STATUS                     ROLES           AGE   VERSION
node-1   Ready                      control-plane   41d   v1.29.2
node-2   Ready                      <none>          41d   v1.29.2
"""
DEPLOYMENTS = """NAME   READY   UP-TO-DATE   AVAILABLE   AGE
cart   2/2     2            2           41d
"""
VOLUMES = """NAME     STATUS   VOLUME      CAPACITY   ACCESS MODES   STORAGECLASS   AGE
data-0   Bound    pvc-1a2b3   10Gi       RWO            standard       41d
"""
JOBS = """NAME      COMPLETIONS   DURATION   AGE
nightly   1/1           12s        8h
"""
SCALERS = """NAME   REFERENCE         TARGETS         MINPODS   MAXPODS   REPLICAS   AGE
cart   Deployment/cart   cpu: 41%/80%    2         10        3          41d
web    Deployment/web    cpu: 41%/80%    2         3         3          41d
"""
CONTAINERS = """CONTAINER ID   IMAGE       COMMAND   CREATED      STATUS                 PORTS     NAMES
0a1b2c3d4e5f   nginx:1.2   "nginx"   2 days ago   Up 2 weeks (healthy)   80/tcp    web
1a1b2c3d4e5f   job:1       "run"     2 days ago   Exited (0) 2 days ago            once
"""  # noqa: E501
RELEASES = """NAME   NAMESPACE  REVISION  UPDATED                  STATUS    CHART      APP VERSION
cart   shop       4         2025-01-06 10:00:00 UTC  deployed  cart-1.2   1.2
"""
ALL = [PODS, NODES, DEPLOYMENTS, VOLUMES, JOBS, SCALERS, CONTAINERS, RELEASES]


@pytest.mark.parametrize("text", ALL, ids=lambda text: text.split()[0:9:8][-1])
def test_healthy_tables_are_no_finding(text: str) -> None:
    assert parse(text) == []
    assert parse("\n".join(ALL)) == [], "nor are they together in one file"


@pytest.mark.parametrize(
    ("text", "row", "note"),
    [
        (
            PODS,
            "shop  pay-6f5-abcde   0/1   CrashLoopBackOff   8 (2m ago)   20m",
            "pay-6f5-abcde is CrashLoopBackOff: its container ends again and again",
        ),
        (PODS, "shop  pay-6f5-abcde   0/1   ImagePullBackOff   0   20m", "cannot be pulled"),
        (PODS, "shop  pay-0   0/1   Init:OOMKilled   3 (1m ago)   20m", "a first container of it"),
        (PODS, "shop  pay-0   0/1   Evicted   0   20m", "its node ran out of something"),
        (PODS, "shop  pay-0   0/1   Pending   0   20m", "no node has taken it"),
        (PODS, "shop  pay-0   1/2   Running   0   20m", "1 of 2 containers of pay-0 are ready"),
        (PODS, "shop  pay-0   1/1   Running   4 (5m ago)   20m", "4 restarts, the last 5 minutes"),
        (NODES, "node-3   NotReady   <none>   41d   v1.29.2", "node-3: it is NotReady"),
        (NODES, "node-3   Ready,SchedulingDisabled   <none>  41d  v1", "no new pods are placed"),
        (DEPLOYMENTS, "pay    0/2     2            0           41d", "0 of 2 replicas of pay"),
        (VOLUMES, "data-1   Pending                                       fast   41d", "Pending"),
        (JOBS, "yearly    0/1           8h         8h", "0 of 1 completions after 8 hours"),
        (
            SCALERS,
            "pay    Deployment/pay    <unknown>/80%   2         10        2          41d",
            "pay: the autoscaler cannot read its metric, so it does not scale",
        ),
        (
            SCALERS,
            "pay    Deployment/pay    cpu: 190%/80%   2         10        10         41d",
            "at its most replicas (10) and above its target (cpu: 190%/80%)",
        ),
        (
            CONTAINERS,
            '2a1b2c3d4e5f   db:1        "run"     2 days ago   Exited (137) 5 min ago           db',
            "db: it ended 5 min before this was recorded: exit code 137: it was killed",
        ),
        (
            CONTAINERS,
            '2a1b2c3d4e5f   db:1        "run"     2 days ago   Up 2 weeks (unhealthy)           db',
            "db: it runs and fails its health check",
        ),
        (
            CONTAINERS,
            '2a1b2c3d4e5f   db:1        "run"     2 days ago   Restarting (1) 3 sec ago         db',
            "db: it ends again and again and is restarted",
        ),
        (
            RELEASES,
            "pay    shop       5         2025-01-06 10:00:00 UTC  failed    pay-1.2    1.2",
            "pay: it is failed",
        ),
    ],
)
def test_a_row_that_is_wrong(text: str, row: str, note: str) -> None:
    (found,) = parse(text + row + "\n")
    assert note in found.note
    assert found.text == row.strip()
    assert found.line == text.count("\n") + 1


def test_rows_of_pods_without_a_header() -> None:
    (found,) = parse(
        "pay-6f5-abcde   0/1   CrashLoopBackOff   8 (2m ago)   20m   10.0.0.1   node-1\n"
    )
    assert found.line == 1


def test_pods_that_have_just_been_created_may_wait() -> None:
    assert parse(PODS + "shop  pay-0   0/1   ContainerCreating   0   5s\n") == []
    assert len(parse(PODS + "shop  pay-0   0/1   ContainerCreating   0   15m\n")) == 1


def test_pods_that_restarted_together_are_one_finding() -> None:
    rows = "".join(f"shop  pay-{n}   1/1   Running   {n + 2} (7m ago)   20d\n" for n in range(5))
    (found,) = parse(rows)
    assert found.note.startswith("5 of 5 pods last restarted at the same time, 7m before")


def test_a_cause_weighs_more_than_a_symptom() -> None:
    rows = "a-0  0/1  CrashLoopBackOff  8 (2m ago)  20m\nb-0  0/1  OOMKilled  3 (1m ago)  20m\n"
    assert [one.text[:3] for one in parse(rows)] == ["b-0", "a-0"]


def test_a_message_in_a_row_weighs_more_than_a_state() -> None:
    text = (
        "GROUP  KIND        NAMESPACE  NAME  STATUS     HEALTH   HOOK  MESSAGE\n"
        "apps   Deployment  shop       cart  Synced     Healthy        deployment/cart unchanged\n"
        '       Service     shops      cart  OutOfSync  Missing        "shops" not found\n'
    )
    (found,) = parse(text)
    assert found.line == 3
    assert found.suspicion >= 0.85
