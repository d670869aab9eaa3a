"""The figures for people."""

import os
from typing import Any

ROWS = [
    ("deliveries per second", "deliveries_per_second", ""), ("CPU of the worker", "worker_cpu_us_per_delivery", "µs a delivery"),
    ("CPU of PostgreSQL", "postgres_cpu_us_per_delivery", "µs a delivery"),
    ("CPU of the endpoint (nginx)", "endpoint_cpu_us_per_delivery", "µs a delivery"),
    ("WAL", "wal_bytes_per_delivery", "bytes a delivery"), ("peak memory of the worker", "worker_peak_memory_mib", "MiB"),
    ("commit to receipt, p50", "latency_p50_ms", "ms"), ("commit to receipt, p99", "latency_p99_ms", "ms"),
    ("idle worker", "idle_worker_cpu_percent", "% of a core"), ("idle PostgreSQL", "idle_postgres_cpu_percent", "% of a core"),
]


def table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['events']:,} events of {figures['payload_bytes']} bytes, one worker, {os.cpu_count()} cores, {figures['postgres']}"]
    for title, key, unit in ROWS:
        if key in figures:
            lines.append(f"{title:<30}{figures[key]:>12,}  {unit}".rstrip())
    return "\n".join(lines)


def faults(figures: dict[str, Any]) -> list[str]:
    """What did not hold, in words."""
    found = []
    if figures.get("delivered") != figures.get("events"):
        found.append(f"{figures.get('delivered')} of {figures.get('events')} events are recorded as delivered")
    if figures.get("requests") != figures.get("events"):
        found.append(f"{figures.get('requests')} requests were made for {figures.get('events')} events")
    return found
