import pytest

from assistant.coding.language import dialect_of_request, language_of_request


@pytest.mark.parametrize(
    ("task", "language"),
    [
        ("delete old logs", "bash"),
        ("bash script that restarts the web server", "bash"),
        ("a one-liner that counts 500s", "bash"),
        ("cleanup.sh that removes core dumps", "bash"),
        ("PromQL for the error rate of checkout", "promql"),
        ("prometheus alert for a full disk", "promql"),
        ("a recording rule of requests per service", "promql"),
        ("playbook that installs nginx", "ansible"),
        ("ansible role tasks for users", "ansible"),
        ("deployment yaml for redis", "kubernetes"),
        ("k8s manifest with two replicas", "kubernetes"),
        ("yaml for a cronjob that runs nightly", "kubernetes"),
        ("a NetworkPolicy that denies all ingress", "kubernetes"),
        ("unit file for /opt/app/server", "systemd"),
        ("systemd timer that runs every night", "systemd"),
        ("app.service that restarts on failure", "systemd"),
        ("nginx config for api.example.com", "nginx"),
        ("a server block with TLS", "nginx"),
        ("nginx reverse proxy to port 8080", "nginx"),
        ("SQL: the ten slowest queries", "sql"),
        ("postgres query that finds locks", "sql"),
        ("Python program that parses a log", "python"),
        ("fix parse.py", "python"),
        ("yaml list of hosts", "yaml"),
        # The first words say what is written, the rest what it is about.
        ("bash script that checks an ansible playbook", "bash"),
        ("Write a Python script that runs a SQL query", "python"),
        ("please write a bash script that applies a deployment yaml", "bash"),
        # Words that only look like one.
        ("restart nginx", "bash"),
        ("delete pod logs of mysql", "bash"),
        ("the playbooks.txt", "bash"),
        ("", "bash"),
    ],
)
def test_language_by_the_words_of_the_request(task: str, language: str) -> None:
    assert language_of_request(task) == language


@pytest.mark.parametrize(
    ("task", "dialect"),
    [
        ("SQL: slow queries", "postgres"),
        ("MySQL query for locks", "mysql"),
        ("query for MariaDB", "mysql"),
        ("sqlite statement", "sqlite"),
        ("SQL Server sessions", "tsql"),
        ("my sql query", "postgres"),
    ],
)
def test_dialect_by_the_database_that_is_named(task: str, dialect: str) -> None:
    assert dialect_of_request(task) == dialect
