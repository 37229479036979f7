"""The system calls that a sandboxed program does not get: a filter for the kernel (seccomp).

Namespaces do not separate everything. The keys of the caller's session (Kerberos tickets, passwords
of network drives) are inherited; memory that is in no process and in no file cannot be counted; and
some calls are of no use to a script and have a history of faults. All else is allowed.

The filter is a program of the classic Berkeley Packet Filter over `struct seccomp_data`
(linux/seccomp.h): instructions of a 16-bit code, two 8-bit jumps and a 32-bit operand.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import termios

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_NUMBER_AT, _ARCHITECTURE_AT, _SECOND_ARGUMENT_AT = 0, 4, 24
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
# From here on the numbers of x86_64 are those of another interface to the same calls (x32).
_OTHER_INTERFACE = 0x40000000

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Numbers on x86_64 and aarch64 (asm/unistd.h).
_REFUSED = {
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_by_handle_at": (304, 265),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
}
_IOCTL = (16, 29)
# Types into the terminal that the program is run from.
_REFUSED_REQUESTS = (termios.TIOCSTI, 0x541C)  # 0x541C: TIOCLINUX


def seccomp_filter(machine: str = "") -> bytes | None:
    """The filter for this machine, as bubblewrap takes it; None where the numbers are not known."""
    machine = machine or os.uname().machine
    if machine not in _ARCHITECTURES or sys.byteorder != "little":
        return None
    place = list(_ARCHITECTURES).index(machine)
    # Each of these refuses or goes on with the next.
    checks = [
        _instruction(_LOAD_WORD, _ARCHITECTURE_AT),
        _instruction(_JUMP_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _instruction(_RETURN, _REFUSE),
        _instruction(_LOAD_WORD, _NUMBER_AT),
        *_refused_if(_JUMP_AT_LEAST, _OTHER_INTERFACE),
    ]
    for numbers in _REFUSED.values():
        checks += _refused_if(_JUMP_EQUAL, numbers[place])
    requests = [_instruction(_LOAD_WORD, _SECOND_ARGUMENT_AT)]
    for request in _REFUSED_REQUESTS:
        requests += _refused_if(_JUMP_EQUAL, request)
    skip = _instruction(_JUMP_EQUAL, _IOCTL[place], 0, len(requests))
    return b"".join([*checks, skip, *requests, _instruction(_RETURN, _ALLOW)])


def _refused_if(jump: int, operand: int) -> list[bytes]:
    return [_instruction(jump, operand, 0, 1), _instruction(_RETURN, _REFUSE)]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, operand)
