from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.coding.promql.grammar import query_grammar
from assistant.coding.promql.intent import read_intent
from assistant.coding.promql.names import metrics_for
from assistant.engine.gbnf import check
from tests.assistant.coding.promql.queries import queries_of


def allowed(question: str) -> set[str]:
    grammar = query_grammar(read_intent(question, metrics_for(question)))
    check(grammar)
    return queries_of(grammar)


@pytest.mark.parametrize(
    ("question", "query"),
    [
        # Gauges.
        ("node_load1 above 8", "node_load1 > 8"),
        ("highest node_load1 above 8", "max(node_load1) > 8"),
        ("highest node_load1{instance} per instance", "max by (instance) (node_load1)"),
        ("average node_load1 over the last 30 minutes", "avg_over_time(node_load1[30m])"),
        ("replica_lag_seconds over 3 minutes", "replica_lag_seconds > 180"),
        ("offset_seconds beyond 50 ms in either direction", "abs(offset_seconds) > 0.05"),
        ("queue_depth that grew in the last 15 minutes", "delta(queue_depth[15m]) > 0"),
        ("leader_id changed more than twice in an hour", "changes(leader_id[1h]) > 2"),
        ("top 3 of queue_depth", "topk(3, queue_depth)"),
        ("queue_depth is missing", "absent(queue_depth)"),
        ("queue_depth absent for 10 minutes", "absent_over_time(queue_depth[10m])"),
        (
            "disk_free_bytes will run out within 4 hours, by the last 2 hours",
            "predict_linear(disk_free_bytes[2h], 4 * 3600) < 0",
        ),
        # States.
        ("db_replication_running is not successful", "db_replication_running == 0"),
        ("number of up targets that are down per job", "count by (job) (up == 0)"),
        ("more than 5 targets down, the number of up", "count(up == 0) > 5"),
        ("up down for more than 5 minutes", "max_over_time(up[5m]) == 0"),
        ("percentage of up that is down, above 20", "(1 - avg(up)) * 100 > 20"),
        # Counters.
        ("errors_total per second", "rate(errors_total[5m])"),
        ("errors_total more than 3 times in the last hour", "increase(errors_total[1h]) > 3"),
        ("how many errors_total in the past day", "sum(increase(errors_total[1d]))"),
        ("no samples_total at all for 10 minutes", "rate(samples_total[10m]) == 0"),
        (
            "p99 of request_seconds_bucket by route above 2s",
            "histogram_quantile(0.99, sum by (le, route) (rate(request_seconds_bucket[5m]))) > 2",
        ),
        # Moments.
        (
            "backup_timestamp_seconds older than 26 hours",
            "time() - backup_timestamp_seconds > 26 * 3600",
        ),
        ("cert_expiry that expires within 7 days", "cert_expiry - time() < 7 * 86400"),
        (
            "boot_time_seconds rebooted in the last 10 minutes ago",
            "time() - boot_time_seconds < 600",
        ),
        # Two metrics.
        (
            "requests_failed_total as share of requests_total above 5%",
            "sum(rate(requests_failed_total[5m])) / sum(rate(requests_total[5m])) > 0.05",
        ),
        ("open_fds above 80% of max_fds", "open_fds > max_fds * 0.8"),
        (
            "used_bytes{pod} as percentage of limit_bytes{pod}, matched on pod, above 90",
            "used_bytes / on(pod) limit_bytes * 100 > 90",
        ),
    ],
)
def test_the_words_leave_one_query(question: str, query: str) -> None:
    assert allowed(question) == {query}


@pytest.mark.parametrize(
    ("question", "query"),
    [
        (
            "5xx of http_requests_total{code} per second",
            'rate(http_requests_total{code=~"5.."}[5m])',
        ),
        ("depth of the orders queue queue_depth{queue}", 'queue_depth{queue="orders"}'),
        (
            "process_restarts{job} of api, web or db that changed in 5 minutes",
            'changes(process_restarts{job=~"api|web|db"}[5m])',
        ),
        (
            "connections{state} by state, but not idle",
            'sum by (state) (connections{state!="idle"})',
        ),
        ("replicas_ready differs from replicas_wanted", "replicas_ready != replicas_wanted"),
        (
            "lag_seconds above 9, only where is_replica is set, match on instance",
            "(lag_seconds > 9) and on(instance) (is_replica == 1)",
        ),
    ],
)
def test_the_model_may_choose_the_right_one(question: str, query: str) -> None:
    queries = allowed(question)
    assert query in queries
    assert len(queries) > 1


WORDS = """
a_total b_seconds{job,code} up{job='x'} c_timestamp_seconds d_bucket{le} e_count above 5 below 10%
over 5 minutes in the last hour per job by code not down highest average how many number of share of
as percent only where changed grew will run out missing top 3 p95 match on job expires ago within 2
days 5xx a, b or c either direction twice " \\ } { ) ( ] [ 'x'
"""
QUESTIONS = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=14).map(" ".join)


@given(QUESTIONS)
def test_whatever_is_asked_the_grammar_can_be_used_and_its_queries_parse(question: str) -> None:
    metrics = metrics_for(question)
    grammar = query_grammar(read_intent(question, metrics))
    check(grammar)
    if metrics:
        for query in sorted(queries_of(grammar))[:20]:
            promql_parser.parse(query)


@pytest.mark.parametrize(
    ("question", "query"),
    [
        # What the metric is called, and what it does, is no value of a label.
        (
            "restarts_total{pod} more than 3 times by pods in an hour",
            "sum by (pod) (increase(restarts_total[1h])) > 3",
        ),
        ("cpu_seconds_total{mode,instance} usage per second", "rate(cpu_seconds_total[5m])"),
        ("consumer_lag{group} that grew in the last hour", "delta(consumer_lag[1h]) > 0"),
        # Two are added up alike.
        (
            "used_bytes{pod} in percent of limit_bytes{pod} above 90 by pod",
            "sum by (pod) (used_bytes) / sum by (pod) (limit_bytes) * 100 > 90",
        ),
    ],
)
def test_a_word_that_is_no_value_makes_no_matcher(question: str, query: str) -> None:
    assert allowed(question) == {query}


def test_without_a_name_any_metric_will_do() -> None:
    grammar = query_grammar(read_intent("cpu usage per pod above 90%", ()))
    check(grammar)
    assert "free" in grammar.splitlines()[0]
    assert "by (pod)" in grammar.splitlines()[0]
