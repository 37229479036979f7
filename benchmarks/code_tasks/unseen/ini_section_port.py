"""A value that is there once per section."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
In app.ini change the port of the [admin] section to 9443. Other sections have a port too, which
must stay as it is. Keep the original as app.ini.bak.
"""

_BEFORE = """; the shop
[web]
host = 0.0.0.0
port = 8080

[admin]
host = 127.0.0.1
# port = 1 would need root
port_range = 9000-9100
port = 8081
user = ops

[metrics]
port = 9100
path = /metrics
"""


def setup(place: Place) -> None:
    place.write("app.ini", _BEFORE)


def check(after: Outcome) -> None:
    assert after.read("app.ini.bak") == _BEFORE, "app.ini.bak is not the original"
    lines = [
        "port = 9443" if re.fullmatch(r"\s*port\s*=\s*9443\s*", line) else line
        for line in after.read_lines("app.ini")
    ]
    expected = _BEFORE.replace("port = 8081", "port = 9443").splitlines()
    assert lines == expected, f"app.ini has {lines}"


REFERENCE = r"""
cp app.ini app.ini.bak
sed -E -i '/^\[admin\]/,/^\[/ s/^(port[[:space:]]*=[[:space:]]*).*/\19443/' app.ini
"""

WRONG = (
    "cp app.ini app.ini.bak; sed -i 's/^port = .*/port = 9443/' app.ini",
    "cp app.ini app.ini.bak; sed -i '/admin/,/metrics/ s/port.*/port = 9443/' app.ini",
    "cp app.ini app.ini.bak; sed -i '/^\\[admin\\]/,$ s/^port = .*/port = 9443/' app.ini",
    "sed -i '/^\\[admin\\]/,/^$/ s/^port = .*/port = 9443/' app.ini; cp app.ini app.ini.bak",
    "sed -i '/^\\[admin\\]/,/^$/ s/^port = .*/port = 9443/' app.ini",
    "cp app.ini app.ini.bak; sed -i '/^\\[admin\\]/a port = 9443' app.ini",
    'cp app.ini app.ini.bak; awk \'/^\\[/ { s = $1 } s == "[admin]" && $1 == "port" '
    "{ $3 = 9443 } { print }' app.ini",
)
