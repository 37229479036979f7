from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # log4j, logback, Hadoop
    (
        "2025-01-02 03:04:05,123 INFO [main] org.acme.Foo: Created x",
        "2025-01-02T03:04:05.123000Z", "INFO", "Created x", "org.acme.Foo",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05.123 [main] WARN  c.acme.Foo - slow",
        "2025-01-02T03:04:05.123000Z", "WARN", "slow", "c.acme.Foo", "2025-01-02 03:04:05.123",
        None,
    ),
    (
        "2025-01-02 03:04:05,123 WARN  [pool-1 [x]] org.apache.log: z",
        "2025-01-02T03:04:05.123000Z", "WARN", "z", "org.apache.log", "2025-01-02 03:04:05,123",
        None,
    ),
    # Spring
    (
        "2025-01-02T03:04:05.123Z  INFO 1 --- [           main] c.acme.Foo  : Started",
        "2025-01-02T03:04:05.123000Z", "INFO", "Started", "c.acme.Foo",
        "2025-01-02T03:04:05.123Z", None,
    ),
    (
        "2025-01-02T03:04:05.123Z ERROR 1 --- [app] [nio-8080-exec-1] o.a.Foo : Broken",
        "2025-01-02T03:04:05.123000Z", "ERROR", "Broken", "o.a.Foo", "2025-01-02T03:04:05.123Z",
        None,
    ),
    (
        "2025-01-02 03:04:05.123  WARN 1 --- [  main] Foo : short",
        "2025-01-02T03:04:05.123000Z", "WARN", "short", "Foo", "2025-01-02 03:04:05.123", None,
    ),
    # ZooKeeper
    (
        "2025-01-02 03:04:05,123 - INFO  [Peer[id=1]/0:0:0:0:0:0:0:0:2181:Election@77] - "
        "time out: 32",
        "2025-01-02T03:04:05.123000Z", "INFO", "time out: 32", "Election",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05,123 [myid:1] - ERROR [main:QuorumPeerMain@89] - Unexpected",
        "2025-01-02T03:04:05.123000Z", "ERROR", "Unexpected", "QuorumPeerMain",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05,123 - WARN  [/10.0.0.1:3888:Manager$Listener@493] - gone",
        "2025-01-02T03:04:05.123000Z", "WARN", "gone", "Manager$Listener",
        "2025-01-02 03:04:05,123", None,
    ),
    # Kafka
    (
        "[2025-01-02 03:04:05,123] INFO [KafkaServer id=1] started (kafka.server.KafkaServer)",
        "2025-01-02T03:04:05.123000Z", "INFO", "[KafkaServer id=1] started",
        "kafka.server.KafkaServer", "2025-01-02 03:04:05,123", None,
    ),
    (
        "[2025-01-02 03:04:05,123] WARN Broker gone (kafka.server.ReplicaManager)",
        "2025-01-02T03:04:05.123000Z", "WARN", "Broker gone", "kafka.server.ReplicaManager",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "[2025-01-02 03:04:05,123] ERROR Disk (full)",
        "2025-01-02T03:04:05.123000Z", "ERROR", "Disk (full)", "", "2025-01-02 03:04:05,123",
        None,
    ),
    # Elasticsearch
    (
        "[2025-01-02T03:04:05,123][WARN ][o.e.c.r.a.AllocationService] [node-1] low disk",
        "2025-01-02T03:04:05.123000Z", "WARN", "[node-1] low disk",
        "o.e.c.r.a.AllocationService", "2025-01-02T03:04:05,123", None,
    ),
    (
        "[2025-01-02T03:04:05,123][INFO ][o.e.n.Node               ] [node-1] started",
        "2025-01-02T03:04:05.123000Z", "INFO", "[node-1] started", "o.e.n.Node",
        "2025-01-02T03:04:05,123", None,
    ),
    (
        "[2025-01-02T03:04:05,123][ERROR][o.e.b.Bootstrap] [n] x",
        "2025-01-02T03:04:05.123000Z", "ERROR", "[n] x", "o.e.b.Bootstrap",
        "2025-01-02T03:04:05,123", None,
    ),
    # Python
    (
        "2025-01-02 03:04:05,123 - app - ERROR - failed",
        "2025-01-02T03:04:05.123000Z", "ERROR", "failed", "app", "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05,123 - app.db - WARNING - slow - very",
        "2025-01-02T03:04:05.123000Z", "WARN", "slow - very", "app.db",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05,123 ERROR app.db: failed",
        "2025-01-02T03:04:05.123000Z", "ERROR", "failed", "app.db", "2025-01-02 03:04:05,123",
        None,
    ),
    (
        "2025-01-02 03:04:05,678 - ERROR - root - failed",
        "2025-01-02T03:04:05.678000Z", "ERROR", "failed", "root", "2025-01-02 03:04:05,678",
        None,
    ),
    (
        "WARNING:root:disk",
        None, "WARN", "disk", "root", None, None,
    ),
    (
        "ERROR:app.db:no - connection",
        None, "ERROR", "no - connection", "app.db", None, None,
    ),
    (
        "2025-01-02 03:04:05.123 | ERROR    | app.mod:func:12 - failed",
        "2025-01-02T03:04:05.123000Z", "ERROR", "failed", "app.mod:func:12",
        "2025-01-02 03:04:05.123", None,
    ),
    (
        "[2025-01-02 03:04:05 +0000] [7] [INFO] Listening",
        "2025-01-02T03:04:05Z", "INFO", "Listening", "", "2025-01-02 03:04:05 +0000", None,
    ),
    (
        "[2025-01-02 03:04:05,123: INFO/MainProcess] Task x",
        "2025-01-02T03:04:05.123000Z", "INFO", "Task x", "", "2025-01-02 03:04:05,123", None,
    ),
    (
        "[2025-01-02T03:04:05.123+0000] {task.py:12} INFO - Marking",
        "2025-01-02T03:04:05.123000Z", "INFO", "Marking", "", "2025-01-02T03:04:05.123+0000",
        None,
    ),
    # Go and zap
    (
        "2025/01/02 03:04:05 listening on :80",
        "2025-01-02T03:04:05Z", None, "listening on :80", "", "2025/01/02 03:04:05", None,
    ),
    (
        "2025/01/02 03:04:05 main.go:12: listening",
        "2025-01-02T03:04:05Z", None, "listening", "", "2025/01/02 03:04:05", None,
    ),
    (
        "2025/01/02 03:04:05.123456 ERROR x",
        "2025-01-02T03:04:05.123456Z", "ERROR", "x", "", "2025/01/02 03:04:05.123456", None,
    ),
    (
        '2025-01-02T03:04:05.123Z\tERROR\tctrl\tpkg/file.go:12\tfailed\t{"pod": "x", "n": 3}',
        "2025-01-02T03:04:05.123000Z", "ERROR", "failed", "ctrl", "2025-01-02T03:04:05.123Z",
        None,
    ),
    (
        "2025-01-02T03:04:05.123+0100\tINFO\tpkg/file.go:12\tok",
        "2025-01-02T02:04:05.123000Z", "INFO", "ok", "pkg/file.go:12",
        "2025-01-02T03:04:05.123+0100", None,
    ),
    # nginx and Apache errors
    (
        "2025/01/02 03:04:05 [error] 7#7: *1 connect() failed (111: Connection refused)",
        "2025-01-02T03:04:05Z", "ERROR", "connect() failed (111: Connection refused)", "",
        "2025/01/02 03:04:05", None,
    ),
    (
        '2025/01/02 03:04:05 [emerg] 1#1: host not found in upstream "x"',
        "2025-01-02T03:04:05Z", "FATAL", 'host not found in upstream "x"', "",
        "2025/01/02 03:04:05", None,
    ),
    (
        "2025/01/02 03:04:05 [warn] 1#1: *3 an upstream response",
        "2025-01-02T03:04:05Z", "WARN", "an upstream response", "", "2025/01/02 03:04:05", None,
    ),
    (
        "[Thu Jan 02 03:04:05.123456 2025] [core:error] [pid 7:tid 8] [client 1.2.3.4:5] "
        "AH00126: Invalid URI",
        "2025-01-02T03:04:05.123456Z", "ERROR", "[client 1.2.3.4:5] AH00126: Invalid URI", "",
        "Jan 02 03:04:05.123456 2025", None,
    ),
    (
        "[Thu Jan 02 03:04:05 2025] [notice] caught SIGTERM",
        "2025-01-02T03:04:05Z", "INFO", "caught SIGTERM", "", "Jan 02 03:04:05 2025", None,
    ),
    (
        "[Thu Jan 02 03:04:05 2025] [error] child in error state",
        "2025-01-02T03:04:05Z", "ERROR", "child in error state", "", "Jan 02 03:04:05 2025",
        None,
    ),
    # PostgreSQL and MySQL
    (
        "2025-01-02 03:04:05.123 UTC [123] LOG:  database system is ready",
        "2025-01-02T03:04:05.123000Z", "INFO", "database system is ready", "",
        "2025-01-02 03:04:05.123 UTC", None,
    ),
    (
        '2025-01-02 03:04:05.123 CET [123] app@db ERROR:  relation "x" does not exist',
        "2025-01-02T02:04:05.123000Z", "ERROR", 'relation "x" does not exist', "",
        "2025-01-02 03:04:05.123 CET", None,
    ),
    (
        "2025-01-02 03:04:05.123 UTC [123] STATEMENT:  select * from error",
        "2025-01-02T03:04:05.123000Z", "INFO", "STATEMENT:  select * from error", "",
        "2025-01-02 03:04:05.123 UTC", None,
    ),
    (
        "2025-01-02T03:04:05.123456Z 0 [Warning] [MY-010068] [Server] CA is self signed.",
        "2025-01-02T03:04:05.123456Z", "WARN", "CA is self signed.", "",
        "2025-01-02T03:04:05.123456Z", None,
    ),
    (
        "2025-01-02 03:04:05 0 [ERROR] InnoDB: bad",
        "2025-01-02T03:04:05Z", "ERROR", "InnoDB: bad", "", "2025-01-02 03:04:05", None,
    ),
    (
        "2025-01-02T03:04:05Z 12 [Note] Aborted",
        "2025-01-02T03:04:05Z", "INFO", "Aborted", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        "2025-01-02 03:04:05.123 -03 [123] LOG:  ready",
        "2025-01-02T06:04:05.123000Z", "INFO", "ready", "", "2025-01-02 03:04:05.123 -03", None,
    ),
    # supervisord
    (
        "2025-01-02 03:04:05,123 INFO spawned: 'web' with pid 7",
        "2025-01-02T03:04:05.123000Z", "INFO", "spawned: 'web' with pid 7", "",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05,123 CRIT Supervisor is running as root.",
        "2025-01-02T03:04:05.123000Z", "FATAL", "Supervisor is running as root.", "",
        "2025-01-02 03:04:05,123", None,
    ),
    (
        "2025-01-02 03:04:05,123 WARN received SIGTERM",
        "2025-01-02T03:04:05.123000Z", "WARN", "received SIGTERM", "", "2025-01-02 03:04:05,123",
        None,
    ),
    # others
    (
        "2025-01-02 04:30:30, Info                  SVC    Loaded",
        "2025-01-02T04:30:30Z", "INFO", "Loaded", "SVC", "2025-01-02 04:30:30", None,
    ),
    (
        "[2025-01-02 03:04:05.123][1][warning][upstream] [source/x.cc:12] gone",
        "2025-01-02T03:04:05.123000Z", "WARN", "gone", "source/x.cc:12",
        "2025-01-02 03:04:05.123", None,
    ),
    (
        "I, [2025-01-02T03:04:05.123456 #12]  INFO -- : Started GET",
        "2025-01-02T03:04:05.123456Z", "INFO", "Started GET", "", "2025-01-02T03:04:05.123456",
        None,
    ),
    (
        "2025.01.02 03:04:05.123456 [ 123 ] {abc} <Error> Exec: Code 60",
        "2025-01-02T03:04:05.123456Z", "ERROR", "Exec: Code 60", "",
        "2025.01.02 03:04:05.123456", None,
    ),
    (
        "[2025-01-02 03:04:05] production.ERROR: boom",
        "2025-01-02T03:04:05Z", "ERROR", "boom", "", "2025-01-02 03:04:05", None,
    ),
    (
        "2025-01-02 03:04:05.123+00:00 [info] <0.1.0> ready",
        "2025-01-02T03:04:05.123000Z", "INFO", "<0.1.0> ready", "",
        "2025-01-02 03:04:05.123+00:00", None,
    ),
    (
        "2025-01-02T03:04:05Z  INFO my_crate::mod: started",
        "2025-01-02T03:04:05Z", "INFO", "started", "my_crate::mod", "2025-01-02T03:04:05Z", None,
    ),
    # no header, or none that is certain
    (
        "ERROR no disk",
        None, "ERROR", "no disk", "", None, None,
    ),
    (
        "Error: ENOENT",
        None, "ERROR", "Error: ENOENT", "", None, None,
    ),
    (
        "error: no route",
        None, "ERROR", "error: no route", "", None, None,
    ),
    (
        "no error here, LOG_LEVEL=DEBUG",
        None, None, "no error here, LOG_LEVEL=DEBUG", "", None, None,
    ),
    (
        "2025-01-02 03:04:05 ERROR",
        "2025-01-02T03:04:05Z", "ERROR", "ERROR", "", "2025-01-02 03:04:05", None,
    ),
    (
        "2025-01-02 03:04:05 ERROR db.example.com: refused",
        "2025-01-02T03:04:05Z", "ERROR", "db.example.com: refused", "", "2025-01-02 03:04:05",
        None,
    ),
    (
        "2025-01-02 03:04:05 INFO pool: empty",
        "2025-01-02T03:04:05Z", "INFO", "pool: empty", "", "2025-01-02 03:04:05", None,
    ),
    (
        "2025-01-02 03:04:05} [error] odd",
        "2025-01-02T03:04:05Z", "ERROR", "} [error] odd", "", "2025-01-02 03:04:05", None,
    ),
    (
        'INFO:     127.0.0.1:1234 - "GET / HTTP/1.1" 500 Internal',
        None, "INFO", '127.0.0.1:1234 - "GET / HTTP/1.1" 500 Internal', "", None, None,
    ),
    (
        "plain words",
        None, None, "plain words", "", None, None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
