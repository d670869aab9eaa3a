-- 0009 finding: which events and dead letters an operator looks for. The command line asks for them step by step.
--
-- Locks:        none; functions that read.
-- Old workers:  may keep running.
--
-- A step looks at the next few thousand of what may fit, the newest first, and says how far it came, so that the one who waits
-- can be told. What may fit is read from where there is little of it: what is live, dead or closed from those tables, everything
-- else from the events. No index is there for a search alone: it would cost each producer and each worker.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Whether a payload has this text or number at a path of keys and places. False for what cannot be read, such as \u0000.
CREATE FUNCTION postrider.payload_has(p_payload json, p_path text[], p_value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN coalesce((p_payload #>> p_path) = p_value, false);
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN false;
END
$f$;

-- Whether the text of a payload can hold a value: the reason to read it as JSON. A value of other characters may be written in
-- several ways there, so it always can.
CREATE FUNCTION postrider.payload_may_have(p_payload text, p_value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_value !~ '^[A-Za-z0-9_.:@ -]+$' OR strpos(p_payload, p_value) > 0 OR strpos(p_payload, '\u') > 0;

-- The numbers of events that have an idempotency key, of one tenant or of all: one look-up a tenant.
CREATE FUNCTION postrider.keyed_events(p_tenant text, p_key text) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $f$
    WITH RECURSIVE tenants AS (
        SELECT coalesce(p_tenant, (SELECT min(k.tenant) FROM postrider.idempotency_keys k)) AS tenant
        UNION ALL
        SELECT (SELECT min(k.tenant) FROM postrider.idempotency_keys k WHERE k.tenant > t.tenant)
        FROM tenants t WHERE t.tenant IS NOT NULL AND p_tenant IS NULL)
    SELECT coalesce(array_agg(k.event_id), '{}')
    FROM tenants t JOIN postrider.idempotency_keys k ON k.tenant = t.tenant AND k.idempotency_key = p_key
$f$;

-- The next events before (p_before, p_before_id) that may fit, out of p_count of them, or of p_ids alone where that is given.
-- p_source: where from: events, live, dead, closed, or failed, which is the last three as far as an attempt failed.
CREATE FUNCTION postrider.event_candidates(
    p_source text, p_ids bigint[], p_before timestamptz, p_before_id bigint, p_count int, p_tenant text, p_type text, p_endpoint text,
    p_since timestamptz, p_until timestamptz, p_status text, p_error_code text, p_http_status int, p_ordering_key text,
    p_path text[], p_value text,
    OUT ids bigint[], OUT times timestamptz[], OUT seen int, OUT reached_at timestamptz, OUT reached_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
DECLARE
    v_now timestamptz := now();
    v_lanes int[] := CASE WHEN p_endpoint IS NOT NULL
                         THEN ARRAY(SELECT e.id FROM postrider.endpoints e
                                    WHERE e.name = p_endpoint AND (p_tenant IS NULL OR e.tenant = p_tenant)) END;
    v_from timestamptz := coalesce(p_since, '-infinity');
    v_to timestamptz := least(p_before, p_until);
    v_live boolean := p_source IN ('live', 'failed');
    v_dead boolean := p_source IN ('dead', 'failed');
    v_closed boolean := p_source IN ('dead', 'closed', 'failed');
BEGIN
    IF p_source = 'events' THEN
        SELECT array_agg(w.id ORDER BY w.created_at DESC, w.id DESC) FILTER (WHERE w.fits),
               array_agg(w.created_at ORDER BY w.created_at DESC, w.id DESC) FILTER (WHERE w.fits),
               count(*), min(w.created_at), min(w.id) FILTER (WHERE w.is_last)
        INTO ids, times, seen, reached_at, reached_id
        FROM (SELECT n.id, n.created_at, n.created_at = min(n.created_at) OVER () AS is_last,
                     (p_until IS NULL OR n.created_at < p_until)
                     AND (p_tenant IS NULL OR n.tenant = p_tenant) AND postrider.type_matches(n.event_type, p_type)
                     AND (p_ordering_key IS NULL OR n.ordering_key = p_ordering_key)
                     AND (p_path IS NULL OR postrider.payload_may_have(n.payload::text, p_value)
                          AND postrider.payload_has(n.payload, p_path, p_value)) AS fits
              FROM (SELECT o.id, o.created_at, o.tenant, o.event_type, o.ordering_key,
                           CASE WHEN p_path IS NOT NULL THEN o.payload END AS payload
                    FROM postrider.outbox o
                    WHERE o.created_at >= v_from AND o.created_at <= v_to
                        AND (o.created_at, o.id) < (p_before, p_before_id)
                        AND (p_ids IS NULL OR o.id = ANY (p_ids))
                    ORDER BY o.created_at DESC, o.id DESC LIMIT p_count) n) w;
        RETURN;
    END IF;
    -- A row for each delivery; those of one event follow each other.
    SELECT array_agg(w.event_id) FILTER (WHERE w.fits), array_agg(w.event_at) FILTER (WHERE w.fits), count(*),
           min(w.event_at), min(w.event_id) FILTER (WHERE w.is_last)
    INTO ids, times, seen, reached_at, reached_id
    FROM (SELECT k.event_id, k.event_at, k.event_at = min(k.event_at) OVER () AS is_last,
                 (p_type IS NULL AND p_path IS NULL) OR (
                     SELECT postrider.type_matches(o.event_type, p_type)
                         AND (p_path IS NULL OR postrider.payload_may_have(o.payload::text, p_value)
                              AND postrider.payload_has(o.payload, p_path, p_value))
                     FROM postrider.outbox o WHERE o.created_at = k.event_at AND o.id = k.event_id) IS TRUE AS fits
          FROM (SELECT d.event_id, d.event_at
                FROM postrider.deliveries d
                JOIN postrider.endpoints e ON e.id = d.endpoint_id
                JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
                WHERE v_live AND (v_lanes IS NULL OR d.endpoint_id = ANY (v_lanes)) AND (p_tenant IS NULL OR e.tenant = p_tenant)
                    AND d.event_at >= v_from AND (p_until IS NULL OR d.event_at < p_until)
                    AND (d.event_at, d.event_id) < (p_before, p_before_id)
                    AND (p_ordering_key IS NULL OR d.ordering_key = p_ordering_key)
                    AND CASE coalesce(p_status, 'failed')
                            WHEN 'failed' THEN d.attempt > 0
                            WHEN 'in_flight' THEN d.lease_until > v_now
                            WHEN 'held' THEN d.lease_until <= v_now AND postrider.is_held(l.open_at)
                            WHEN 'blocked' THEN d.lease_until <= v_now AND NOT postrider.is_held(l.open_at) AND d.due_at = 'infinity'
                            WHEN 'retrying' THEN d.lease_until <= v_now AND NOT postrider.is_held(l.open_at) AND d.attempt > d.attempt_base
                            ELSE d.lease_until <= v_now AND NOT postrider.is_held(l.open_at) AND d.attempt <= d.attempt_base END
                UNION ALL
                SELECT x.event_id, x.event_at FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id
                WHERE v_dead AND (v_lanes IS NULL OR x.endpoint_id = ANY (v_lanes)) AND (p_tenant IS NULL OR e.tenant = p_tenant)
                    AND x.event_at >= v_from AND (p_until IS NULL OR x.event_at < p_until)
                    AND (x.event_at, x.event_id) < (p_before, p_before_id)
                    AND (p_ordering_key IS NULL OR x.ordering_key = p_ordering_key)
                    AND (p_error_code IS NULL OR x.last_error_code = p_error_code)
                    AND (p_http_status IS NULL OR x.last_http_status = p_http_status)
                UNION ALL
                SELECT c.event_id, c.event_at FROM postrider.closed c JOIN postrider.endpoints e ON e.id = c.endpoint_id
                WHERE v_closed AND (v_lanes IS NULL OR c.endpoint_id = ANY (v_lanes)) AND (p_tenant IS NULL OR e.tenant = p_tenant)
                    AND c.event_at >= v_from AND (p_until IS NULL OR c.event_at < p_until)
                    AND (c.event_at, c.event_id) < (p_before, p_before_id)
                    AND (p_status IS NULL OR c.status = p_status)
                    AND (p_error_code IS NULL OR c.last_error_code = p_error_code)
                    AND (p_http_status IS NULL OR c.last_http_status = p_http_status)
                ORDER BY 2 DESC, 1 DESC LIMIT p_count) k) w;
END
$f$;

-- What became of events, a row for each endpoint, the newest event first, at most p_limit: of those that event_candidates names,
-- what fits the status, the endpoint and the last attempt. Before them a row without an event says how far the step came;
-- `seen` is below p_count when nothing is left.
CREATE FUNCTION postrider.find_events(
    p_source text, p_ids bigint[], p_before timestamptz, p_before_id bigint, p_count int, p_limit int, p_tenant text, p_type text,
    p_endpoint text, p_since timestamptz, p_until timestamptz, p_status text, p_error_code text, p_http_status int,
    p_ordering_key text, p_path text[], p_value text)
RETURNS TABLE (
    seen int, reached_at timestamptz, reached_id bigint, event_id bigint, event_type text, tenant text, endpoint text, status text,
    attempts int, due_at timestamptz, last_attempt_at timestamptz, last_http_status int, last_error_code text,
    created_at timestamptz, finished_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
-- Without nested loops where there is a choice: a table that was vacuumed while it was empty counts as empty.
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := now();
    v_lanes int[] := CASE WHEN p_endpoint IS NOT NULL
                         THEN ARRAY(SELECT e.id FROM postrider.endpoints e
                                    WHERE e.name = p_endpoint AND (p_tenant IS NULL OR e.tenant = p_tenant)) END;
    v_ids bigint[]; v_times timestamptz[]; v_seen int; v_reached_at timestamptz; v_reached_id bigint;
    v_low bigint; v_high bigint; v_since timestamptz;
    -- Many events in a row: their records are read by the range of their numbers, not one by one.
    v_is_dense boolean;
    v_is_live boolean := p_status IS NULL OR p_status IN ('pending', 'in_flight', 'retrying', 'held', 'blocked', 'no_subscriber');
    v_is_past boolean := p_status IS NULL OR p_status NOT IN ('pending', 'in_flight', 'retrying', 'held', 'blocked');
BEGIN
    SELECT c.ids, c.times, c.seen, c.reached_at, c.reached_id INTO v_ids, v_times, v_seen, v_reached_at, v_reached_id
    FROM postrider.event_candidates(p_source, p_ids, p_before, p_before_id, p_count, p_tenant, p_type, p_endpoint, p_since, p_until,
                                    p_status, p_error_code, p_http_status, p_ordering_key, p_path, p_value) c;
    seen := v_seen; reached_at := v_reached_at; reached_id := v_reached_id;
    RETURN NEXT;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;
    -- Where all fit, the first are enough: each has at least one row.
    IF p_source = 'events' AND p_status IS NULL AND p_endpoint IS NULL AND p_error_code IS NULL AND p_http_status IS NULL THEN
        v_ids := v_ids[1 : p_limit]; v_times := v_times[1 : p_limit];
    END IF;
    SELECT min(u.id), max(u.id), min(u.at) - interval '2 days', max(u.id) - min(u.id) < 4 * count(*)
    INTO v_low, v_high, v_since, v_is_dense FROM unnest(v_ids, v_times) AS u (id, at);
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT DISTINCT u.id, u.at FROM unnest(v_ids, v_times) AS u (id, at)),
    known AS MATERIALIZED (
        SELECT d.event_id, d.event_at, d.endpoint_id, d.lease_until > v_now AS is_leased, d.attempt, d.attempt_base, d.ordering_key,
               NULL AS status, d.attempt - coalesce(d.unsent, 0) AS attempts, d.due_at, NULL::timestamptz AS last_attempt_at,
               NULL::smallint AS last_http_status, NULL::text AS last_error_code, NULL::timestamptz AS finished_at
        FROM postrider.deliveries d JOIN chosen c ON c.id = d.event_id AND c.at = d.event_at
        WHERE v_is_live
        UNION ALL
        SELECT x.event_id, x.event_at, x.endpoint_id, false, NULL, NULL, NULL, 'dead', x.attempts, NULL, x.last_attempt_at,
               x.last_http_status, x.last_error_code, x.dead_at
        FROM postrider.dead x JOIN chosen c ON c.id = x.event_id AND c.at = x.event_at
        WHERE v_is_past AND x.event_id BETWEEN v_low AND v_high AND (v_is_dense OR x.event_id = ANY (v_ids))
        UNION ALL
        SELECT x.event_id, x.event_at, x.endpoint_id, false, NULL, NULL, NULL, x.status, x.attempts, NULL, x.last_attempt_at,
               x.last_http_status, x.last_error_code, x.closed_at
        FROM postrider.closed x JOIN chosen c ON c.id = x.event_id AND c.at = x.event_at
        WHERE v_is_past AND x.event_id BETWEEN v_low AND v_high AND (v_is_dense OR x.event_id = ANY (v_ids))
        UNION ALL
        SELECT a.event_id, a.event_at, a.endpoint_id, false, NULL, NULL, NULL, 'delivered', a.attempt - coalesce(a.unsent, 0), NULL, a.started_at,
               a.http_status, NULL, a.started_at + a.duration_us * interval '1 us'
        FROM postrider.attempts a JOIN chosen c ON c.id = a.event_id AND c.at = a.event_at
        WHERE v_is_past AND a.outcome = 0 AND a.started_at > v_since
            AND a.event_id BETWEEN v_low AND v_high AND (v_is_dense OR a.event_id = ANY (v_ids))),
    found AS (
        SELECT c.id AS event_id, c.at AS created_at, k.endpoint_id,
               CASE WHEN k.event_id IS NULL THEN 'no_subscriber'
                    WHEN k.status IS NOT NULL THEN k.status
                    WHEN k.is_leased THEN 'in_flight'
                    WHEN (SELECT postrider.is_held(l.open_at) FROM postrider.lanes l WHERE l.endpoint_id = k.endpoint_id) THEN 'held'
                    WHEN k.due_at = 'infinity' AND (
                        SELECT h.due_at > v_now OR h.attempt > h.attempt_base + (h.lease_until > v_now)::int
                        FROM postrider.deliveries h WHERE h.endpoint_id = k.endpoint_id AND h.ordering_key = k.ordering_key
                        ORDER BY h.id LIMIT 1) THEN 'blocked'
                    WHEN k.attempt > k.attempt_base THEN 'retrying'
                    ELSE 'pending' END AS status,
               coalesce(k.attempts, 0)::int AS attempts, k.due_at, k.last_attempt_at, k.last_http_status, k.last_error_code,
               CASE WHEN k.event_id IS NULL THEN c.at ELSE k.finished_at END AS finished_at
        FROM chosen c LEFT JOIN known k ON k.event_id = c.id AND k.event_at = c.at
        WHERE v_lanes IS NULL OR k.endpoint_id = ANY (v_lanes)),
    -- Of live work the last attempt says how it went so far.
    full_rows AS (
        SELECT f.event_id, f.created_at, f.endpoint_id, f.status, f.attempts, f.due_at,
               coalesce(f.last_attempt_at, last.started_at) AS last_attempt_at,
               coalesce(f.last_http_status, last.http_status)::int AS last_http_status,
               coalesce(f.last_error_code, last.error_code) AS last_error_code, f.finished_at
        FROM found f
        LEFT JOIN LATERAL (
            SELECT a.started_at, a.http_status, a.error_code FROM postrider.attempts a
            WHERE a.event_id = f.event_id AND a.event_at = f.created_at AND a.endpoint_id = f.endpoint_id
                AND a.started_at > f.created_at - interval '2 days'
            ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON f.finished_at IS NULL AND f.attempts > 0
        WHERE p_status IS NULL OR f.status = p_status),
    shown AS MATERIALIZED (
        SELECT r.*, e.name AS endpoint
        FROM full_rows r LEFT JOIN postrider.endpoints e ON e.id = r.endpoint_id
        WHERE (p_error_code IS NULL OR r.last_error_code = p_error_code)
            AND (p_http_status IS NULL OR r.last_http_status = p_http_status)
        ORDER BY r.created_at DESC, r.event_id DESC, e.name LIMIT p_limit)
    SELECT NULL::int, NULL::timestamptz, NULL::bigint, s.event_id, o.event_type, o.tenant, s.endpoint, s.status, s.attempts, s.due_at,
           s.last_attempt_at, s.last_http_status, s.last_error_code, s.created_at, s.finished_at
    FROM shown s
    LEFT JOIN LATERAL (
        SELECT o.event_type, o.tenant FROM postrider.outbox o WHERE o.created_at = s.created_at AND o.id = s.event_id LIMIT 1) o ON true
    ORDER BY s.created_at DESC, s.event_id DESC, s.endpoint;
END
$f$;

-- Dead letters of a selection before the id p_before, the newest first, at most p_limit, out of p_count of them; of the events p_ids
-- alone where that is given. Before them a row without a letter says how far the step came.
CREATE FUNCTION postrider.find_dead_letters(
    p_ids bigint[], p_before bigint, p_count int, p_limit int, p_tenant text, p_type text, p_endpoint text, p_since timestamptz,
    p_until timestamptz, p_reason text, p_error_code text, p_http_status int, p_ordering_key text, p_path text[], p_value text)
RETURNS TABLE (seen int, reached_id bigint, id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    v_lanes int[] := CASE WHEN p_endpoint IS NOT NULL
                         THEN ARRAY(SELECT e.id FROM postrider.endpoints e
                                    WHERE e.name = p_endpoint AND (p_tenant IS NULL OR e.tenant = p_tenant)) END;
    v_found bigint[];
BEGIN
    SELECT count(*), min(w.id), array_agg(w.id ORDER BY w.id DESC) FILTER (WHERE w.fits) INTO seen, reached_id, v_found
    FROM (SELECT k.id, (p_type IS NULL AND p_path IS NULL) OR (
                     SELECT postrider.type_matches(o.event_type, p_type)
                         AND (p_path IS NULL OR postrider.payload_may_have(o.payload::text, p_value)
                              AND postrider.payload_has(o.payload, p_path, p_value))
                     FROM postrider.outbox o WHERE o.created_at = k.event_at AND o.id = k.event_id) IS TRUE AS fits
          FROM (SELECT x.id, x.event_at, x.event_id
                FROM postrider.dead x JOIN postrider.endpoints e ON e.id = x.endpoint_id
                WHERE x.id < p_before AND (v_lanes IS NULL OR x.endpoint_id = ANY (v_lanes))
                    AND (p_ids IS NULL OR x.event_id = ANY (p_ids)) AND (p_tenant IS NULL OR e.tenant = p_tenant)
                    AND (p_since IS NULL OR x.dead_at >= p_since) AND (p_until IS NULL OR x.dead_at < p_until)
                    AND (p_reason IS NULL OR x.reason = p_reason)
                    AND (p_error_code IS NULL OR x.last_error_code = p_error_code)
                    AND (p_http_status IS NULL OR x.last_http_status = p_http_status)
                    AND (p_ordering_key IS NULL OR x.ordering_key = p_ordering_key)
                ORDER BY x.id DESC LIMIT p_count) k) w;
    RETURN NEXT;
    RETURN QUERY SELECT NULL::int, NULL::bigint, u.id FROM unnest(v_found[1 : p_limit]) AS u (id);
END
$f$;

-- What has happened since p_seen, the snapshot that the look before this one returned: a row for each delivery that is new or changed,
-- and one for each event that nothing was made of. Costs what happened, and what is followed, however much is kept.
--
-- New events are those with a number above p_low that the look before did not see; p_low is a number that no transaction which
-- was open then can have drawn an earlier one than. Deliveries that are live are found by the transaction that changed them, as by
-- `look`; of p_followed, which were live when they were seen last, those that are gone have ended. First of all a row without an
-- event: what this look has seen, and the last number drawn.
CREATE FUNCTION postrider.follow_events(
    p_seen pg_snapshot, p_low bigint, p_limit int, p_tenant text, p_type text, p_endpoint text,
    p_events bigint[], p_times timestamptz[], p_lanes int[], p_dues timestamptz[], p_ids bigint[])
RETURNS TABLE (
    seen pg_snapshot, last_id bigint, is_cut boolean, event_id bigint, event_at timestamptz, event_type text, tenant text, endpoint text,
    status text, attempts int, last_http_status int, last_error_code text, endpoint_id int, due_at timestamptz, id bigint,
    last_attempt_at timestamptz, finished_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
-- By the indexes, without what the planner believes to know of the tables.
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_next bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    v_open xid8[] := ARRAY(SELECT pg_snapshot_xip(p_seen));
    v_events bigint[]; v_times timestamptz[]; v_ended bigint[]; v_ended_times timestamptz[];
    v_live_events bigint[]; v_live_times timestamptz[]; v_spots tid[];
BEGIN
    seen := pg_current_snapshot();
    last_id := pg_sequence_last_value('postrider.outbox_id_seq');
    IF p_seen IS NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT array_agg(n.id), array_agg(n.created_at) INTO v_events, v_times
    FROM (SELECT o.id, o.created_at FROM postrider.outbox o
          WHERE o.id > p_low AND (p_tenant IS NULL OR o.tenant = p_tenant) AND postrider.type_matches(o.event_type, p_type)
              -- The whole number of the transaction: the row has its lower half.
              AND NOT pg_visible_in_snapshot((v_next - ((v_next - o.xmin::text::bigint) % 4294967296))::text::xid8, p_seen)
          ORDER BY o.id LIMIT p_limit) n;
    SELECT array_agg(w.spot), array_agg(w.event_id), array_agg(w.event_at) INTO v_spots, v_live_events, v_live_times
    FROM (SELECT d.ctid AS spot, d.event_id, d.event_at FROM postrider.deliveries d
          WHERE d.changed_in >= pg_snapshot_xmax(p_seen) AND d.changed_in > '0'
          UNION ALL
          SELECT d.ctid, d.event_id, d.event_at FROM unnest(v_open) AS x (id)
          JOIN postrider.deliveries d ON d.changed_in = x.id AND d.changed_in > '0'
          UNION ALL
          SELECT d.ctid, d.event_id, d.event_at FROM unnest(p_lanes, p_dues, p_ids) AS f (endpoint_id, due_at, id)
          JOIN postrider.deliveries d ON d.endpoint_id = f.endpoint_id AND d.due_at = f.due_at AND d.id = f.id
          LIMIT p_limit) w;
    is_cut := coalesce(cardinality(v_events), 0) = p_limit OR coalesce(cardinality(v_spots), 0) = p_limit;
    RETURN NEXT;
    IF v_events IS NULL AND v_spots IS NULL AND cardinality(p_events) = 0 THEN
        RETURN;
    END IF;
    -- What can have ended: the new ones, and those that were followed.
    SELECT array_agg(u.id), array_agg(u.at) INTO v_ended, v_ended_times
    FROM (SELECT x.id, x.at FROM unnest(v_events, v_times) AS x (id, at)
          UNION SELECT f.id, f.at FROM unnest(p_events, p_times) AS f (id, at)) u;
    RETURN QUERY
    WITH live AS MATERIALIZED (
        SELECT DISTINCT ON (d.id, d.event_id) d.* FROM postrider.deliveries d WHERE d.ctid = ANY (v_spots)),
    ended AS MATERIALIZED (
        SELECT x.event_id, x.event_at, x.endpoint_id, x.status, x.attempts FROM postrider.ended_deliveries(v_ended, v_ended_times, NULL) x),
    known AS (
        SELECT d.event_id, d.event_at, d.endpoint_id, d.due_at, d.id, d.attempt - coalesce(d.unsent, 0) AS attempts,
               CASE WHEN d.lease_until > v_now THEN 'in_flight'
                    WHEN postrider.is_held(l.open_at) THEN 'held'
                    WHEN d.due_at = 'infinity' AND (
                        SELECT h.due_at > v_now OR h.attempt > h.attempt_base + (h.lease_until > v_now)::int
                        FROM postrider.deliveries h WHERE h.endpoint_id = d.endpoint_id AND h.ordering_key = d.ordering_key
                        ORDER BY h.id LIMIT 1) THEN 'blocked'
                    WHEN d.attempt > d.attempt_base THEN 'retrying'
                    ELSE 'pending' END AS status
        FROM live d JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
        UNION ALL
        SELECT x.event_id, x.event_at, x.endpoint_id, NULL, NULL, x.attempts, x.status FROM ended x
        UNION ALL
        SELECT n.id, n.at, NULL, NULL, NULL, 0, 'no_subscriber' FROM unnest(v_events, v_times) AS n (id, at)
        WHERE (n.id, n.at) NOT IN (SELECT x.event_id, x.event_at FROM ended x)
            AND (n.id, n.at) NOT IN (SELECT d.event_id, d.event_at FROM live d))
    SELECT NULL::pg_snapshot, NULL::bigint, NULL::boolean, k.event_id, k.event_at, o.event_type, o.tenant, e.name, k.status, k.attempts::int,
           last.http_status::int, last.error_code, k.endpoint_id, k.due_at, k.id, last.started_at,
           last.started_at + last.duration_us * interval '1 us'
    FROM known k
    JOIN LATERAL (SELECT o.event_type, o.tenant FROM postrider.outbox o WHERE o.created_at = k.event_at AND o.id = k.event_id LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT e.name FROM postrider.endpoints e WHERE e.id = k.endpoint_id LIMIT 1) e ON true
    LEFT JOIN LATERAL (
        SELECT a.http_status, a.error_code, a.started_at, a.duration_us FROM postrider.attempts a
        WHERE k.attempts > 0 AND a.event_id = k.event_id AND a.event_at = k.event_at AND a.endpoint_id = k.endpoint_id
            AND a.started_at > k.event_at - interval '2 days'
        ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON true
    WHERE (p_tenant IS NULL OR o.tenant = p_tenant) AND postrider.type_matches(o.event_type, p_type)
        AND (p_endpoint IS NULL OR e.name = p_endpoint)
    ORDER BY k.event_id, k.endpoint_id;
END
$f$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    postrider.payload_has(json, text[], text), postrider.payload_may_have(text, text), postrider.keyed_events(text, text),
    postrider.event_candidates(text, bigint[], timestamptz, bigint, int, text, text, text, timestamptz, timestamptz, text, text, int,
                               text, text[], text),
    postrider.find_events(text, bigint[], timestamptz, bigint, int, int, text, text, text, timestamptz, timestamptz, text, text, int,
                          text, text[], text),
    postrider.follow_events(pg_snapshot, bigint, int, text, text, text, bigint[], timestamptz[], int[], timestamptz[], bigint[]),
    postrider.find_dead_letters(bigint[], bigint, int, int, text, text, text, timestamptz, timestamptz, text, text, int, text, text[],
                                text)
TO postrider_operator;
