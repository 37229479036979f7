"""Limits of the machine: inodes, open files, memory."""

from __future__ import annotations

import os
import random
import resource
import time
from pathlib import Path

from benchmarks.incidents.incident import Evidence, Incident
from benchmarks.incidents.scene import Scene
from benchmarks.incidents.supervised import python_program, supervise
from benchmarks.incidents.visitors import Call, visit

_MEMORY_GROUP = Path("/sys/fs/cgroup/memory/thumbnailer")


def _inodes(scene: Scene) -> None:
    scene.run("mkdir", "-p", "/srv/uploads")
    scene.run(
        *("mount", "-t", "tmpfs", "-o", "size=400m,nr_inodes=3000,mode=777"),
        *("tmpfs", "/srv/uploads"),
    )
    scene.serve("uploads.py", "upload-api", environment={"PORT": "8086"})
    scene.wait(1)
    scene.watch("uploads_free_bytes", lambda: float(_free(os.statvfs("/srv/uploads"))))
    visit(8086, 35, _upload, threads=6)
    scene.wait(95)
    scene.capture("df.txt", "df -h /srv/uploads /srv /var/log")
    scene.capture("df-i.txt", "df -i /srv/uploads /srv /var/log")
    scene.capture("du.txt", "du -sh /srv/uploads/*; du --inodes -s /srv/uploads/*")
    scene.capture("free.txt", "free -m")


def _free(status: os.statvfs_result) -> int:
    return status.f_bavail * status.f_frsize


def _upload(dice: random.Random) -> Call:
    return Call(f"/pictures?name=p{dice.randint(1, 10**6)}.jpg", "POST")


def _open_files(scene: Scene) -> None:
    scene.serve("api.py", "geo", environment={"PORT": "8088"})
    pid = scene.serve(
        "delivery.py",
        "delivery-api",
        environment={"PORT": "8087"},
        before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    ).pid
    scene.watch("delivery_open_files", lambda: float(len(list(Path(f"/proc/{pid}/fd").iterdir()))))
    scene.wait(1)
    visit(8087, 7, lambda dice: Call(f"/quote/{dice.randint(10000, 99999)}"))
    scene.wait(90)
    scene.capture("limits.txt", f"grep -E 'Limit|open files' /proc/{pid}/limits")
    scene.capture("lsof-types.txt", f"lsof -nP -p {pid} | awk '{{print $5}}' | sort | uniq -c")
    scene.capture("lsof-tail.txt", f"lsof -nP -p {pid} | grep TCP | tail -n 15")
    scene.capture("ss-states.txt", "ss -tan | awk '{print $1}' | sort | uniq -c | sort -rn")
    scene.capture("free.txt", "free -m")


def _memory(scene: Scene) -> None:
    if not _MEMORY_GROUP.is_dir():
        _MEMORY_GROUP.mkdir()
    (_MEMORY_GROUP / "memory.limit_in_bytes").write_text("120M")
    supervise(
        scene,
        python_program(scene, "thumbnailer.py", "thumbnailer", PORT="8089"),
        python_program(scene, "api.py", "gallery", PORT="8090"),
    )
    visitors = visit(8089, 20, lambda dice: Call(f"/thumb/{dice.randint(1, 10**6)}"))
    scene.watch("thumbnailer_rss_bytes", lambda: float(_resident(scene)))
    end = time.monotonic() + 130
    while time.monotonic() < end:
        _confine()
        scene.wait(0.5)
    visitors.set()
    scene.capture("supervisorctl-status.txt", "supervisorctl status")
    scene.capture(
        "dmesg.txt",
        "dmesg -T | grep -E 'oom_memcg=/thumbnailer|Memory cgroup out of memory|memory: usage' | "
        "tail -n 12",
    )
    scene.capture(
        "cgroup-memory.txt",
        f"grep . {_MEMORY_GROUP}/memory.{{limit_in_bytes,max_usage_in_bytes,failcnt}}",
    )
    scene.capture("free.txt", "free -m")


def _confine() -> None:
    """Put whichever thumbnailer runs now under its memory limit, as its unit file would."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"thumbnailer.py" in (process / "cmdline").read_bytes():
                (_MEMORY_GROUP / "cgroup.procs").write_text(process.name)
        except OSError:
            continue  # it has ended meanwhile


def _resident(scene: Scene) -> int:
    pid = scene.run("supervisorctl", "pid", "thumbnailer").strip()
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


INCIDENTS = (
    Incident(
        name="inodes",
        kind="diagnosis",
        question='Uploads fail with "No space left on device", but there is plenty of space. Why?',
        how="tmpfs with 3000 inodes; each upload leaves two small files in a cache for ever",
        expected=(
            "The file system /srv/uploads has no free inodes (df -i: 100%), the bytes are not the "
            "limit; the many small files are in /srv/uploads/cache.",
        ),
        patterns=(r"inode",),
        restart="no",
        evidence=(
            Evidence("captures/df-i.txt", r"3000\s+3000\s+0\s+100% /srv/uploads"),
            Evidence("captures/du.txt", r"\d{4}\s+/srv/uploads/cache"),
        ),
        play=_inodes,
        host="media-1",
    ),
    Incident(
        name="open-files",
        kind="diagnosis",
        question="delivery-api stops giving quotes. What is the cause?",
        how="RLIMIT_NOFILE 256; each quote for an island keeps its connection to geo open",
        expected=(
            "delivery-api has used up its 256 file descriptors (too many open files): connections "
            "to geo (port 8088) are never closed.",
        ),
        patterns=(
            r"open files|file descriptors?|descriptors|EMFILE|sockets?",
            r"leak|not closed|never closed|limit|exhaust|256|CLOSE.WAIT|too many",
        ),
        restart="temporary",
        evidence=(
            Evidence("logs/delivery-api.log", r"Too many open files"),
            Evidence("captures/limits.txt", r"Max open files\s+256"),
            Evidence("captures/lsof-tail.txt", r"->127\.0\.0\.1:8088"),
        ),
        play=_open_files,
        host="delivery-1",
    ),
    Incident(
        name="oom-kill",
        kind="diagnosis",
        question="Why does thumbnailer restart again and again?",
        how="a cache without bound in a memory cgroup of 120 MB; the kernel kills it, supervisord "
        "restarts",
        expected=(
            "thumbnailer grows until it hits its memory limit of 120 MB and the kernel's OOM "
            "killer kills it (SIGKILL): its cache of pictures grows without bound.",
        ),
        patterns=(r"oom|out of memory|memory", r"kill|limit|leak|grow|cache"),
        restart="temporary",
        evidence=(
            Evidence("captures/dmesg.txt", r"Memory cgroup out of memory: Killed process"),
            Evidence("logs/supervisord.log", r"exited: thumbnailer \(terminated by SIGKILL"),
            Evidence("logs/thumbnailer.log", r"cache \d+ pictures"),
        ),
        play=_memory,
        host="media-1",
    ),
)
