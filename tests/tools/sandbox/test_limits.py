"""What a greedy program gets, and that all of it is gone afterwards."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import Limits, SandboxedProgram, SandboxRun, private_folder, run_sandboxed
from tools.sandbox.program import ProgramLanguage

Run = Callable[..., SandboxRun]
MIB = 1024 * 1024
SMALL = Limits(time_s=20.0, memory_bytes=100 * MIB, processes=30)


def processes_with(mark: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and mark in (process / "cmdline").read_text():
                found.append(int(process.name))
    return found


@pytest.fixture
def mark() -> str:
    """An argument that tells a test's processes from all others."""
    return f"midwatch-{uuid.uuid4().hex}"


@pytest.fixture(params=["control group", "watching"])
def memory_bound(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a control group where one can be made, and without."""
    if request.param == "watching":
        none = lambda _limits: contextlib.nullcontext(None)  # noqa: E731
        monkeypatch.setattr("tools.sandbox.run.control_group", none)


@pytest.mark.usefixtures("memory_bound")
def test_many_processes_that_hold_too_much_together_are_ended(run: Run, mark: str) -> None:
    each = "import time; held = bytearray(30 << 20); time.sleep(100)"
    code = f'for n in 1 2 3 4 5; do python3 -c "{each}" {mark} & done; wait; echo survived'
    ran = run(code, limits=SMALL)
    assert (ran.ended, ran.status, ran.stdout) == ("memory", None, "")
    assert processes_with(mark) == []


@pytest.mark.usefixtures("memory_bound")
def test_one_process_does_not_get_more_than_the_limit(python: Run) -> None:
    ran = python("held = bytearray(150 << 20); print('got it')", limits=SMALL)
    assert ran.stdout == ""
    assert ran.ended == "memory" or "MemoryError" in ran.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import mmap; held = mmap.mmap(-1, 1 << 27); held.write(bytes(1 << 27))",
        "import os; os.memfd_create('a')",
        "import ctypes; assert ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600) >= 0",
    ],
    ids=["shared memory", "a file in memory", "a segment"],
)
@pytest.mark.usefixtures("memory_bound")
def test_memory_cannot_be_had_where_nobody_counts_it(python: Run, code: str) -> None:
    ran = python(code, limits=replace(SMALL, memory_bytes=120 * MIB))
    assert not ran.has_succeeded


def test_files_in_memory_have_a_bound(run: Run) -> None:
    limits = replace(SMALL, scratch_bytes=2 * MIB)
    for place in ("/tmp", "/dev/shm"):
        ran = run(f"head -c 5000000 /dev/zero > {place}/a; stat -c %s {place}/a", limits=limits)
        assert ran.stdout == f"{2 * MIB}\n"


def test_without_a_folder_it_gets_one_in_memory(run: Run, outside: Path) -> None:
    before = sorted(outside.rglob("*"))
    ran = run("echo a > b; ls; head -c 5000000 /dev/zero > c", folder=None, limits=SMALL)
    assert (ran.stdout, ran.changes) == ("b\n", ())
    assert sorted(outside.rglob("*")) == before


def test_a_fork_bomb_ends_with_its_limits(run: Run, mark: str) -> None:
    code = "bomb() { sleep 100 & bomb | bomb & }; bomb; sleep 100"
    ran = run(code, arguments=(mark,), limits=replace(SMALL, time_s=1.5))
    assert ran.ended == "time"
    assert "Resource temporarily unavailable" in ran.stderr
    assert processes_with(mark) == []


def test_the_number_of_processes_is_the_sandboxs_own(run: Run) -> None:
    code = "for n in {1..40}; do sleep 5 & done"
    limits = replace(SMALL, processes=12, time_s=1.0)
    assert "Resource temporarily unavailable" in run(code, limits=limits).stderr
    assert run("for n in {1..8}; do sleep 0 & done; wait", limits=limits).stderr == ""


def test_an_endless_loop_is_ended_in_time(run: Run) -> None:
    ran = run("echo begun; while :; do :; done", limits=Limits(time_s=0.5))
    assert (ran.ended, ran.status, ran.stdout) == ("time", None, "begun\n")


def test_a_process_that_computes_too_long_is_ended(run: Run) -> None:
    ran = run("while :; do :; done", limits=Limits(cpu_s=1, time_s=60.0))
    assert (ran.ended, ran.signal_name) == (None, "SIGKILL")


@pytest.mark.parametrize("stream", ["1", "2"])
def test_endless_output_is_ended_and_its_beginning_kept(run: Run, stream: str) -> None:
    limits = Limits(kept_output_bytes=1000, output_bytes=MIB)
    ran = run(f"yes 123456789 >&{stream}", limits=limits)
    kept = {"1": ran.stdout, "2": ran.stderr}[stream]
    assert ran.ended == "output"
    assert kept == "123456789\n" * 100
    assert ran.stdout_cut_bytes + ran.stderr_cut_bytes > MIB - 1000


def test_much_output_on_both_streams_does_not_block(run: Run) -> None:
    code = "head -c 3000000 /dev/zero | tee /dev/stderr"
    ran = run(code, limits=Limits(kept_output_bytes=10))
    assert ran.has_succeeded
    assert (len(ran.stdout), ran.stdout_cut_bytes, ran.stderr_cut_bytes) == (10, 2999990, 2999990)


def test_output_that_nobody_could_store_is_ended_before_that(run: Run) -> None:
    code = "for n in {1..100}; do head -c 1M /dev/zero > $n; done; sleep 100"
    ran = run(code, limits=replace(SMALL, folder_bytes=20 * MIB))
    assert ran.ended == "folder"
    assert len(ran.changes) > 20


def test_a_folder_with_too_many_entries_is_ended(run: Run) -> None:
    code = "for n in {1..3000}; do : > $n; done; sleep 100"
    assert run(code, limits=replace(SMALL, folder_entries=1000)).ended == "folder"


def test_a_file_has_a_greatest_size(run: Run, folder: Path) -> None:
    run("head -c 9000000 /dev/zero > a", limits=replace(SMALL, file_bytes=MIB))
    assert (folder / "a").stat().st_size == MIB


def test_a_folder_that_is_too_full_already_is_refused(run: Run, folder: Path) -> None:
    (folder / "large").write_bytes(bytes(2 * MIB))
    with pytest.raises(SandboxUnavailable, match="already holds more"):
        run(":", limits=replace(SMALL, folder_bytes=MIB))


@pytest.mark.parametrize(
    "code",
    [
        "sleep 1000 {} & exit 3",
        "setsid sh -c 'sleep 1000; : {}' & exit 3",
        "(setsid sh -c '(trap \"\" TERM HUP INT; sleep 1000; : {}) &' &) ; exit 3",
        "nohup sh -c 'sleep 1000; : {}' >/dev/null 2>&1 </dev/null & disown; exit 3",
    ],
)
def test_what_a_program_leaves_running_is_gone_with_it(run: Run, mark: str, code: str) -> None:
    ran = run(code.format(mark), limits=Limits(time_s=30.0))
    assert (ran.ended, ran.status) == (None, 3)
    assert processes_with(mark) == []


def test_it_can_be_cancelled(run: Run, mark: str) -> None:
    cancel = threading.Event()
    code = "trap '' TERM INT HUP; echo begun; setsid sleep 1000 & sleep 1000; sleep 1000"
    ran = run(code, arguments=(mark,), cancel=cancel, on_output=lambda *_: cancel.set())
    assert (ran.ended, ran.status, ran.stdout) == ("cancelled", None, "begun\n")
    assert processes_with(mark) == []


def test_an_error_in_the_callers_own_code_ends_it(run: Run, mark: str) -> None:
    def fail(_stream: str, _text: str) -> None:
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        run("echo a; sleep 1000", arguments=(mark,), on_output=fail)
    assert processes_with(mark) == []


CALLER = """
import sys
from tools.sandbox import Limits, SandboxedProgram, run_sandboxed
code = "trap '' TERM HUP INT; echo begun; setsid sleep 1000 & while :; do sleep 1; done"
run_sandboxed(
    SandboxedProgram("bash", code, arguments=(sys.argv[1],)),
    Limits(time_s=600.0),
    on_output=lambda _, text: print(text, end="", flush=True),
)
"""


def remove_emptied(group: Path, deadline: float) -> None:
    """Remove a control group; it is busy until the dead in it have been buried."""
    while True:
        try:
            group.rmdir()
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@pytest.mark.usefixtures("sandbox")
def test_when_the_caller_is_killed_nothing_goes_on(mark: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, mark], stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "begun\n"
        assert len(processes_with(mark)) > 1
        caller.send_signal(signal.SIGKILL)
    # The kernel does the rest by itself, and takes a moment.
    deadline = time.monotonic() + 20
    while processes_with(mark) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_with(mark) == []
    # Only its control group stays, and is empty: nobody is there to remove it.
    for group in Path("/sys/fs/cgroup").rglob(f"midwatch-{caller.pid}-*"):
        remove_emptied(group, deadline)


@pytest.mark.usefixtures("sandbox")
def test_a_hundred_runs_leave_nothing_behind(mark: str, outside: Path) -> None:
    def remains() -> tuple[object, ...]:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        return (
            [line for line in mounts if "newroot" in line or outside.name in line],
            sorted(Path("/sys/fs/cgroup").rglob(f"midwatch-{os.getpid()}-*")),
            sorted(outside.iterdir()),
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
        )

    before = remains()
    languages: tuple[ProgramLanguage, ...] = ("bash", "python")
    for number in range(100):
        with private_folder(parent=outside) as folder:
            program = SandboxedProgram(languages[number % 10 == 0], "", folder, (mark,))
            assert run_sandboxed(program, Limits()).status == 0
    assert remains() == before
    assert processes_with(mark) == []
