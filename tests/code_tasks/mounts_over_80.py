"""Which file systems are nearly full."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The file df.txt has the output of "df -P". Print the mount points that are more than 80% full, one
per line, the fullest first.
"""


def setup(place: Place) -> None:
    place.write(
        "df.txt",
        "Filesystem         1024-blocks     Used Available Capacity Mounted on\n"
        "/dev/sda1             51474912 41179930   7653208      85% /\n"
        "tmpfs                  8142340        0   8142340       0% /dev/shm\n"
        "/dev/sdb1            103081248 82464998  15353002      80% /var/lib/docker\n"
        "/dev/sdc1             10255636 10255636         0     100% /var/log\n"
        "nas:/export/home    1048576000 9437184  1039138816      9% /home\n"
        "/dev/sdd1             20511312 18255068   1191348      94% /srv",
    )


def check(after: Outcome) -> None:
    after.said(["/var/log", "/srv", "/"])


REFERENCE = """
awk 'NR > 1 { use = $5; sub(/%/, "", use); if (use + 0 > 80) print use, $6 }' df.txt |
  sort -rn | cut -d' ' -f2-
"""

WRONG = (
    "awk '{if ($5 > 80) print $6}' df.txt",
    "df -P | awk 'NR>1 && $5+0 > 80 {print $5+0, $6}' | sort -rn | awk '{print $2}'",
    "awk 'NR>1 && $5+0 >= 80 {print $5+0, $6}' df.txt | sort -rn | awk '{print $2}'",
)
