"""What is in the way of a sandbox, and what a person can do about it."""

from __future__ import annotations

import shutil

from tools.errors import SandboxUnavailable

_INSTALL = (
    "Install it: `apt install bubblewrap` (Debian, Ubuntu) or `dnf install bubblewrap` (Fedora, "
    "Red Hat)."
)
_ALLOW = (
    "Allow them: `sysctl user.max_user_namespaces` must not be 0, on Debian "
    "`kernel.unprivileged_userns_clone` must be 1, on Ubuntu bwrap needs an AppArmor profile with "
    "`userns`. In a container they have to be allowed outside of it."
)
_NO_NAMESPACE = (
    "creating new namespace",
    "new namespace failed",
    "user namespace",
    "max_user_namespaces",
    "uid map",
    "gid map",
    "RTM_NEWADDR",
    "Can't mount proc",
    "Failed to make / slave",
)


def find_bubblewrap() -> str:
    """The path of bwrap; raises SandboxUnavailable where it is not installed."""
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxUnavailable("There is no sandbox: bubblewrap is not installed.", _INSTALL)
    return found


def explained(complaint: str) -> SandboxUnavailable:
    """The error for what bubblewrap said when it could not confine a program."""
    said = complaint.strip().rpartition("\n")[2].removeprefix("bwrap: ") or "nothing"
    message = f"There is no sandbox: bubblewrap said “{said}”."
    if "Unknown option" in said:
        return SandboxUnavailable(message, "Version 0.8 or newer is needed.")
    if "Can't find source path" in said and "Permission denied" in said:
        return SandboxUnavailable(
            message,
            "The program does not run as root: each folder above that one must be passable for "
            "every user.",
        )
    if any(sign.lower() in said.lower() for sign in _NO_NAMESPACE):
        return SandboxUnavailable(message, f"User namespaces seem to be forbidden. {_ALLOW}")
    return SandboxUnavailable(message, "Try the same with `bwrap` on the command line.")
