import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.program import Ran
from tests.tools.probes.servers import answering, closed_port, http_answer, tcp_server

Midwatch = Callable[..., Ran]
SettingsFile = Callable[[str], Path]


@pytest.fixture
def _allowed(settings_file: SettingsFile) -> None:
    settings_file('[probes]\nallow = "127.0.0.1:*"\n')


@pytest.mark.usefixtures("_allowed")
def test_a_server_that_answers(midwatch: Midwatch) -> None:
    with tcp_server(answering(http_answer("200 OK", "well"))) as server:
        ran = midwatch("probe", f"http://127.0.0.1:{server.port}/health")
    assert (ran.status, ran.err) == (0, "")
    verdict, *seen = ran.out.splitlines()
    assert verdict == (f"ok Probed http://127.0.0.1:{server.port}/health: it answers as it should.")
    assert "200" in seen[0]
    assert server.requests[0].startswith(b"GET /health HTTP/1.1\r\n")


@pytest.mark.usefixtures("_allowed")
def test_trouble_is_told_by_the_exit_status(midwatch: Midwatch) -> None:
    with tcp_server(answering(http_answer("503 Service Unavailable"))) as server:
        ran = midwatch("probe", f"http://127.0.0.1:{server.port}/", f"127.0.0.1:{server.port}")
    assert (ran.status, ran.err) == (1, "")
    marks = [line[:3] for line in ran.out.splitlines() if line[0] != " "]
    assert marks == ["XX ", "ok "]
    assert "503" in ran.out
    closed = midwatch("probe", f"127.0.0.1:{closed_port()}")
    assert closed.status == 1
    assert "refused" in closed.out


@pytest.mark.usefixtures("_allowed")
def test_a_server_does_not_steer_the_terminal(midwatch: Midwatch) -> None:
    answer = http_answer("500 \x1b]0;title\x07", "\x1b[2J", "Server: \x9b2J")
    with tcp_server(answering(answer)) as server:
        ran = midwatch("probe", f"http://127.0.0.1:{server.port}/")
    assert ran.status == 1
    assert not {"\x1b", "\x07", "\x9b"} & set(ran.out + ran.err)


def test_without_targets_the_checks_are_made(
    midwatch: Midwatch, settings_file: SettingsFile
) -> None:
    with tcp_server(answering(http_answer("200 OK"))) as server:
        port = server.port
        settings_file(
            '[probes]\nallow = "127.0.0.1:*"\n'
            f'[probes.checks]\napi = "http://127.0.0.1:{port}/"\nport = "127.0.0.1:{port}"\n'
        )
        ran = midwatch("probe")
        one = midwatch("probe", "port", "--json")
    assert ran.status == 0
    assert [line.split()[2] for line in ran.out.splitlines() if line[0] != " "] == [
        f"http://127.0.0.1:{port}/:",
        f"tcp://127.0.0.1:{port}:",
    ]
    [check] = json.loads(one.out)["probes"]
    assert (check["check"], check["target"]) == ("port", f"127.0.0.1:{port}")


@pytest.mark.usefixtures("_allowed")
def test_json_is_the_contract(midwatch: Midwatch) -> None:
    port = closed_port()
    with tcp_server() as server:
        ran = midwatch("probe", "--json", f"127.0.0.1:{port}", f"127.0.0.1:{server.port}")
    found = json.loads(ran.out)
    assert (ran.status, ran.err) == (1, "")
    assert found["is_ok"] is False
    closed, open_ = found["probes"]
    assert (closed["check"], closed["target"]) == (None, f"127.0.0.1:{port}")
    assert (closed["was_made"], closed["is_ok"]) == (True, False)
    assert closed["observations"][0].keys() == {"text", "note", "suspicion"}
    assert (open_["was_made"], open_["is_ok"]) == (True, True)


def test_nothing_is_asked_without_being_allowed(
    midwatch: Midwatch, settings_file: SettingsFile
) -> None:
    with tcp_server() as server:
        target = f"127.0.0.1:{server.port}"
        off = midwatch("probe", target)
        settings_file('[probes]\nallow = ["api.internal", "127.0.0.1:1"]\n')
        elsewhere = midwatch("probe", target)
        assert server.num_connections == 0
    assert (off.status, off.out) == (1, "")
    assert "probes are off" in off.said
    assert f'[probes] allow names what may be probed, here "{target}"' in off.said
    assert (elsewhere.status, elsewhere.out) == (1, "")
    assert f'add "{target}" to [probes] allow' in elsewhere.said


@pytest.mark.usefixtures("_allowed")
def test_one_that_is_not_allowed_does_not_stop_the_others(midwatch: Midwatch) -> None:
    with tcp_server() as server:
        ran = midwatch("probe", "https://elsewhere.example/", f"127.0.0.1:{server.port}")
    assert ran.status == 1
    assert "elsewhere.example" in ran.said
    assert ran.out.startswith(f"ok Probed tcp://127.0.0.1:{server.port}")
    as_json = json.loads(midwatch("probe", "--json", "https://elsewhere.example/").out)
    assert (as_json["is_ok"], as_json["probes"][0]["was_made"]) == (False, False)


@pytest.mark.usefixtures("_allowed")
def test_secrets_in_an_address_are_not_repeated(midwatch: Midwatch) -> None:
    port = closed_port()
    for target in (f"http://127.0.0.1:{port}/?key=hush", f"http://me:hush@127.0.0.1:{port}/"):
        for ran in (midwatch("probe", target), midwatch("probe", "--json", target)):
            assert ran.status == 1
            assert "hush" not in ran.out + ran.err


def test_without_checks_the_setting_is_named(midwatch: Midwatch) -> None:
    ran = midwatch("probe")
    assert (ran.status, ran.out) == (1, "")
    assert "no checks are set up" in ran.said
    assert "[probes.checks]" in ran.said
