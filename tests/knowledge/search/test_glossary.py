from __future__ import annotations

import re
from importlib.resources import files

import pytest

from knowledge.search.glossary import other_words, products_of
from knowledge.search.terms import STOP_WORDS, stem


def lines_of(name: str) -> list[str]:
    text = (files("knowledge.search") / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def entries() -> dict[str, list[str]]:
    pairs = (line.split(" = ") for line in lines_of("glossary.txt"))
    return {word: others.split(", ") for word, others in pairs}


def product_names() -> list[str]:
    text = " ".join(lines_of("products.txt"))
    return [name for name in re.split(r"[\s=,]+", text) if name != "-"]


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("the box hangs", "node stuck"),
        ("VM is unreachable", "virtual machine down connect"),
        ("two hosts, one host", "node"),
        ("pods OOMKilled", "container memory killed"),
        ("cert-manager", "certificate"),
        ("lb: load balancer", ""),
        ("the disk's full", "volume storage space"),
        ("nothing of the kind", ""),
        ("", ""),
        ("🚒 ... naïve", ""),
    ],
)
def test_other_words_for_what_is_said(text: str, others: str) -> None:
    assert " ".join(other_words(text)) == others


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("mysql: deadlock found", "mysql"),
        ("MySQL 8 on MariaDB", "mysql"),
        ("the InnoDB log", "mysql"),
        ("ORA-01555 snapshot too old", "oracle"),
        ("sql server tempdb", "sqlserver"),
        ("node.js and Node JS", "nodejs"),
        ("let's encrypt", "letsencrypt"),
        ("Active Directory", "activedirectory"),
        ("Apache Kafka", "kafka"),
        ("hyper-v host", "hyperv"),
        ("OpenShift on GitLab", "gitlab openshift"),
        ("redis-master-0 in aws_prod", "aws redis"),
        ("AWS's S3", "aws"),
        ("KubePodCrashLooping", "kubernetes"),
        ("etcdMembersDown", "etcd"),
        ("a CronJob failed", "kubernetes"),
        ("Störung bei PostgreSQL", "postgresql"),
    ],
)
def test_products_are_known_by_all_their_names(text: str, products: str) -> None:
    assert " ".join(sorted(products_of(text))) == products


@pytest.mark.parametrize(
    "text",
    [
        "the vector of the change and the exchange of keys",
        "how large is the blast radius",
        "I am here, or a name node is",
        "silence it for the maintenance windows",
        "NAT gateway drops packets",
        "net.ipv4.ip_local_port_range",
        "the pg is stuck in peering",
        "see https://github.com/some/page and http://redis.io",
        "etcdserver said so",
        "",
        " ... 🚒",
    ],
)
def test_everyday_words_and_addresses_are_no_products(text: str) -> None:
    assert products_of(text) == frozenset()


def test_a_large_text_names_its_products() -> None:
    assert products_of("2026-03-01 ERROR haproxy: backend has no server\n" * 2_000) == {"haproxy"}


def test_glossary_is_well_formed_and_sorted() -> None:
    lines = lines_of("glossary.txt")
    assert all(re.fullmatch(r"[a-z0-9]+ = [a-z0-9]+(, [a-z0-9]+)*", line) for line in lines)
    assert list(entries()) == sorted(entries())
    assert len(entries()) == len(lines)


def test_other_words_of_a_word_are_other_words() -> None:
    for word, others in entries().items():
        assert len({stem(other) for other in others}) == len(others), word
        assert stem(word) not in map(stem, others), word
        assert STOP_WORDS.isdisjoint([word, *others]), word


def test_products_are_well_formed_and_each_name_is_of_one_product() -> None:
    entry = re.compile(r"(?:[a-z][a-z0-9]+|-)(?:=[a-z][a-z0-9]+(?:,[a-z][a-z0-9]+)*)?")
    assert all(entry.fullmatch(one) for line in lines_of("products.txt") for one in line.split())
    assert len(product_names()) == len(set(product_names()))


def test_every_product_is_found_by_each_of_its_names() -> None:
    for one in " ".join(lines_of("products.txt")).split():
        first, _, others = one.partition("=")
        expected = frozenset({first} - {"-"})
        for name in (first, *filter(None, others.split(","))):
            assert products_of(name) == expected, name
