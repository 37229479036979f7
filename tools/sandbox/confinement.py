"""What a sandboxed program sees of the machine, in the words of bubblewrap.

    /usr, /bin, /lib…   the system's programs, read-only
    /etc                names, certificates and the linker's cache: single files, nothing else
    /proc, /dev         of its own; no disks, no terminal
    /tmp, /dev/shm      empty, in memory, of bounded size
    /program            the code, read-only
    /sandbox            the folder that it may write
    what it was given   read-only, under its own path

Everything else is not there: no home, no /run, /var or /sys, no socket of a daemon or an agent. The
program has all namespaces of its own, no capability and no way to make a further user namespace,
and some system calls are refused (`seccomp`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.errors import SandboxUnavailable
from tools.sandbox.program import Limits, ProgramLanguage, SandboxedProgram
from tools.sandbox.seccomp import seccomp_filter

HOME = "/sandbox"
PROGRAM = "/program"
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
# Not the host's uid: what the program owns looks like an ordinary user's inside.
INNER_ID = 1000

_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    "alternatives",
    "crypto-policies",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "pki/ca-trust/extracted",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
)
_ETC_WITH_NETWORK = ("gai.conf", "resolv.conf")
_ETC_FILES = {
    "passwd": (
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        f"sandbox:x:{INNER_ID}:{INNER_ID}:sandbox:{HOME}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "group": f"root:x:0:\nsandbox:x:{INNER_ID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
}
# Where sockets of daemons live: a socket can be spoken to through a read-only mount.
_NEVER_READABLE = ("/proc", "/sys", "/dev", "/run", "/var/run", HOME, PROGRAM)
# What the system itself needs, beside every folder directly below the root.
_NEVER_WRITABLE = ("/usr", "/etc", "/boot", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_PROGRAMS: dict[ProgramLanguage, str] = {"bash": "bash", "python": "python3"}

# Makes a descriptor, open until the program has started, that holds these bytes.
DataDescriptor = Callable[[bytes], int]


def confined(program: SandboxedProgram, limits: Limits, data: DataDescriptor) -> list[str]:
    """The arguments of bubblewrap, up to and without the command.

    Raises SandboxUnavailable for a path that a program must not be given.
    """
    return [
        *_isolation(program),
        *_filter(data),
        *_system(),
        *_etc(program, data),
        *_own_places(limits),
        *("--perms", "0444", "--ro-bind-data", str(data(program.code.encode())), PROGRAM),
        *_writable(program, limits),
        *_given(program),
        *("--remount-ro", "/"),
        *_environment(),
    ]


def command(program: SandboxedProgram) -> list[str]:
    """The interpreter, the code and its arguments, as the sandbox sees them."""
    return [str(interpreter(program.language)), PROGRAM, *program.arguments]


def interpreter(language: ProgramLanguage) -> Path:
    """The interpreter of `language`: the system's, else for Python the one that runs this.

    Raises SandboxUnavailable when there is none.
    """
    found = shutil.which(_PROGRAMS[language], path=SEARCH_PATH)
    if found:
        return Path(found)
    if language == "python":
        return Path(sys.base_prefix, "bin", "python3")
    raise SandboxUnavailable(f"There is no {_PROGRAMS[language]} on this machine.", "Install it.")


def _isolation(program: SandboxedProgram) -> list[str]:
    return [
        "--unshare-all",
        "--unshare-user",
        "--disable-userns",
        *(["--share-net"] if program.has_network else []),
        *("--uid", str(INNER_ID), "--gid", str(INNER_ID), "--hostname", "sandbox"),
        *("--cap-drop", "ALL"),
        # Without a terminal of its own it cannot type into the person's (TIOCSTI).
        "--new-session",
        "--die-with-parent",
    ]


def _filter(data: DataDescriptor) -> list[str]:
    found = seccomp_filter()
    return [] if found is None else ["--seccomp", str(data(found))]


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


def _etc(program: SandboxedProgram, data: DataDescriptor) -> Iterator[str]:
    for name in (*_ETC, *(_ETC_WITH_NETWORK if program.has_network else ())):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for name, text in _ETC_FILES.items():
        yield from ("--perms", "0444", "--ro-bind-data", str(data(text.encode())), f"/etc/{name}")


def _own_places(limits: Limits) -> list[str]:
    size = str(limits.scratch_bytes)
    scratch = ("--perms", "1777", "--size", size, "--tmpfs")
    return [
        *("--proc", "/proc"),
        *("--dev", "/dev", "--remount-ro", "/dev"),
        *(*scratch, "/dev/shm"),
        *(*scratch, "/tmp"),
    ]


def _writable(program: SandboxedProgram, limits: Limits) -> list[str]:
    if program.folder is None:
        return ["--perms", "0700", "--size", str(limits.scratch_bytes), "--tmpfs", HOME]
    return ["--bind", str(program.folder.resolve()), HOME]


def _given(program: SandboxedProgram) -> Iterator[str]:
    readable = [Path(os.path.normpath(path.absolute())) for path in program.readable]
    own_python = Path(sys.base_prefix)
    if program.language == "python" and interpreter("python").is_relative_to(own_python):
        readable.append(own_python)
    for path in readable:
        if not path.is_relative_to("/usr"):
            yield from ("--ro-bind", str(_allowed(path)), str(path))


def check_writable(folder: Path) -> None:
    """Raises SandboxUnavailable for a folder that no program may be let loose on."""
    resolved = folder.resolve()
    is_systems = any(resolved.is_relative_to(no) for no in _NEVER_WRITABLE)
    if is_systems or resolved.parent == Path("/") or _is_too_much(resolved):
        raise SandboxUnavailable(
            f"No program may write in {folder}.", "Give it a folder of its own, with copies."
        )


def _is_too_much(path: Path) -> bool:
    is_around_home = Path.home().is_relative_to(path)
    return is_around_home or any(path.is_relative_to(no) for no in _NEVER_READABLE)


def _allowed(path: Path) -> Path:
    """The resolved path; raises SandboxUnavailable where it would show more than evidence."""
    resolved = path.resolve()
    if _is_too_much(path) or _is_too_much(resolved):
        raise SandboxUnavailable(
            f"{path} cannot be given to a sandboxed program.",
            "Give it the files that it needs, or copies of them.",
        )
    if not resolved.exists():
        raise SandboxUnavailable(f"{path} does not exist.")
    return resolved


def _environment() -> Iterator[str]:
    yield "--clearenv"
    variables = {
        "PATH": SEARCH_PATH,
        "HOME": HOME,
        "USER": "sandbox",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for name, value in variables.items():
        yield from ("--setenv", name, value)
    yield from ("--chdir", HOME)
