import pytest

from tools.logs.signs.lifecycle import (
    is_part_of_life,
    names_crash,
    names_giving_up,
    names_start,
    names_starting_up,
)


@pytest.mark.parametrize(
    "message",
    [
        "exited: reports (terminated by SIGKILL; not expected)",
        "app.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED",
        "app.service: Failed with result 'exit-code'.",
        "process finished with exit code 137",
        "gave up: reports entered FATAL state, too many start retries too quickly",
        "Back-off restarting failed container api in pod api-7f",
        "worker 3 died, starting another",
        "child 812 exited on signal 11 (core dumped)",
    ],
)
def test_words_of_a_crash(message: str) -> None:
    assert names_crash(message)


@pytest.mark.parametrize(
    "message",
    [
        "worker process 27 exited with code 0",
        "exited: backup (exit status 0; expected)",
        "stopped: api (terminated by SIGTERM)",
        "connection exited the pool after 12 s",
    ],
)
def test_words_of_an_orderly_end(message: str) -> None:
    assert not names_crash(message)


@pytest.mark.parametrize(
    "message",
    [
        "listening on 127.0.0.1:8080",
        "Starting gunicorn 27.0.1",
        "supervisord started with pid 22",
        "orders-api 5.2.0, environment production",
        "Server initialized",
        "database system is ready to accept connections",
        "starting",
        "msg=starting version=2.9.0 port=8084",
        "nginx/1.22.1",
    ],
)
def test_words_of_a_start(message: str) -> None:
    assert names_start(message)


@pytest.mark.parametrize(
    "message",
    [
        "job started",
        "GET /api/v1.2/items 200",
        "HTTP/1.1 200 OK",
        "compaction of the store begins",
        "request 17 started",
        "10.0.0.1 - - GET /",
    ],
)
def test_words_of_no_start(message: str) -> None:
    assert not names_start(message)


@pytest.mark.parametrize("message", ["shutting down", "giving up", "could not start the listener"])
def test_words_of_giving_up(message: str) -> None:
    assert names_giving_up(message)
    assert not names_giving_up(f"previous {message.split()[-1]} of the pod")


@pytest.mark.parametrize("message", ["the database system is starting up", "pool not yet ready"])
def test_words_that_explain_themselves(message: str) -> None:
    assert names_starting_up(message)


def test_what_is_part_of_life_is_no_news() -> None:
    assert is_part_of_life("spawned: 'api' with pid 12")
    assert is_part_of_life("signal 17 (SIGCHLD) received from 27")
    assert not is_part_of_life("taking the write lock")
