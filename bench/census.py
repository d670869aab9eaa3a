"""How long `postrider status` takes with 100,000 endpoints and millions of deliveries, in two shapes: spread over all endpoints, and with
nearly all of them at three. It must take less than a second; prints a line for each shape and exits with 1 otherwise.

    .build/python/bin/python3 -m bench.census [--endpoints N] [--deliveries N]
"""

import argparse
import json
import sys
import time

from checks.harness.postgres import Session, postgres
from checks.harness.product import Postrider, built_executable

# What a person waits for without a thought.
LIMIT_S = 1.0

_ENDPOINTS = """
WITH made AS (INSERT INTO postrider.endpoints (name) SELECT 'customer-' || n FROM generate_series(1, %s::int) AS n RETURNING id, name),
located AS (INSERT INTO postrider.endpoint_urls (endpoint_id, url) SELECT id, 'https://' || name || '.example/' FROM made RETURNING id, endpoint_id),
laned AS (INSERT INTO postrider.lanes (endpoint_id) SELECT id FROM made)
INSERT INTO postrider.endpoint_marks (endpoint_id) SELECT id FROM made"""
_URLS = "UPDATE postrider.endpoints e SET url_id = u.id FROM postrider.endpoint_urls u WHERE u.endpoint_id = e.id"
_SPREAD = """
INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, attempt)
SELECT now() - n %% 1000 * interval '1 ms' + CASE WHEN n %% 10 = 0 THEN interval '3 h' ELSE '0' END, n, now(),
       1 + n * 7919 %% %s::bigint, 100, CASE WHEN n %% 10 = 0 THEN 3 ELSE 0 END
FROM generate_series(1, %s::bigint) AS n"""
_SKEWED = """
INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, ordering_key)
SELECT CASE WHEN n %% 2 = 0 THEN 'infinity' ELSE now() END, n, now(), 1 + n %% 3, 100, CASE WHEN n %% 2 = 0 THEN 'key ' || n %% 6 END
FROM generate_series(1, %s::bigint) AS n"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.census", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=10_000_000)
    given = parser.parse_args()
    return 1 if any([_shape("spread", given), _shape("skewed", given)]) else 0


def _shape(shape: str, given: argparse.Namespace) -> bool:
    """Whether it took too long."""
    with postgres(fsync="off", shared_buffers="1GB", max_wal_size="16GB") as server:
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        with server.session() as session:
            _fill(session, shape, given)
        times, status = [], {}
        for _ in range(4):
            began = time.monotonic()
            status = json.loads(postrider.run("status", "--json"))
            times.append(time.monotonic() - began)
        # The first reads what is on disk.
        best = min(times[1:])
        print(f"{shape}: {given.endpoints} endpoints, {given.deliveries} deliveries: {times[0]:.2f} s at first, then {best:.2f} s; "
              f"pending {status['pending']}, retrying {status['retrying']}, blocked {status['blocked']}, "
              f"capped {status['counts_capped']}, late {status['endpoints_late']}", flush=True)
        return best > LIMIT_S


def _fill(session: Session, shape: str, given: argparse.Namespace) -> None:
    session.rows(_ENDPOINTS, given.endpoints)
    session.rows(_URLS)
    if shape == "spread":
        session.rows(_SPREAD, given.endpoints, given.deliveries)
    else:
        session.rows(_SKEWED, given.deliveries)
    session.rows("VACUUM ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
