"""Who takes the bandwidth."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Sum the bytes sent per client IP in access.log (common log format; the size is the last field and
may be "-"). Print the 3 IPs with the most bytes, the largest first, as "IP bytes".
"""


def setup(place: Place) -> None:
    sizes = {
        "10.1.1.1": ("500000", "500001", "-"),
        "10.1.1.11": ("900000", "7", "304"),
        "10.1.1.2": ("3000000",),
        "10.1.1.3": ("-", "-"),
        "10.1.1.4": ("999999",),
    }
    lines = [
        f'{ip} - - [01/Mar/2026:10:00:00 +0000] "GET /file HTTP/1.1" 200 {size}'
        for ip, all_of_ip in sizes.items()
        for size in all_of_ip
    ]
    place.write("access.log", "\n".join(lines[::-1]))


def check(after: Outcome) -> None:
    after.said(["10.1.1.2 3000000", "10.1.1.1 1000001", "10.1.1.4 999999"])


REFERENCE = """
awk '$NF != "-" { sum[$1] += $NF }
     END { for (ip in sum) printf "%s %d\\n", ip, sum[ip] }' access.log |
  sort -k2,2 -rn | head -n 3
"""

WRONG = (
    "awk '{s[$1] += $10} END {for (i in s) print i, s[i]}' access.log | sort -k2 -r | head -3",
    "awk '{print $1, $NF}' access.log | sort -k2 -rn | head -n 3",
)
