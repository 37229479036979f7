import pytest

from tools.captures import parse

UPTIME = " 14:01:54 up 41 days,  9:27,  1 user,  load average: 0.43, 0.74, 0.94\n"
TOP = """top - 14:01:56 up  9:27,  0 user,  load average: 0.43, 0.74, 0.94
Tasks: 172 total,   1 running, 171 sleeping,   0 stopped,   0 zombie
%Cpu(s):  8.0 us,  2.0 sy,  0.0 ni, 89.0 id,  1.0 wa,  0.0 hi,  0.0 si,  0.0 st
MiB Mem :  24105.6 total,  15651.0 free,   5876.2 used,   2955.1 buff/cache
MiB Swap:   2048.0 total,   2048.0 free,      0.0 used.  18229.4 avail Mem

    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND
      1 root      20   0  166000  11000   8000 S   0.0   0.1   0:01.00 systemd
"""
PS = """USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root         1  0.0  0.1 166000 11000 ?        Ss   Jan01   0:01 /sbin/init
shop        71  3.0  2.5 900000 90000 ?        Sl   Jan01   9:01 /opt/shop/cart --port 80
"""
VMSTAT = """procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----
 r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st
 1  0      0 159560  53029 530292    0    0     8     9  847 2248  9  5 85  1  0
"""
IOSTAT = """Device            r/s     w/s     rkB/s     wkB/s  await  %util
sda              1.20    3.40     20.00     40.00   0.90   2.10
"""


@pytest.mark.parametrize("text", [UPTIME, TOP, PS, VMSTAT, IOSTAT])
def test_a_quiet_machine_is_no_finding(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("text", "old", "new", "note"),
    [
        (UPTIME, "up 41 days,  9:27", "up 3 min", "the machine started 3 min before"),
        (UPTIME, "0.43,", "93.10,", "93.10 processes run or wait"),
        (TOP, "89.0 id,  1.0 wa", "20.0 id, 70.0 wa", "70 % of the processor time waits for"),
        (TOP, "89.0 id", " 0.3 id", "the processors are busy: 0.3 % idle"),
        (TOP, "0.0 st", "35.0 st", "35 % of the processor time goes to other virtual"),
        (TOP, "18229.4 avail", "  229.4 avail", "1 % of the memory is available"),
        (TOP, "0 zombie", "120 zombie", "120 ended processes"),
        (PS, " 3.0  2.5", " 3.0 81.5", "process 71 uses 81.5 % of the memory"),
        (PS, " 3.0  2.5", "99.9  2.5", "process 71 uses 99.9 % of a processor"),
        (VMSTAT, "85  1  0\n", "15 71  0\n", "71 % of the processor time waits for disks"),
        (VMSTAT, "    0    0     8", " 9000 9000     8", "memory is swapped in and out"),
        (IOSTAT, "  2.10", " 99.80", "disk sda is busy 99.80 % of the time"),
    ],
)
def test_a_busy_machine(text: str, old: str, new: str, note: str) -> None:
    assert old in text
    (found,) = parse(text.replace(old, new))
    assert found.note.startswith(note)


def test_processes_that_wait_for_a_disk() -> None:
    rows = "".join(f"shop  {n}  0.0  0.1  9  9  ?  D  Jan01  0:01 cp\n" for n in range(200, 204))
    (found,) = parse(PS + rows)
    assert found.note.startswith("4 processes wait for a disk")
