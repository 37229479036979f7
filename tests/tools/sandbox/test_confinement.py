"""What a hostile program cannot see, reach or change: each is really tried."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pty
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import Limits, SandboxedProgram, SandboxRun, private_folder, run_sandboxed
from tools.sandbox.confinement import check_writable, confined

Run = Callable[..., SandboxRun]
NOBODY = 65534


@pytest.mark.parametrize(
    "path",
    [
        "/new",
        "/etc/new",
        "/etc/passwd",
        "/usr/new",
        "/usr/bin/env",
        "/bin/new",
        "/dev/new",
        "/dev/null/new",
        "/program",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/1/root/new",
        "../new",
        "/sandbox/../new",
    ],
)
def test_nothing_can_be_written_but_the_folder(run: Run, outside: Path, path: str) -> None:
    before = sorted(outside.iterdir())
    ran = run(f"{{ echo x >> {path}; }} 2>/dev/null && echo written; touch here")
    assert ran.stdout == ""
    assert [change.path for change in ran.changes] == ["here"]
    assert sorted(outside.iterdir()) == before


def test_the_places_in_memory_can_be_written_and_are_empty_each_time(run: Run) -> None:
    code = "ls -A /tmp /dev/shm; touch /tmp/a /dev/shm/a && echo written"
    for _ in range(2):
        assert run(code).stdout == "/dev/shm:\n\n/tmp:\nwritten\n"


@pytest.mark.parametrize(
    "path",
    [
        "/root",
        "/home",
        "/run",
        "/var",
        "/sys",
        "/boot",
        "/mnt",
        "/opt",
        "/srv",
        "/etc/shadow",
        "/etc/ssl/private",
        "/etc/machine-id",
        "/etc/hostname",
        "/root/.ssh",
        "/var/run/docker.sock",
    ],
)
def test_what_is_no_program_is_not_there(run: Run, path: str) -> None:
    assert run(f"ls -d {path}").status == 2


@pytest.mark.parametrize("before", ["", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/../../.."])
def test_a_file_of_the_host_cannot_be_read(run: Run, outside: Path, before: str) -> None:
    assert (outside / "secret").exists()
    assert run(f"cat {before}{outside}/secret").stdout == ""


def test_a_link_out_of_the_folder_leads_nowhere(run: Run, folder: Path, outside: Path) -> None:
    (folder / "link").symlink_to(outside / "secret")
    (folder / "up").symlink_to("..")
    ran = run("cat link up/secret; echo x > link; ls up/; ln -s /root away")
    assert "secret" not in ran.stdout
    assert (outside / "secret").read_text() == "the secret\n"
    assert [change.path for change in ran.changes] == ["away"]


def test_what_is_given_can_be_read_under_its_name_and_not_written(run: Run, outside: Path) -> None:
    (outside / "secret").chmod(0o666)
    code = f"cat {outside}/secret; echo x >> {outside}/secret; ls {outside}"
    ran = run(code, readable=(outside / "secret",))
    assert ran.stdout == "the secret\nsecret\n"
    assert (outside / "secret").read_text() == "the secret\n"


@pytest.mark.parametrize(
    "path", ["/", "/proc", "/sys/kernel", "/run", "/run/../run", "/var/run/user", "~", "~/.."]
)
def test_a_path_that_shows_too_much_is_refused(path: str) -> None:
    program = SandboxedProgram("bash", ":", readable=(Path(path).expanduser(),))
    with pytest.raises(SandboxUnavailable, match="cannot be given"):
        confined(program, Limits(), lambda _: 9)


@pytest.mark.parametrize(
    "path",
    ["/", "/etc", "/etc/ssl", "/usr/share", "/lib", "/var", "/tmp", "~", "~/..", "/run/a"],
)
def test_no_program_is_let_loose_on_the_system_or_a_home(path: str) -> None:
    with pytest.raises(SandboxUnavailable, match="may write in"):
        check_writable(Path(path).expanduser())


def test_nor_through_a_link(folder: Path, outside: Path, run: Run) -> None:
    (outside / "link").symlink_to("/etc")
    with pytest.raises(SandboxUnavailable, match="may write in"):
        run(":", folder=outside / "link")
    check_writable(folder)


def test_a_link_to_a_path_that_shows_too_much_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/run")
    program = SandboxedProgram("bash", ":", readable=(tmp_path / "link",))
    with pytest.raises(SandboxUnavailable, match="cannot be given"):
        confined(program, Limits(), lambda _: 9)


def test_a_path_that_is_not_there_is_said_before_anything_runs(run: Run, outside: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="does not exist"):
        run("touch x", readable=(outside / "none",))


def test_no_token_of_the_callers_environment_is_anywhere(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "a-token-of-ours")
    ran = run("env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'")
    assert "a-token-of-ours" not in ran.stdout
    assert "HOME=/sandbox\n" in ran.stdout


def test_no_descriptor_of_the_caller_is_inherited(run: Run, outside: Path) -> None:
    with (outside / "secret").open() as secret:
        os.set_inheritable(secret.fileno(), True)
        ran = run("ls -l /proc/*/fd; cat /proc/*/fd/[3-9]* < /dev/null")
    assert "pipe:" in ran.stdout
    assert "secret" not in ran.stdout


def test_there_is_no_capability_and_no_new_privilege(run: Run) -> None:
    lines = run("cat /proc/self/status").stdout.splitlines()
    found = dict(line.split(":\t", 1) for line in lines)
    assert {found[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert found["NoNewPrivs"] == "1"


def test_outside_a_program_of_root_is_nobodys(run: Run, folder: Path) -> None:
    owners: list[int] = []
    run("touch new; echo x", on_output=lambda *_: owners.append((folder / "new").stat().st_uid))
    assert owners == [NOBODY if os.geteuid() == 0 else os.geteuid()]
    assert (folder / "new").stat().st_uid == os.geteuid()


@pytest.mark.parametrize(
    "attempt",
    [
        "mknod disk b 254 0",
        "mknod /tmp/mem c 1 1",
        "ln /usr/bin/env linked",
        "ln /program linked",
        "chown 0 . ",
        "unshare --user true",
        "unshare --mount true",
        "mount -t tmpfs none /sandbox",
        "mount -o remount,rw /usr",
        "umount /proc/sys",
        "chroot . /bin/true",
        "su -c true",
        "nsenter --target 1 --mount true",
        "hostname other",
        "dmesg",
        "renice -n -5 $$",
        "ulimit -u 10000",
        "ulimit -n 100000",
    ],
)
def test_an_attempt_to_get_more_fails(run: Run, attempt: str) -> None:
    ran = run(f"{attempt} < /dev/null && echo managed")
    assert "managed" not in ran.stdout
    assert "command not found" not in ran.stderr


def test_only_its_own_places_are_mounted_for_writing(run: Run) -> None:
    mounts = [line.split() for line in run("cat /proc/self/mounts").stdout.splitlines()]
    writable = {place for _, place, _, options, *_ in mounts if "rw" in options.split(",")}
    devices = {"null", "zero", "full", "random", "urandom", "tty", "pts", "shm"}
    assert writable == {"/proc", "/tmp", "/sandbox", *(f"/dev/{name}" for name in devices)}


def test_there_is_no_further_user_namespace_to_be_had(python: Run) -> None:
    new_user_namespace, child_signal = 0x10000000, 17
    numbers = {"x86_64": 56, "aarch64": 220}
    clone = numbers[os.uname().machine]
    ran = python(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        f"child = libc.syscall({clone}, {new_user_namespace | child_signal}, 0, 0, 0, 0)\n"
        "print(child, flush=True)\n"
        "os._exit(0)\n"
    )
    assert ran.stdout == "-1\n"


def test_a_program_cannot_leave_a_setuid_file(run: Run, folder: Path) -> None:
    ran = run("cp /usr/bin/env own; chmod 6755 own; stat -c %a own")
    assert ran.stdout == "6755\n"
    assert stat.S_IMODE((folder / "own").stat().st_mode) == 0o755


def test_nor_when_the_caller_fails_meanwhile(run: Run, folder: Path) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        run("cp /usr/bin/env own; chmod 6755 own; echo done", on_output=fail)
    assert stat.S_IMODE((folder / "own").stat().st_mode) == 0o755
    assert (folder / "own").stat().st_uid == os.geteuid()


def test_processes_outside_can_be_neither_seen_nor_signalled_nor_traced(python: Run) -> None:
    ran = python(
        "import ctypes, os, sys\n"
        "pid = int(sys.argv[1])\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(os.path.exists(f'/proc/{pid}'), libc.kill(pid, 9), ctypes.get_errno())\n"
        "print(libc.ptrace(16, pid, 0, 0), ctypes.get_errno())\n"
        "print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit())[-1] < 20)\n",
        arguments=(str(os.getpid()),),
    )
    assert ran.stdout == "False -1 3\n-1 3\nTrue\n"


def test_killing_everything_ends_only_the_program_itself(run: Run) -> None:
    ran = run("sleep 100 & kill -9 -1; kill -9 0")
    assert ran.signal_name == "SIGKILL"
    assert ran.ended is None


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


CONNECT = (
    "import socket, sys\n"
    "socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=5).close()\n"
    "print('connected')\n"
)


def test_there_is_no_network(python: Run, server: socket.socket) -> None:
    port = str(server.getsockname()[1])
    assert "Connection refused" in python(CONNECT, arguments=(port,)).stderr
    away = python("import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)")
    assert "Network is unreachable" in away.stderr


def test_with_network_the_hosts_loopback_is_reached(python: Run, server: socket.socket) -> None:
    ran = python(CONNECT, arguments=(str(server.getsockname()[1]),), has_network=True)
    assert ran.stdout == "connected\n"


def test_abstract_sockets_of_the_host_are_out_of_reach(python: Run) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0midwatch-{os.getpid()}")
        listening.listen()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect('\\0midwatch-{os.getpid()}')"
        assert "Connection refused" in python(code).stderr


def test_a_key_of_the_callers_session_cannot_be_read(python: Run) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    add_key, keyctl, session_keyring = 248, 250, -3
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers of the calls are those of x86_64")
    context = multiprocessing.get_context("fork")

    def with_key() -> None:
        libc.syscall(keyctl, 1, None)
        key = libc.syscall(add_key, b"user", b"midwatch", b"our key", 7, session_keyring)
        assert key > 0
        ran = python(
            "import ctypes\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            f"key = libc.syscall({keyctl}, 10, {session_keyring}, b'user', b'midwatch', 0)\n"
            "text = ctypes.create_string_buffer(20)\n"
            f"print(libc.syscall({keyctl}, 11, key, text, 20), text.value)\n"
        )
        assert ran.stdout == "-1 b''\n"

    child = context.Process(target=with_key)
    child.start()
    child.join(20)
    assert child.exitcode == 0


def _in_a_terminal(act: Callable[[], object]) -> str:
    """What a child that has a terminal, and `act`s, writes to it."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    text = b""
    try:
        while data := os.read(terminal, 4096):
            text += data
    except OSError:
        # The terminal's other end is gone.
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return text.decode()


