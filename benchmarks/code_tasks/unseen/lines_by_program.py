"""Which program writes most of a syslog."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Something is spamming syslog.txt. Count its lines per program (the name in front of [pid]: or of
the colon, without the pid), busiest first.
"""

_COUNTS = {"postfix/smtpd": 6, "sshd": 5, "kernel": 4, "systemd-resolved": 2, "CRON": 1}


def setup(place: Place) -> None:
    place.write(
        "syslog.txt",
        "Mar  9 23:59:58 web1 kernel: eth0: link up\n"
        "Mar  9 23:59:59 web1 sshd[812]: Accepted publickey for root\n"
        "Mar 10 00:00:01 web1 CRON[901]: (root) CMD (run-parts /etc/cron.daily)\n"
        "Mar 10 00:00:02 web1 postfix/smtpd[77]: connect from unknown[10.0.0.9]\n"
        "Mar 10 00:00:02 web1 postfix/smtpd[77]: disconnect from unknown[10.0.0.9]\n"
        "Mar 10 00:00:03 web1 postfix/smtpd[78]: connect from unknown[10.0.0.9]\n"
        "Mar 10 00:00:04 web1 sshd[813]: error: kex: Connection closed\n"
        "Mar 10 00:00:04 web1 sshd[814]: error: kex: Connection closed\n"
        "Mar 10 00:00:05 web1 kernel: sshd[814]: segfault at 0\n"
        "Mar 10 00:00:06 web1 systemd-resolved[300]: Using degraded feature set\n"
        "Mar 10 00:00:07 web1 postfix/smtpd[78]: lost connection\n"
        "Mar 10 00:00:07 web1 postfix/smtpd[79]: lost connection\n"
        "Mar 10 00:00:08 web1 kernel: Out of memory: killed process 812 (sshd)\n"
        "Mar 10 00:00:09 web1 systemd-resolved[300]: Grace period over\n"
        "Mar 10 00:00:09 web1 postfix/smtpd[79]: connect from unknown[10.0.0.9]\n"
        "Mar 10 00:00:10 web1 sshd[815]: Server listening on 0.0.0.0 port 22.\n"
        "Mar 10 00:00:11 web1 sshd[815]: Received signal 15; terminating.\n"
        "Mar 10 00:00:12 web1 kernel: eth0: link down\n",
    )


def check(after: Outcome) -> None:
    found = []
    for line in after.lines:
        for name in _COUNTS:
            rest = re.sub(rf"(?<![\w/-]){re.escape(name)}(?![\w/\[-])", " ", line)
            if rest != line:
                found.append((name, [int(number) for number in re.findall(r"\d+", rest)]))
    expected = [(name, [count]) for name, count in _COUNTS.items()]
    assert found == expected, f"it found {found}"


REFERENCE = r"""
awk '{ name = $5; sub(/(\[[0-9]+\])?:$/, "", name); count[name]++ }
     END { for (name in count) print count[name], name }' syslog.txt | sort -rn
"""

WRONG = (
    "awk '{print $5}' syslog.txt | sort | uniq -c | sort -rn",
    r"cut -d' ' -f5 syslog.txt | sed 's/\[.*//; s/:$//' | sort | uniq -c | sort -rn",
    r"grep -oE '[a-zA-Z-]+(\[[0-9]+\])?:' syslog.txt | tr -d ':0-9[]' | sort | uniq -c | sort -rn",
    r"awk '{print $5}' syslog.txt | sed 's/\[.*//; s/:$//' | sort | uniq -c | sort -n",
)
