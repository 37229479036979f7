"""What listens to the whole world."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
ss.txt has the output of "ss -ltn". Print the port numbers that are listened on for all addresses
(local address 0.0.0.0, [::] or *), each once, in ascending order, one per line. Ports that only
listen on a certain address such as 127.0.0.1 are left out.
"""


def setup(place: Place) -> None:
    place.write(
        "ss.txt",
        "State   Recv-Q  Send-Q   Local Address:Port    Peer Address:Port Process\n"
        "LISTEN  0       128            0.0.0.0:22           0.0.0.0:*\n"
        "LISTEN  0       511                  *:8080               *:*\n"
        "LISTEN  0       244          127.0.0.1:5432         0.0.0.0:*\n"
        "LISTEN  0       128               [::]:22              [::]:*\n"
        "LISTEN  0       511              [::1]:6379            [::]:*\n"
        "LISTEN  0       70        192.168.10.0:9100         0.0.0.0:*\n"
        "LISTEN  0       4096              [::]:443             [::]:*\n"
        "LISTEN  0       4096    127.0.0.53%lo:53           0.0.0.0:*\n",
    )


def check(after: Outcome) -> None:
    after.said(["22", "443", "8080"])


REFERENCE = """
awk '$1 == "LISTEN" && $4 ~ /^(0\\.0\\.0\\.0|\\[::\\]|\\*):/ {
       sub(/.*:/, "", $4)
       print $4
     }' ss.txt | sort -nu
"""

WRONG = (
    "grep -E '0.0.0.0|\\[::\\]|\\*' ss.txt | awk '{print $4}' | sed 's/.*://' | sort -nu",
    "awk '$4 ~ /^(0.0.0.0|\\[::\\]|\\*):/ {split($4, a, \":\"); print a[2]}' ss.txt | sort -nu",
)