def test_nothing_can_be_typed_into_the_callers_terminal(python: Run) -> None:
    code = (
        "import fcntl, termios\n"
        "for name in ('/dev/tty', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2'):\n"
        "    try:\n"
        "        fcntl.ioctl(open(name), termios.TIOCSTI, b'x')\n"
        "        print('typed')\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
    )
    text = _in_a_terminal(lambda: os.write(1, python(code).stdout.encode()))
    assert len(text.split("\r\n")) >= 4
    assert "typed" not in text


def test_nothing_can_be_typed_into_a_terminal_of_its_own_either(python: Run) -> None:
    ran = python(
        "import fcntl, os, termios\n"
        "os.setsid()\n"
        "terminal, other = os.openpty()\n"
        "fcntl.ioctl(other, termios.TIOCSCTTY)\n"
        "fcntl.ioctl(other, termios.TIOCSTI, b'x')\n"
    )
    assert "Operation not permitted" in ran.stderr
    assert "TIOCSTI" in ran.stderr


def _as_nobody(act: Callable[[], str], answer: int) -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.write(answer, act().encode())


@pytest.mark.usefixtures("sandbox")
def test_an_ordinary_user_has_the_same_sandbox() -> None:
    if os.geteuid() != 0:
        pytest.skip("every other test has shown it")

    def act() -> str:
        with private_folder(parent=Path(tempfile.gettempdir())) as folder:
            ran = run_sandboxed(
                SandboxedProgram("bash", "id -u; mkdir a; touch a/b; chmod 0 a", folder), Limits()
            )
            return f"{ran.stdout}{[change.path for change in ran.changes]}{folder.stat().st_uid}"

    reader, writer = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_as_nobody, args=(act, writer))
    child.start()
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == f"1000\n['a', 'a/b']{NOBODY}"
    child.join(20)
    assert child.exitcode == 0
