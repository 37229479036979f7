"""Python with a defect that must be pointed out, and right programs that must be left alone."""

from collections.abc import Callable

import pytest

from tools.code.report import CodeReport, Language

Check = Callable[[Language, str], CodeReport]

DEFECTS = [
    ("syntax", "def f(:\n    pass\n"),
    ("syntax", "return 1\n"),
    ("F821", "print(undefined_name)\n"),
    ("F823", "x = 1\ndef f():\n    print(x)\n    x = 2\n"),
    ("whatever path is", "import shutil, sys\npath = sys.argv[1]\nshutil.rmtree(path)\n"),
    ("deletes /etc/nginx", "import shutil\nshutil.rmtree('/etc/nginx')\n"),
    ("values put into its code", "import os, sys\nos.system(f'ping -c1 {sys.argv[1]}')\n"),
    (
        "values put into its code",
        "import subprocess as sp\ndef run(h):\n    return sp.run('ssh ' + h + ' uptime', "
        "shell=True, check=True)\n",
    ),
    ("removes every firewall rule", "from os import system\nsystem('iptables -F')\n"),
    (
        "with all that is in it",
        "import subprocess\nsubprocess.run(['kubectl', 'delete', 'ns', 'prod'], check=True)\n",
    ),
    (
        "nothing checks it",
        "import subprocess, sys\nd = sys.argv[1]\nsubprocess.run(['rm', '-rf', d], check=True)\n",
    ),
    ("as Python code", "import sys\nprint(eval(sys.argv[1]))\n"),
    ("code the data carries", "import pickle, sys\nprint(pickle.load(sys.stdin.buffer))\n"),
    (
        "whatever object",
        "import yaml\nwith open('x') as f:\n    print(yaml.load(f, Loader=yaml.Loader))\n",
    ),
    (
        "does not check who answers",
        "import requests\nprint(requests.get('https://a', verify=False, timeout=3).ok)\n",
    ),
    ("S113", "import requests\nprint(requests.get('https://a').ok)\n"),
    (
        "puts values into the text of SQL",
        "def f(cur, name):\n    cur.execute(f\"SELECT * FROM users WHERE name = '{name}'\")\n",
    ),
    (
        "puts values into the text of SQL",
        "def f(cur, name):\n    q = 'SELECT * FROM users WHERE name = %s' % name\n    "
        "cur.execute(q)\n",
    ),
    ("deletes every row", "def f(cur):\n    cur.execute('DELETE FROM sessions')\n"),
    ("nothing keeps what was there", "with open('/etc/hosts', 'w') as f:\n    f.write('')\n"),
    ("lets every user", "import os\nos.chmod('/srv/x', 0o777)\n"),
    (
        "ends a process at once",
        "import os, signal\ndef f(pid):\n    os.kill(pid, signal.SIGKILL)\n",
    ),
    ("stands in the code", "DB_PASSWORD = 'hunter2'\nprint(len(DB_PASSWORD))\n"),
    ("empties the whole store", "def f(client):\n    client.flushall()\n"),
    ("busy-loop", "def f():\n    while True:\n        print(1)\n"),
    ("E722", "try:\n    print(1)\nexcept:\n    print(2)\n"),
    ("B006", "def f(a=[]):\n    a.append(1)\n    return a\n"),
    ("PLW1510", "import subprocess\nsubprocess.run(['true'])\n"),
]

CORRECT = {
    "health": """import sys
import time
import urllib.request


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait(url: str, tries: int = 30) -> bool:
    for _ in range(tries):
        if is_healthy(url):
            return True
        time.sleep(1)
    return False


if __name__ == "__main__":
    sys.exit(0 if wait(sys.argv[1]) else 1)
""",
    "errors by host": """import collections
import pathlib
import re

PATTERN = re.compile(r"^(?P<host>\\S+) .* ERROR ")


def count(path: pathlib.Path) -> collections.Counter[str]:
    found: collections.Counter[str] = collections.Counter()
    with path.open(errors="replace") as lines:
        for line in lines:
            if match := PATTERN.match(line):
                found[match["host"]] += 1
    return found


for host, number in count(pathlib.Path("/var/log/app/app.log")).most_common(10):
    print(f"{host}\\t{number}")
""",
    "restart": """import subprocess
import sys


def restart(service: str) -> None:
    subprocess.run(["systemctl", "restart", service], check=True, timeout=60)


restart(sys.argv[1])
""",
    "query": """import os

import psycopg


def slow_queries(limit: int) -> list[tuple[int, str]]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT pid, query FROM pg_stat_activity WHERE state <> %s LIMIT %s", ("idle", limit)
        )
        return list(rows)


print(slow_queries(10))
""",
    "temporary": """import shutil
import tempfile

folder = tempfile.mkdtemp()
try:
    print(folder)
finally:
    shutil.rmtree(folder)
""",
    "request": """import os

import requests


def post(text: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['API_TOKEN']}"}
    answer = requests.post(
        "https://hooks.example.com/alert", json={"text": text}, headers=headers, timeout=10
    )
    answer.raise_for_status()


post("disk is full")
""",
    "gentle": """import os
import signal
import time


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    for _ in range(10):
        time.sleep(1)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
    os.kill(pid, signal.SIGKILL)
""",
    "report": """import csv
import json
import pathlib


def rows(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


pathlib.Path("report.json").write_text(json.dumps(rows(pathlib.Path("report.csv")), indent=2))
""",
    "disk": """import shutil

usage = shutil.disk_usage("/")
percent = 100 * usage.used / usage.total
print(f"{percent:.1f}% used")
if percent > 90:
    raise SystemExit(1)
""",
    "old files": """import pathlib
import time

LIMIT_S = 14 * 86400
folder = pathlib.Path("/srv/app/cache")
for path in folder.glob("*.tmp"):
    if time.time() - path.stat().st_mtime > LIMIT_S:
        path.unlink()
""",
    "watch": """import time


def watch(read, interval_s=5.0):
    while True:
        print(read())
        time.sleep(interval_s)
""",
}


@pytest.mark.parametrize(("expected", "code"), DEFECTS)
def test_defects_are_pointed_out(
    check: Check, points_out: Callable[[CodeReport, str], bool], expected: str, code: str
) -> None:
    report = check("python", code)
    assert points_out(report, expected), report


@pytest.mark.parametrize("code", CORRECT.values(), ids=CORRECT)
def test_right_programs_raise_no_alarm(check: Check, code: str) -> None:
    report = check("python", code)
    assert not report.dangers
    assert not [problem for problem in report.problems if problem.severity != "info"]
    assert report.not_checked == ()
