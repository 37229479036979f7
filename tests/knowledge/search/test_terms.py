from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.search.terms import STOP_WORDS, split_humps, stem, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("KubePodCrashLooping", "kub pod crash loop kubepodcrashloop"),
        ("etcdInsufficientMembers", "etcd insufficient member etcdinsufficientmember"),
        ("ORA-01555", "ora 01555 ora01555"),
        ("HEALTH_WARN", "health warn healthwarn"),
        ("nf_conntrack", "nf conntrack nfconntrack"),
        ("E11000 duplicate key", "e11000 duplicat key"),
        ("0x80070005", "0x80070005"),
        ("etcdserver: request timed out", "etcdserver request tim"),
        ("HTTP/2", "http 2"),
        ("v1.27.3", "v1 27 3 v1273"),
        ("cert-manager.io/v1", "cert manager io certmanagerio v1"),
        ("--max-connections=100", "max connect maxconnect 100"),
        ("OOMKilled", "oom kil oomkil"),
        ("HTTPServerError", "http server error httpservererror"),
        ("the VMs use IPv6, and PVCs do not", "vm ipv6 pvc"),
        ("don't, can\u2019t, won't; the pod's", "pod"),
        ("how do I get my own", ""),
        ('"NOT" (near) *', "near"),
        ("", ""),
        (" \n\t", ""),
        ("--- ... _ -> 🚒", ""),
    ],
)
def test_text_is_cut_as_operations_people_write_it(text: str, terms: str) -> None:
    assert " ".join(terms_of(text)) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("naïve Größe STRASSE Straße", "naiv gross strass strass"),
        ("e\u0301tat état", "etat etat"),
        ("İstanbul", "istanbul"),
        ("\ufb01le \u2167 \u00bd", "fil viii 1 2"),
        ("\u7bc0\u70b9\u6545\u969c 한국", "\u7bc0\u70b9\u6545\u969c 한국"),
        ("узлы недоступны", "узлы недоступны"),
        ("full\u00a0width \uff21\uff22\uff23", "ful width abc"),
        ("nul\x00byte \ud800", "nul byt"),
    ],
)
def test_letters_of_any_script_meet_their_other_spellings(text: str, terms: str) -> None:
    assert " ".join(terms_of(text)) == terms


@pytest.mark.parametrize(
    "forms",
    [
        "process processes processing processed",
        "policy policies",
        "retry retries retried retrying",
        "stop stops stopped stopping",
        "evict evicted evicting eviction evictions",
        "node nodes",
        "queue queues queued queueing",
        "certificate certificates",
        "create creates created creating creation",
        "cancel canceled cancelled",
        "kill kills killed killing",
        "exceed exceeds exceeded exceeding",
        "apply applies applied applying",
        "scale scales scaled scaling",
        "partition partitions partitioned",
        "access accesses accessed",
        "status statuses",
        "cpu cpus",
        "vm vms",
    ],
)
def test_forms_of_a_word_are_one_term(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "words",
    [
        "app apply apple",
        "access acces acces2",
        "redis red",
        "status stat",
        "ping pin",
        "session sess",
        "pull pulp",
        "string strong",
    ],
)
def test_other_words_stay_apart(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == len(words.split())


def test_a_stem_is_never_empty_and_never_very_long() -> None:
    assert all(stem(word) for word in ("s", "es", "ed", "ing", "ies", "ll", "e", "ion"))
    assert len(terms_of("x1" * 5_000)[0]) == 64


def test_a_word_is_found_whole_and_by_its_parts() -> None:
    assert {*terms_of("pod crash looping")} < {*terms_of("KubePodCrashLooping")}
    assert {*terms_of("kubepodcrashlooping")} < {*terms_of("KubePodCrashLooping")}
    assert {*terms_of("conntrack")} < {*terms_of("nf_conntrack")}


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("KubePodCrashLooping", "Kube Pod Crash Looping"),
        ("HTTPServer2xxRate", "HTTP Server2xx Rate"),
        ("PVCs", "PVCs"),
        ("IPv6Only", "IPv6 Only"),
        ("etcd", "etcd"),
        ("SCREAMING", "SCREAMING"),
    ],
)
def test_humps(word: str, words: str) -> None:
    assert split_humps(word) == words


def test_stop_words_are_no_terms() -> None:
    assert terms_of(" ".join(sorted(STOP_WORDS))) == []


def test_a_large_text_is_cut_like_a_small_one() -> None:
    line = "2026-03-01T10:00:00Z ERROR KubePodCrashLooping nf_conntrack: table full naïve\n"
    assert terms_of(line * 1_300) == terms_of(line) * 1_300


@given(st.text())
def test_terms_of_any_text_are_words_that_the_keyword_index_can_hold(text: str) -> None:
    for term in terms_of(text):
        assert term.isalnum()
        assert term == term.lower()
        assert 0 < len(term) <= 64
