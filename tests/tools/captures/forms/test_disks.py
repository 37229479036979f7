import pytest

from tools.captures import parse

HEALTHY = """Filesystem      Size  Used Avail Use% Mounted on
udev            7.8G     0  7.8G   0% /dev
tmpfs           1.6G  2.1M  1.6G   1% /run
/dev/sda1        50G   20G   28G  42% /
/dev/loop3       64M   64M     0 100% /snap/core20/1974
/dev/sdz1       4.0G  4.0G     0 100% /media/stick
"""
SHARES = """Filesystem     Type  Size  Used Avail Use% Mounted on
/dev/sda1      ext4   50G   20G   28G  42% /
/dev/sdb1      ext4   40G   40G     0 100% /var
/dev/sdc1      xfs    20G   19G  1.2G  95% /srv/my data
"""
PORTABLE = """Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/vda1         41152736 40910000    242736     100% /
"""
INODES = """Filesystem      Inodes   IUsed   IFree IUse% Mounted on
/dev/sda1      3276800 3276800       0  100% /
tmpfs          2020654      18 2020636    1% /run
"""
WRAPPED = """Filesystem            Size  Used Avail Use% Mounted on
/dev/mapper/a-very-long-volume-group-name-root
                       40G   39G  1.0G  98% /var/lib/docker
"""
GERMAN = """Dateisystem    Groesse Benutzt Verf. Verw% Eingehaengt auf
/dev/sda1          50G     50G     0  100% /
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEALTHY, []),
        (
            SHARES,
            [(3, "/var is 100 % full: 0 bytes of 40G free"), (4, "/srv/my data is 95 % full")],
        ),
        (PORTABLE, [(2, "/ is 100 % full: 0.2G of 39.2G free")]),
        (INODES, [(2, "/ has used 100 % of its inodes (0 of 3276800 left)")]),
        (WRAPPED, [(2, "/var/lib/docker is 98 % full: 1.0G of 40G free")]),
        (GERMAN, [(2, "/ is 100 % full: 0 bytes of 50G free")]),
    ],
)
def test_full_disks_are_found(text: str, expected: list[tuple[int, str]]) -> None:
    found = parse(text)
    assert [
        (one.line, one.note[: len(note)]) for one, (_, note) in zip(found, expected, strict=True)
    ] == expected
    assert all(one.text in text for one in found)


def test_a_wrapped_row_is_quoted_whole() -> None:
    (found,) = parse(WRAPPED)
    assert found.text.startswith("/dev/mapper/")
    assert found.text.endswith("/var/lib/docker")


def test_nearly_full_is_less_suspicious_than_full() -> None:
    rows = "Filesystem Size Used Avail Use% Mounted on\n" + "".join(
        f"/dev/sd{n} 40G 1G {free} {share}% /{n}\n"
        for n, share, free in (("a", 91, "4G"), ("b", 96, "2G"), ("c", 100, "0"))
    )
    assert [one.note[:2] for one in parse(rows)] == ["/c", "/b", "/a"]
    assert parse(rows)[0].suspicion >= 0.9
    assert parse(rows)[2].suspicion < 0.7


def test_much_space_is_left_on_a_large_disk() -> None:
    (found,) = parse(
        "Filesystem Size Used Avail Use% Mounted on\n/dev/sda 20T 18T 1.9T 91% /data\n"
    )
    assert found.suspicion < 0.4


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("/dev/sda1 on / type ext4 (ro,relatime,errors=remount-ro)", True),
        ("/dev/sda1 on / type ext4 (rw,relatime,errors=remount-ro)", False),
        ("/dev/loop0 on /snap/core/1 type ext4 (ro,nodev)", False),
        ("proc on /proc type proc (ro)", False),
    ],
)
def test_data_on_a_read_only_disk(line: str, is_wrong: bool) -> None:
    assert bool(parse(line)) is is_wrong
