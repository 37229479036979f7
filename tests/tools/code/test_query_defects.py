"""SQL and PromQL with a defect that must be pointed out, and right ones that must be left alone."""

from collections.abc import Callable

import pytest

from tools.code.report import CodeReport, Language

Check = Callable[[Language, str], CodeReport]

SQL_DEFECTS = [
    ("syntax", "SELEC * FROM orders"),
    ("syntax", "SELECT id name total FROM orders"),
    ("syntax", "SELECT count(* FROM orders"),
    ("syntax", "INSERT INTO a (x, y) VALUES (1, 2,)"),
    ("syntax", "SELECT 'open FROM orders"),
    ("deletes every row of orders", "DELETE FROM orders"),
    ("its WHERE is true of all", "DELETE FROM orders WHERE 1 = 1"),
    ("its WHERE is true of all", "UPDATE users SET active = false WHERE TRUE OR id = 5"),
    ("its WHERE is true of all", "UPDATE users SET active = false WHERE id = id"),
    (
        "deletes every row of x",
        "WITH gone AS (DELETE FROM x RETURNING *) SELECT count(*) FROM gone",
    ),
    ("deletes every row of x", "EXPLAIN ANALYZE DELETE FROM x"),
    ("deletes every row of x", "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM x"),
    ("deletes every row of x", "DO $$ BEGIN DELETE FROM x; END $$"),
    ("drops a table", "DROP TABLE IF EXISTS orders CASCADE"),
    ("drops all that is in it", "DROP SCHEMA public CASCADE"),
    ("drops a column", "ALTER TABLE orders DROP COLUMN note"),
    ("empties a table", "TRUNCATE orders, lines"),
    ("grants every right", "GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA public TO app"),
    ("grants rights to everyone", "GRANT SELECT ON users TO PUBLIC"),
    ("makes a role almighty", "ALTER ROLE app WITH SUPERUSER"),
    ("runs a program", "COPY t FROM PROGRAM 'curl http://x'"),
    ("ends every session", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"),
    ("changes the whole server", "ALTER SYSTEM SET max_connections = 1000"),
    ("lock", "CREATE INDEX orders_user ON orders (user_id)"),
    ("lock", "ALTER TABLE orders ADD COLUMN note text NOT NULL"),
    ("lock", "ALTER TABLE orders ALTER COLUMN id TYPE bigint"),
    ("not-in-transaction", "BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT;"),
    ("null-comparison", "SELECT * FROM orders WHERE shipped_at = NULL"),
    ("not-in-null", "SELECT * FROM a WHERE id NOT IN (SELECT a_id FROM b)"),
    ("cartesian", "SELECT * FROM a, b"),
    ("and-or", "DELETE FROM jobs WHERE state = 'done' AND age > 5 OR state = 'failed'"),
    ("no-transaction", "UPDATE a SET x = 1 WHERE id = 1; UPDATE b SET x = 2 WHERE id = 1;"),
    ("open-transaction", "BEGIN; UPDATE a SET x = 1 WHERE id = 1;"),
]

SQL_CORRECT = [
    "SELECT pid, state, query FROM pg_stat_activity WHERE state <> 'idle' ORDER BY query_start "
    "LIMIT 20",
    "SELECT relname, n_dead_tup FROM pg_stat_user_tables ORDER BY n_dead_tup DESC LIMIT 10;",
    "BEGIN;\nDELETE FROM sessions WHERE expires_at < now() - interval '7 days';\nCOMMIT;",
    "START TRANSACTION;\nUPDATE users SET active = false WHERE id = 42;\nROLLBACK;",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_user ON orders (user_id);",
    "ALTER TABLE orders ADD COLUMN note text;",
    "GRANT SELECT ON orders TO reporting;",
    "SELECT pg_terminate_backend(4242);",
    "SELECT a.id FROM a JOIN b ON a.id = b.a_id WHERE b.shipped_at IS NULL;",
    "WITH recent AS (SELECT * FROM orders WHERE created_at > now() - interval '1 hour')\n"
    "SELECT status, count(*) FROM recent GROUP BY status;",
    "SELECT * FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.a_id = a.id);",
    "EXPLAIN SELECT * FROM orders WHERE user_id = 5;",
    "SELECT blocked.pid, blocking.pid AS by_pid FROM pg_locks blocked\n"
    "JOIN pg_locks blocking ON blocking.locktype = blocked.locktype AND blocking.granted\n"
    "WHERE NOT blocked.granted;",
    "CREATE OR REPLACE FUNCTION touch() RETURNS trigger AS $$\nBEGIN\n  NEW.updated_at = now();\n"
    "  RETURN NEW;\nEND;\n$$ LANGUAGE plpgsql;",
    "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN UPDATE a SET b = 1; END $$;",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA x GRANT SELECT ON TABLES TO y;",
    "\\timing on\nSELECT count(*) FROM orders;",
]

PROMQL_DEFECTS = [
    ("syntax", "sum(rate(http_requests_total[5m])"),
    ("syntax", "rate(http_requests_total)"),
    ("syntax", "http_requests_total[5m] > 5"),
    ("syntax", 'up{job=~"["}'),
    ("syntax", "ratio(http_requests_total[5m])"),
    ("rate-of-gauge", "rate(node_memory_free_bytes[5m])"),
    ("rate-of-gauge", "increase(up[1h])"),
    ("delta-of-counter", "delta(http_requests_total[5m])"),
    ("short-range", "rate(http_requests_total[15s])"),
    ("sum-before-rate", "rate(sum(http_requests_total)[5m:])"),
    ("quantile-range", "histogram_quantile(95, sum by (le) (rate(h_bucket[5m])))"),
    ("quantile-without-le", "histogram_quantile(0.95, sum by (job) (rate(h_bucket[5m])))"),
    ("quantile-without-le", "histogram_quantile(0.95, sum(rate(h_bucket[5m])))"),
    ("quantile-of-counters", "histogram_quantile(0.95, sum by (le) (h_bucket))"),
    ("quantile-without-buckets", "histogram_quantile(0.95, rate(h_count[5m]))"),
    ("averaged-quantile", "avg(histogram_quantile(0.9, rate(h_bucket[5m])))"),
    ("averaged-quantile", 'avg(rpc_seconds{quantile="0.99"})'),
    ("raw-counter", "http_requests_total > 100"),
    ("labels-differ", "sum(rate(errors_total[5m])) / rate(requests_total[5m])"),
    ("labels-differ", "sum by (job) (a) / sum by (instance) (b)"),
    ("pattern-without-tilde", 'up{job="api.*"} == 0'),
    ("no-metric", '{job="api"}'),
    ("empty-count", "count(up == 0) > 2"),
]

PROMQL_CORRECT = [
    'up{job="api"} == 0',
    "sum by (job) (rate(http_requests_total[5m]))",
    'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05',
    "histogram_quantile(0.95, sum by (le, job) (rate(http_request_duration_seconds_bucket[5m])))",
    '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.9',
    "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1",
    "predict_linear(node_filesystem_free_bytes[6h], 4 * 3600) < 0",
    'absent(up{job="api"})',
    "time() - process_start_time_seconds < 300",
    "changes(process_start_time_seconds[1h]) > 2",
    "topk(5, sum by (pod) (rate(container_cpu_usage_seconds_total[5m])))",
    "increase(kube_pod_container_status_restarts_total[1h]) > 3",
    'sum by (namespace) (kube_pod_status_phase{phase="Pending"}) > 0',
    "pg_stat_activity_count > on (instance) pg_settings_max_connections * 0.9",
    "rate(errors_total[5m]) / on (job, instance) rate(requests_total[5m]) > 0.01",
    "avg_over_time(up[5m]) * 100 < 50",
    "probe_ssl_earliest_cert_expiry - time() < 7 * 86400",
    "max_over_time(sum(rate(a_total[5m]))[1h:1m])",
    "sum(\n  # all of them\n  rate(a_total[5m])\n)",
    "(lag_seconds > 180) and on (instance) (is_replica == 1)",
    "histogram_quantile(0.9, sum(rate(rpc_seconds[5m])))",
]


@pytest.mark.parametrize(("expected", "code"), SQL_DEFECTS)
def test_defects_of_sql_are_pointed_out(
    check: Check, points_out: Callable[[CodeReport, str], bool], expected: str, code: str
) -> None:
    report = check("sql", code)
    assert points_out(report, expected), report


@pytest.mark.parametrize("code", SQL_CORRECT)
def test_right_sql_raises_no_alarm(check: Check, code: str) -> None:
    report = check("sql", code)
    assert not report.dangers
    assert not [problem for problem in report.problems if problem.severity != "info"]


@pytest.mark.parametrize(("expected", "code"), PROMQL_DEFECTS)
def test_defects_of_promql_are_pointed_out(
    check: Check, points_out: Callable[[CodeReport, str], bool], expected: str, code: str
) -> None:
    report = check("promql", code)
    assert points_out(report, expected), report


@pytest.mark.parametrize("code", PROMQL_CORRECT)
def test_right_promql_raises_no_alarm(check: Check, code: str) -> None:
    report = check("promql", code)
    assert not report.dangers
    assert not [problem for problem in report.problems if problem.severity != "info"]
