"""What a report says that code would touch, and its form that changes nothing."""

from collections.abc import Callable

import pytest

from tools.code.report import CodeReport, Language

Check = Callable[[Language, str], CodeReport]

TOUCHES: list[tuple[Language, str, set[str]]] = [
    ("bash", "ls | xargs rm --", {"deletes whatever it is given on standard input"}),
    ("bash", "echo x > /srv/a", {"writes /srv/a"}),
    ("bash", "echo x >> /srv/a 2>/dev/null", {"appends to /srv/a"}),
    ("bash", "d=/srv\nrm -r $d/x", {"deletes /srv/x"}),
    ("bash", "mv a b", {"moves a", "writes b"}),
    ("bash", "chmod 640 /srv/a", {"changes the rights of /srv/a"}),
    ("bash", "systemctl restart nginx.service", {"service nginx.service: restart"}),
    ("bash", "systemctl status nginx", set()),
    ("bash", "kubectl -n shop delete pod a", {"kubernetes, namespace shop: delete pod a"}),
    ("bash", "kubectl get pods", set()),
    ("bash", "curl -fsS https://a.example.com:8443/x", {"host a.example.com:8443"}),
    ("bash", "ssh web1 'touch /x'", {"host web1", "writes /x"}),
    ("bash", "apt-get install -y nginx", {"packages: apt-get install nginx"}),
    ("python", "open('/srv/a', 'w').write('')", {"writes /srv/a"}),
    (
        "python",
        "import subprocess\nsubprocess.run(['ls', '/srv'], check=True)",
        {"runs ls /srv"},
    ),
    ("python", "U = 'https://a.example.com/x'", {"host a.example.com"}),
    ("sql", "UPDATE a SET x = 1 FROM b WHERE a.id = b.id", {"updates a", "reads b"}),
    ("sql", "WITH c AS (SELECT * FROM a) SELECT * FROM c", {"reads a"}),
    ("sql", "DROP TABLE a, b", {"drops a", "drops b"}),
    ("promql", "a / on (x) rate(b[5m])", {"reads a", "reads b"}),
    ("promql", '{job="x"}', {'reads every metric with {job="x"}'}),
    (
        "kubernetes",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\n"
        "spec: {containers: [{name: c, image: 'i:1'}]}\n",
        {"creates or changes Pod a in namespace n", "runs image i:1"},
    ),
    (
        "ansible",
        "- hosts: web\n  tasks:\n    - apt: {name: [a, b]}\n    - service: {name: n, state: "
        "started}\n",
        {"hosts web", "packages: a, b", "service n: started"},
    ),
    (
        "systemd",
        "[Service]\nExecStart=/bin/a\nUser=u\n",
        {"unit code.service", "runs /bin/a", "as user u"},
    ),
    (
        "nginx",
        "server { listen 80; root /srv; location / { proxy_pass http://b:1; } }",
        {"listens on 80", "serves files of /srv", "host b:1"},
    ),
]

DRY_RUNS: list[tuple[Language, str, str]] = [
    ("sql", "SELECT 1", "EXPLAIN SELECT 1;"),
    ("sql", "DELETE FROM a WHERE x = 1;", "BEGIN;\nDELETE FROM a WHERE x = 1;\nROLLBACK;"),
    ("sql", "BEGIN; DROP TABLE a; COMMIT;", "BEGIN;\nDROP TABLE a;\nROLLBACK;"),
    ("sql", "VACUUM a", ""),
    ("sql", "CREATE INDEX CONCURRENTLY i ON a (x)", ""),
    ("sql", "SELECT pg_terminate_backend(1)", ""),
    (
        "sql",
        "WITH g AS (DELETE FROM a WHERE x = 1 RETURNING 1) SELECT 1 FROM g",
        "BEGIN;\nWITH g AS (DELETE FROM a WHERE x = 1 RETURNING 1) SELECT 1 FROM g;\nROLLBACK;",
    ),
    ("ansible", "- hosts: a\n  tasks: []\n", "ansible-playbook --check --diff playbook.yml"),
    ("systemd", "[Service]\nExecStart=/bin/a\n", "systemd-analyze verify ./code.service"),
    ("bash", "ls", ""),
    ("promql", "up", ""),
]


@pytest.mark.parametrize(("language", "code", "touches"), TOUCHES)
def test_what_code_touches_is_told(
    check: Check, language: Language, code: str, touches: set[str]
) -> None:
    assert set(check(language, code).touches) == touches


@pytest.mark.parametrize(("language", "code", "dry_run"), DRY_RUNS)
def test_the_form_that_changes_nothing(
    check: Check, language: Language, code: str, dry_run: str
) -> None:
    assert check(language, code).dry_run == dry_run
