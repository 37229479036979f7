"""Who is trying passwords."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
In auth.log find the IP addresses with at least 3 failed SSH password logins ("Failed password for
... from IP port ...", also for invalid users). Print "IP count" per line, the most first.
"""

_HEAD = "Mar  1 02:0{n}:00 host sshd[{n}]: "


def setup(place: Place) -> None:
    messages = [
        *["Failed password for root from 203.0.113.9 port 4{n} ssh2"] * 4,
        *["Failed password for invalid user from from 198.51.100.7 port 5{n} ssh2"] * 3,
        "Accepted password for ann from 192.0.2.4 port 70 ssh2",
        *["Failed password for ann from 192.0.2.4 port 7{n} ssh2"] * 2,
        "Failed publickey for ann from 192.0.2.4 port 79 ssh2",
        *["Connection closed by 203.0.113.200 port 8{n} [preauth]"] * 5,
    ]
    lines = [(_HEAD + message).format(n=n % 10) for n, message in enumerate(messages)]
    place.write("auth.log", "\n".join(lines))


def check(after: Outcome) -> None:
    after.said(["203.0.113.9 4", "198.51.100.7 3"])


REFERENCE = """
grep 'Failed password for' auth.log | sed -E 's/.* from ([0-9a-fA-F.:]+) port [0-9]+.*/\\1/' |
  sort | uniq -c | awk '$1 >= 3 { print $2, $1 }' | sort -k2,2 -rn
"""

WRONG = (
    """
grep 'Failed password' auth.log |
  awk '{print $11}' |
  sort |
  uniq -c |
  awk '$1 >= 3 {print $2, $1}' |
  sort -k2 -rn
""",
    """
grep -i failed auth.log |
  grep -oE '([0-9]+\\.){3}[0-9]+' |
  sort |
  uniq -c |
  awk '$1 >= 3 {print $2, $1}' |
  sort -k2 -rn
""",
)
