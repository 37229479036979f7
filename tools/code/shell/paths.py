"""Which paths hurt: folders of the system, of services' data, of configuration, and devices."""

from __future__ import annotations

import posixpath
import re

from tools.code.wordlist import words

_SYSTEM = frozenset(
    words(
        """
    / /bin /boot /dev /etc /home /lib /lib64 /opt /proc /root /run /sbin /srv /sys /usr /var
    /usr/bin /usr/lib /usr/local /usr/local/bin /usr/sbin /usr/share /var/lib /var/log
    /var/spool /var/run /var/backups /etc/ssl /etc/ssh /etc/nginx /etc/systemd
    /etc/kubernetes /mnt /data
    """
    )
)
_HOMES = ("~", "$HOME", "${HOME}")
_DATA = re.compile(r"/var/lib/[^/]+|/home/[^/]+|/etc/[^/]+|/boot/[^/]+|/usr/[^/]+/[^/]+|/opt/[^/]+")
# Block devices; not /dev/null, /dev/stderr, /dev/shm, /dev/tcp.
_DEVICE = re.compile(
    r"/dev/(sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|md\d|dm-\d|mapper/|disk/|mem$|kmem$)"
)
_DROP_IN = re.compile(r"/[^/]+\.d/|/etc/systemd/system/|/etc/(nginx|apache2)/sites-|/etc/opt/")
_HISTORY = re.compile(r"\.(bash|zsh|sh|mysql|psql)_history$|\.histfile$")
_LOG = re.compile(r"^/var/log/|\.log$|^/var/adm/")
_ACCESS = re.compile(
    r"^/etc/(sudoers|passwd|shadow|group|ssh/sshd_config|fstab|hosts)\b|authorized_keys"
)


def normal(path: str) -> str:
    """The path without `..`, doubled or trailing slashes and without a trailing `*`."""
    plain = re.sub(r"/(\.?\*|\.\[!\.\]\*|\{\*,\.\*\})$", "/", path)
    return posixpath.normpath(re.sub(r"/+", "/", plain)) if plain else ""


def is_system_folder(path: str) -> bool:
    """Whether everything in `path` (a trailing `*` counts) belongs to the system or to a home."""
    return normal(path) in _SYSTEM or normal(path) in _HOMES


def is_data_folder(path: str) -> bool:
    """Whether `path` is a whole service's data or a whole home (`/var/lib/mysql`, `/home/x`)."""
    return bool(_DATA.fullmatch(normal(path)))


def is_device(path: str) -> bool:
    """Whether writing to `path` overwrites a disk or memory."""
    return bool(_DEVICE.match(path))


def is_configuration(path: str) -> bool:
    """Whether `path` is a file of /etc that a service reads; drop-in files are new by custom."""
    return path.startswith(("/etc/", "/boot/")) and not _DROP_IN.search(path)


def grants_access(path: str) -> bool:
    """Whether who may log in, or become root, or how the machine starts, is decided there."""
    return bool(_ACCESS.search(path))


def is_history(path: str) -> bool:
    """Whether `path` is what a shell or client remembers."""
    return bool(_HISTORY.search(path))


def is_log(path: str) -> bool:
    """Whether `path` is a log."""
    return bool(_LOG.search(path))
