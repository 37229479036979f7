import pytest

from tools.metrics.meaning import (
    Meaning,
    interest_of,
    is_bookkeeping,
    is_far_from_full,
    meaning_of,
    weight_of,
)


@pytest.mark.parametrize(
    ("name", "labels", "meaning"),
    [
        ("http_errors_total", {}, "trouble"),
        ("kube_pod_container_status_restarts_total", {}, "trouble"),
        ("requestTimeouts", {}, "trouble"),
        ("http_requests_total", {"code": "503"}, "trouble"),
        ("http_requests_total", {"code": "200"}, "traffic"),
        ("jobs_total", {"result": "failed"}, "trouble"),
        ("node_filesystem_avail_bytes", {}, "reserve"),
        ("kube_deployment_status_replicas_available", {}, "reserve"),
        ("http_request_duration_seconds", {}, "pressure"),
        ("queue_depth", {}, "pressure"),
        ("orders", {}, "traffic"),
        ("something", {}, "other"),
        # Not every name with these letters is about that.
        ("terraform_runs", {}, "other"),
    ],
)
def test_names_and_labels_tell(name: str, labels: dict[str, str], meaning: Meaning) -> None:
    assert meaning_of(name, labels) == meaning


def test_the_direction_decides_whether_it_is_bad_news() -> None:
    assert weight_of("errors_total", {}, "rose") > 0.9 > weight_of("errors_total", {}, "fell")
    assert weight_of("disk_free_bytes", {}, "fell") > weight_of("disk_free_bytes", {}, "rose")
    assert weight_of("go_memstats_heap_bytes", {}, "rose") < weight_of("heap_bytes", {}, "rose")


def test_bookkeeping_is_not_looked_at() -> None:
    assert is_bookkeeping("process_created")
    assert interest_of("app_build_info") == 0
    assert interest_of("http_errors_total") > interest_of("something")


@pytest.mark.parametrize(
    ("name", "level", "is_roomy"),
    [
        ("load1", 0.9, True),
        ("node_load5", 0.2, True),
        ("load1", 4.0, False),
        ("load_average_1m", 0.5, True),
        ("cpu_utilization_ratio", 0.3, True),
        ("cpu_utilization_ratio", 0.8, False),
        ("memory_used_percent", 30.0, True),
        ("memory_used_percent", 93.0, False),
        ("cache_hit_ratio", 0.1, False),
        ("queue_length", 0.5, False),
        ("payload_bytes", 0.5, False),
    ],
)
def test_what_is_far_from_full(name: str, level: float, is_roomy: bool) -> None:
    assert is_far_from_full(name, level) is is_roomy
