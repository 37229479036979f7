from collections.abc import Callable

import pytest

Said = tuple[str | None, str | None, str, str, str | None, str | None]

# line, time, level, message, service, the text at `stamp`, the text at `coded`
CASES = [
    # pino and bunyan
    (
        '{"level":50,"time":1735787045123,"pid":7,"hostname":"web","msg":"connect '
        'ECONNREFUSED","err":{"type":"Error"}}',
        "2025-01-02T03:04:05.123000Z", "ERROR", "connect ECONNREFUSED", "", "1735787045123",
        "50",
    ),
    (
        '{"name":"api","hostname":"web","pid":7,"level":40,"msg":"slow","time":"2025-01-02T'
        '03:04:05.123Z","v":0}',
        "2025-01-02T03:04:05.123000Z", "WARN", "slow", "api", "2025-01-02T03:04:05.123Z", "40",
    ),
    (
        '{"level":30,"time":1735787045123,"res":{"statusCode":500},"msg":"request completed"}',
        "2025-01-02T03:04:05.123000Z", "INFO", "request completed", "", "1735787045123", "30",
    ),
    # zap and zerolog
    (
        '{"level":"error","ts":1735787045.123,"caller":"db/pool.go:31","msg":"no '
        'connection","error":"refused"}',
        "2025-01-02T03:04:05.123000Z", "ERROR", "no connection", "db/pool.go:31",
        "1735787045.123", None,
    ),
    (
        '{"level":"info","ts":"2025-01-02T03:04:05.123+0100","logger":"ctrl","msg":"started"}',
        "2025-01-02T02:04:05.123000Z", "INFO", "started", "ctrl", "2025-01-02T03:04:05.123+0100",
        None,
    ),
    (
        '{"level":"warn","time":1735787045,"message":"z"}',
        "2025-01-02T03:04:05Z", "WARN", "z", "", "1735787045", None,
    ),
    # logback, structlog, python-json-logger
    (
        '{"@timestamp":"2025-01-02T03:04:05.123+02:00","@version":"1","message":"boom","log'
        'ger_name":"com.acme.Foo","thread_name":"main","level":"ERROR","level_value":40000}',
        "2025-01-02T01:04:05.123000Z", "ERROR", "boom", "com.acme.Foo",
        "2025-01-02T03:04:05.123+02:00", None,
    ),
    (
        '{"event": "job failed", "level": "error", "timestamp": "2025-01-02T03:04:05Z", '
        '"logger": "jobs"}',
        "2025-01-02T03:04:05Z", "ERROR", "job failed", "jobs", "2025-01-02T03:04:05Z", None,
    ),
    (
        '{"asctime": "2025-01-02 03:04:05,123", "levelname": "WARNING", "name": "app.db", '
        '"message": "slow query"}',
        "2025-01-02T03:04:05.123000Z", "WARN", "slow query", "app.db", "2025-01-02 03:04:05,123",
        None,
    ),
    # ECS, Serilog, GELF, MongoDB
    (
        '{"@timestamp":"2025-01-02T03:04:05.000Z","log.level":"warn","message":"disk '
        '91%","ecs.version":"1.2.0","service.name":"store"}',
        "2025-01-02T03:04:05Z", "WARN", "disk 91%", "store", "2025-01-02T03:04:05.000Z", None,
    ),
    (
        '{"@timestamp":"2025-01-02T03:04:05.000Z","log":{"level":"error","logger":"x.Y"},"m'
        'essage":"m","service":{"name":"pay"}}',
        "2025-01-02T03:04:05Z", "ERROR", "m", "pay", "2025-01-02T03:04:05.000Z", None,
    ),
    (
        '{"@t":"2025-01-02T03:04:05.1Z","@mt":"Hello {X}","@l":"Error"}',
        "2025-01-02T03:04:05.100000Z", "ERROR", "Hello {X}", "", "2025-01-02T03:04:05.1Z", None,
    ),
    (
        '{"version":"1.1","host":"web","short_message":"oops","timestamp":1735787045.12,"le'
        'vel":3}',
        "2025-01-02T03:04:05.120000Z", "ERROR", "oops", "", "1735787045.12", "3",
    ),
    (
        '{"t":{"$date":"2025-01-02T03:04:05.123+00:00"},"s":"W","c":"NETWORK","id":1,"ctx":'
        '"conn1","msg":"Slow","attr":{"d":1}}',
        "2025-01-02T03:04:05.123000Z", "WARN", "Slow", "NETWORK",
        "2025-01-02T03:04:05.123+00:00", None,
    ),
    (
        '{"t":{"$date":"2025-01-02T03:04:05.123+01:00"},"s":"I","c":"REPL","msg":"ok","attr'
        '":{"$date":"2025-01-02T03:04:05.123+01:00"}}',
        "2025-01-02T02:04:05.123000Z", "INFO", "ok", "REPL", "2025-01-02T03:04:05.123+01:00",
        None,
    ),
    # clouds
    (
        '{"insertId":"x","textPayload":"ERROR db down","severity":"ERROR","timestamp":"2025'
        '-01-02T03:04:05.123456Z","resource":{"type":"k8s"}}',
        "2025-01-02T03:04:05.123456Z", "ERROR", "db down", "", "2025-01-02T03:04:05.123456Z",
        None,
    ),
    (
        '{"jsonPayload":{"message":"hello"},"severity":"INFO","timestamp":"2025-01-02T03:04'
        ':05Z"}',
        "2025-01-02T03:04:05Z", "INFO", "hello", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        '{"httpRequest":{"requestMethod":"GET","requestUrl":"/a","status":502},"severity":"'
        'ERROR","timestamp":"2025-01-02T03:04:05Z"}',
        "2025-01-02T03:04:05Z", "ERROR", "GET /a 502", "", "2025-01-02T03:04:05Z", "502",
    ),
    (
        '{"timestamp":1735787045123,"message":"[ERROR] 2025-01-02T03:04:05.123Z abc '
        'boom","ingestionTime":1735787046000}',
        "2025-01-02T03:04:05.123000Z", "ERROR", "abc boom", "", "2025-01-02T03:04:05.123Z", None,
    ),
    # docker's json-file
    (
        r'{"log":"2025-01-02 03:04:05 WARN slow\n","stream":"stdout","time":"2025-01-02"}',
        "2025-01-02T03:04:05Z", "WARN", "slow", "", "2025-01-02 03:04:05", None,
    ),
    (
        r'{"log":"{\"level\":\"error\",\"ts\":\"2025-01-02T03:04:05Z\",\"msg\":\"inner '
        r'\\\"quoted\\\"\"}\n","stream":"stderr","time":"2025-01-02T03:04:05.999999999Z"}',
        "2025-01-02T03:04:05Z", "ERROR", 'inner "quoted"', "", "2025-01-02T03:04:05Z", None,
    ),
    (
        r'{"log":"  File \"app.py\", line 3\n","stream":"stderr","time":"2025-01-02T03:04:05'
        '.999999999Z"}',
        "2025-01-02T03:04:05.999999Z", None, '  File "app.py", line 3', "",
        "2025-01-02T03:04:05.999999999Z", None,
    ),
    (
        r'{"log":"\u001b[31mERROR\u001b[0m 2025-01-02T03:04:05Z '
        r'bad\n","stream":"stderr","time":"2025-01-02T03:04:05.9Z"}',
        "2025-01-02T03:04:05Z", "ERROR", "bad", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        r'{"log":"10.0.0.1 - - [02/Jan/2025:03:04:05 +0000] \"GET / HTTP/1.1\" 502 '
        r'1\n","stream":"stdout","time":"2025-01-02T03:04:05.9Z"}',
        "2025-01-02T03:04:05Z", "ERROR", "GET / HTTP/1.1 502", "", "02/Jan/2025:03:04:05 +0000",
        "502",
    ),
    # an access log
    (
        '{"time":"2025-01-02T03:04:05Z","method":"GET","path":"/x","status":503}',
        "2025-01-02T03:04:05Z", "ERROR", "GET /x 503", "", "2025-01-02T03:04:05Z", "503",
    ),
    (
        '{"time_iso8601":"2025-01-02T03:04:05+00:00","request":"GET /a '
        'HTTP/1.1","status":"404"}',
        "2025-01-02T03:04:05Z", "WARN", "GET /a HTTP/1.1 404", "", "2025-01-02T03:04:05+00:00",
        "404",
    ),
    (
        '{"time_local":"02/Jan/2025:03:04:05 +0100","request_method":"GET","request_uri":"/'
        '","status":200}',
        "2025-01-02T02:04:05Z", "INFO", "GET / 200", "", "02/Jan/2025:03:04:05 +0100", "200",
    ),
    # odd ones
    (
        '{"log":{"level":"info"},"stream":"stdout","msg":"no wrapper"}',
        None, "INFO", "no wrapper", "", None, None,
    ),
    (
        '{"severity":"WARNING","error":{"message":"deep"}}',
        None, "WARN", "deep", "", None, None,
    ),
    (
        r'{"timestamp":"2025\/01\/02 03:04:05","level":"error","message":"php"}',
        "2025-01-02T03:04:05Z", "ERROR", "php", "", None, None,
    ),
    (
        '{"a":{"time":"2025-01-02T03:04:05Z"},"time":"2025-01-02T03:04:05Z","msg":"twice"}',
        "2025-01-02T03:04:05Z", None, "twice", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        '{ "msg" : "spaced" , "time" : "2025-01-02T03:04:05Z" }',
        "2025-01-02T03:04:05Z", None, "spaced", "", "2025-01-02T03:04:05Z", None,
    ),
    (
        '{"msg":["a",1]}',
        None, None, '["a", 1]', "", None, None,
    ),
    (
        "{not json at all",
        None, None, "{not json at all", "", None, None,
    ),
    (
        '{"a":1} trailing',
        None, None, '{"a":1} trailing', "", None, None,
    ),
    (
        "[1,2]",
        None, None, "[1,2]", "", None, None,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:60])
def test_lines(case: tuple[str, *Said], said: Callable[[str], Said]) -> None:
    line, *expected = case
    assert said(line) == tuple(expected)
