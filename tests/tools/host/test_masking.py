from __future__ import annotations

import shlex

import pytest

from tools.host.masking import masked_command


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("app --password hunter2 --port 80", "app --password **** --port 80"),
        ("app --password=hunter2 run", "app --password=**** run"),
        ("app --db-pass hunter2", "app --db-pass ****"),
        ("app -token hunter2", "app -token ****"),
        ("app --api-key hunter2 --api_key=hunter2", "app --api-key **** --api_key=****"),
        ("app --password '-hunter2'", "app --password ****"),
        ("app --password --verbose", "app --password --verbose"),
        (
            "java -Dspring.datasource.password=hunter2 -jar a.jar",
            "java -Dspring.datasource.password=**** -jar a.jar",
        ),
        (
            "env PGPASSWORD=hunter2 AWS_SECRET_ACCESS_KEY=hunter2 psql",
            "env PGPASSWORD=**** AWS_SECRET_ACCESS_KEY=**** psql",
        ),
        ("app 'password=my hunter2'", "app password=****"),
        ("app 'host=db password=hunter2 user=bob'", "app host=db password=**** user=bob"),
        (
            """app '{"user": "bob", "password": "hunter2", "n": 1}'""",
            """app {"user": "bob", "password": "****", "n": 1}""",
        ),
        ("app postgres://bob:hunter2@db/shop", "app postgres://bob:****@db/shop"),
        ("app redis://:hunter2@cache:6379/0", "app redis://:****@cache:6379/0"),
        ("app https://0123456789abcdef0123@git.internal/x", "app https://****@git.internal/x"),
        ("curl 'https://a/x?token=hunter2&n=1'", "curl https://a/x?token=****&n=1"),
        (
            "curl -H 'Authorization: Bearer hunter2' https://a",
            "curl -H Authorization: **** https://a",
        ),
        ("curl -H 'X-Api-Key: hunter2' https://a", "curl -H X-Api-Key: **** https://a"),
        ("curl -u bob:hunter2 https://a", "curl -u bob:**** https://a"),
        ("mysql -uroot -phunter2 shop", "mysql -uroot -p**** shop"),
        ("/usr/bin/mysqldump -p hunter2", "/usr/bin/mysqldump -p ****"),
        ("redis-cli -a hunter2 ping", "redis-cli -a **** ping"),
        ("sh -c 'app --password hunter2 --port 80'", "sh -c app --password **** --port 80"),
        ("app ghp_0123456789abcdef0123456789 x", "app **** x"),
        ("app eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "app ****"),
    ],
)
def test_secrets_are_hidden(command: str, shown: str) -> None:
    assert masked_command(shlex.split(command)) == shown


@pytest.mark.parametrize(
    "command",
    [
        "nginx -g 'daemon off;'",
        "python -m app --port 80 --author bob -p 8080",
        "app --password-file /run/secrets/db --tokenizer-path /x",
        "curl -u bob https://a/path?page=2",
        "postgres: checkpointer",
        "java -Xmx4g -jar shop.jar",
        "mysqld --datadir=/var/lib/mysql",
    ],
)
def test_what_is_no_secret_stays(command: str) -> None:
    arguments = shlex.split(command)
    assert masked_command(arguments) == " ".join(arguments)


def test_a_command_line_is_one_line() -> None:
    assert masked_command(["sh", "-c", "a\n  b"]) == "sh -c a b"
    assert masked_command([]) == ""
