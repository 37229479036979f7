from tools.captures import parse

HEALTHY_SUMMARY = """Total: 318
TCP:   142 (estab 60, closed 61, orphaned 0, timewait 58)

Transport Total     IP        IPv6
RAW	  0         0         0
"""
LISTENERS = """State   Recv-Q  Send-Q  Local Address:Port  Peer Address:Port Process
LISTEN  0       511     0.0.0.0:80          0.0.0.0:*    users:(("nginx",pid=1,fd=6))
LISTEN  129     128     127.0.0.1:8000      0.0.0.0:*    users:(("gunicorn",pid=9,fd=5))
ESTAB   0       0       10.0.0.1:22         10.0.0.9:50000
"""


def test_a_healthy_summary_is_no_finding() -> None:
    assert parse(HEALTHY_SUMMARY) == []


def test_many_closed_connections_spend_the_ports() -> None:
    (found,) = parse(HEALTHY_SUMMARY.replace("timewait 58", "timewait 27500"))
    assert found.note.startswith("27,500 connections in TIME-WAIT")
    assert found.line == 2


def test_orphaned_connections() -> None:
    (found,) = parse(HEALTHY_SUMMARY.replace("orphaned 0", "orphaned 4100"))
    assert found.note.startswith("4,100 orphaned connections")


def test_a_listener_whose_queue_is_full() -> None:
    (found,) = parse(LISTENERS)
    assert found.line == 3
    assert found.note.startswith("129 connections wait to be accepted at 127.0.0.1:8000")
    assert found.suspicion >= 0.85


def test_connections_that_are_never_closed() -> None:
    rows = "".join(f"CLOSE-WAIT 1 0 10.0.0.1:80 10.0.1.{n}:4{n:03}\n" for n in range(80))
    (found,) = parse("State Recv-Q Send-Q Local Peer\n" + rows)
    assert found.note.startswith("80 connections in CLOSE-WAIT")


def test_unanswered_connections_in_netstat() -> None:
    row = "tcp        0      1 10.0.0.1:4{}    10.0.9.9:5432     SYN_SENT    -\n"
    header = "Proto Recv-Q Send-Q Local Address Foreign Address State PID\n"
    established = "tcp        0      0 10.0.0.1:4000    10.0.9.9:5432     ESTABLISHED 7/x\n"
    (found,) = parse(header + established + "".join(row.format(n) for n in range(6)))
    assert found.note.startswith("6 connections in SYN-SENT (6 with 10.0.9.9:5432): nobody answers")
    assert parse(header + established * 50) == []
