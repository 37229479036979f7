"""The filter, carried out here as the kernel does it; `test_confinement` has it in the kernel."""

from __future__ import annotations

import struct
import termios

import pytest

from tools.sandbox.seccomp import seccomp_filter

X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOWED, REFUSED = 0x7FFF0000, 0x00050001
X32 = 0x40000000


def carry_out(program: bytes, architecture: int, number: int, second_argument: int = 0) -> int:
    """What the kernel answers to a call: linux/seccomp.h says how `data` looks."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, 0, second_argument, 0, 0, 0, 0)
    steps = list(struct.iter_unpack("<HBBI", program))
    place, loaded = 0, 0
    while True:
        code, if_true, if_false, operand = steps[place]
        place += 1
        if code == 0x06:
            return int(operand)
        if code == 0x20:
            [loaded] = struct.unpack_from("<I", data, operand)
        elif code == 0x15:
            place += if_true if loaded == operand else if_false
        elif code == 0x35:
            place += if_true if loaded >= operand else if_false
        else:
            pytest.fail(f"unknown instruction {code:x}")


@pytest.mark.parametrize(
    ("machine", "architecture", "number", "argument", "expected"),
    [
        ("x86_64", X86, 0, 0, ALLOWED),  # read
        ("x86_64", X86, 59, 0, ALLOWED),  # execve
        ("x86_64", X86, 250, 0, REFUSED),  # keyctl
        ("x86_64", X86, 176, 0, REFUSED),  # delete_module, the last of the table
        ("x86_64", X86, 248, 0, REFUSED),  # add_key, the first
        ("x86_64", X86, 16, 0x5401, ALLOWED),  # ioctl TCGETS
        ("x86_64", X86, 16, termios.TIOCSTI, REFUSED),
        ("x86_64", X86, 16, 0xFFFFFFFF00000000 | termios.TIOCSTI, REFUSED),
        ("x86_64", X86, 16, 0x541C, REFUSED),
        ("x86_64", X86, 17, termios.TIOCSTI, ALLOWED),  # pread64
        ("x86_64", X86, X32 | 250, 0, REFUSED),
        ("x86_64", X86, X32, 0, REFUSED),
        ("x86_64", I386, 288, 0, REFUSED),  # keyctl of another architecture
        ("aarch64", ARM, 219, 0, REFUSED),  # keyctl
        ("aarch64", ARM, 63, 0, ALLOWED),  # read
        ("aarch64", ARM, 29, termios.TIOCSTI, REFUSED),
        ("aarch64", ARM, 29, 0x5401, ALLOWED),
        ("aarch64", X86, 0, 0, REFUSED),
    ],
)
def test_a_call_is_allowed_or_refused(
    machine: str, architecture: int, number: int, argument: int, expected: int
) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    assert carry_out(program, architecture, number, argument) == expected


def test_where_the_numbers_are_not_known_there_is_no_filter() -> None:
    assert seccomp_filter("riscv64") is None
