-- 0005 reading: the views. Their columns are the contract; the tables under them are not.
--
-- Locks:        none; views only.
-- Old workers:  may keep running.
--
-- A view reads with its owner's rights, so a role that may read it needs no right on the tables. Endpoint secrets and the
-- values of endpoint headers are in none of them. Times are compared with statement_timestamp(): clock_timestamp() is volatile,
-- and with it the planner could not push a condition such as event_id = 42 into the views.
--
-- An event is known by its whole key, (created_at, id): a sequence that was set back gives an id twice.
--
-- Events without a delivery are found by FULL JOIN, which can only be a hash or a merge: after a vacuum of the empty table
-- the planner takes deliveries for empty, and would compare each event with each delivery when there are many again. The
-- other tables have an index on the event, which a scalar subquery uses; attempts more than two days older than their
-- event (two days are for clocks that were set back) are not looked for, so that most partitions are left alone.

SET LOCAL search_path = pg_catalog, pg_temp;

-- One row per event × endpoint, and one with endpoint NULL for an event that matched nothing. `attempts` leaves out what was claimed
-- and given back unsent, whose numbers attempt_log.attempt steps over.
CREATE VIEW postrider.event_deliveries AS
WITH known AS NOT MATERIALIZED (
    -- Live: its state is what its times say.
    SELECT d.event_id, d.event_at, d.endpoint_id,
           CASE WHEN d.lease_until > statement_timestamp() THEN 'in_flight'
                WHEN l.open_at > statement_timestamp() THEN 'held'
                WHEN d.attempt > d.attempt_base THEN 'retrying'
                ELSE 'pending' END AS status,
           d.attempt - coalesce(d.unsent, 0) AS attempts, d.due_at, last.started_at AS last_attempt_at, last.http_status AS last_http_status,
           last.error_code AS last_error_code, NULL::timestamptz AS finished_at
    FROM postrider.deliveries d
    JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
    LEFT JOIN LATERAL (
        SELECT a.started_at, a.http_status, a.error_code FROM postrider.attempts a
        WHERE a.event_id = d.event_id AND a.event_at = d.event_at AND a.endpoint_id = d.endpoint_id
        ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON d.attempt > 0
    UNION ALL
    SELECT x.event_id, x.event_at, x.endpoint_id, 'dead', x.attempts, NULL, x.last_attempt_at, x.last_http_status,
           x.last_error_code, x.dead_at
    FROM postrider.dead x
    UNION ALL
    SELECT c.event_id, c.event_at, c.endpoint_id, c.status, c.attempts, NULL, c.last_attempt_at, c.last_http_status,
           c.last_error_code, c.closed_at
    FROM postrider.closed c
    UNION ALL
    SELECT a.event_id, a.event_at, a.endpoint_id, 'delivered', a.attempt - coalesce(a.unsent, 0), NULL, a.started_at, a.http_status, NULL,
           a.started_at + a.duration_us * interval '1 us'
    FROM postrider.attempts a WHERE a.outcome = 0)
SELECT k.event_id, postrider.webhook_id(k.event_at, k.event_id) AS webhook_id, o.event_type, o.tenant, e.name AS endpoint, k.status,
       k.attempts::int AS attempts, k.due_at, k.last_attempt_at, k.last_http_status::int AS last_http_status,
       k.last_error_code, k.event_at AS created_at, k.finished_at
FROM known k
JOIN postrider.endpoints e ON e.id = k.endpoint_id
LEFT JOIN postrider.outbox o ON o.created_at = k.event_at AND o.id = k.event_id
UNION ALL
SELECT o.id, postrider.webhook_id(o.created_at, o.id), o.event_type, o.tenant, NULL, 'no_subscriber', 0, NULL, NULL, NULL, NULL,
       o.created_at, o.created_at
FROM postrider.outbox o
FULL JOIN postrider.deliveries d ON d.event_id = o.id AND d.event_at = o.created_at
WHERE d.event_id IS NULL
    AND (SELECT true FROM postrider.attempts a
         WHERE a.event_id = o.id AND a.event_at = o.created_at AND a.outcome = 0
             AND a.started_at > o.created_at - interval '2 days' LIMIT 1) IS NULL
    AND (SELECT true FROM postrider.dead x WHERE x.event_id = o.id AND x.event_at = o.created_at LIMIT 1) IS NULL
    AND (SELECT true FROM postrider.closed c WHERE c.event_id = o.id AND c.event_at = o.created_at LIMIT 1) IS NULL;

-- What became of an event so far, in the words of event_deliveries, of several endpoints each word once; `gone` when it is
-- not kept any more. With the webhook_id it is that of one event, also where several have the same number. For producers too, who
-- may not read the view: they learn no more than these words.
CREATE FUNCTION postrider.event_state(event_id bigint, webhook_id text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT coalesce(string_agg(DISTINCT d.status, ', ' ORDER BY d.status), 'gone')
    FROM postrider.event_deliveries d
    WHERE d.event_id = event_state.event_id
        AND (event_state.webhook_id IS NULL OR d.webhook_id = event_state.webhook_id)
$f$;

CREATE VIEW postrider.attempt_log AS
SELECT a.event_id, postrider.webhook_id(a.event_at, a.event_id) AS webhook_id, o.event_type, e.name AS endpoint,
       a.attempt::int AS attempt, a.started_at, round(a.duration_us / 1000.0, 3) AS duration_ms,
       (ARRAY['delivered', 'retry', 'dead', 'stale'])[a.outcome + 1] AS outcome,
       a.http_status::int AS http_status, a.error_code, a.error, a.response_body, u.url AS request_url, a.remote_address,
       -- How many milliseconds each phase took; none for a phase that did not happen.
       jsonb_strip_nulls(jsonb_build_object(
           'name_lookup_ms', round(a.name_lookup_us / 1000.0, 3), 'connect_ms', round(a.connect_us / 1000.0, 3),
           'tls_ms', round(a.tls_us / 1000.0, 3), 'first_byte_ms', round(a.first_byte_us / 1000.0, 3),
           'total_ms', round(a.duration_us / 1000.0, 3))) AS timings,
       a.worker, a.retry_after, a.location, a.allowed_ms, n.name AS worker_name
FROM postrider.attempts a
JOIN postrider.endpoints e ON e.id = a.endpoint_id
LEFT JOIN postrider.endpoint_urls u ON u.id = a.url_id
LEFT JOIN postrider.worker_names n ON n.id = a.worker
LEFT JOIN postrider.outbox o ON o.created_at = a.event_at AND o.id = a.event_id;

CREATE VIEW postrider.dead_letters AS
SELECT x.id, x.event_id, postrider.webhook_id(x.event_at, x.event_id) AS webhook_id, o.event_type, o.tenant, e.name AS endpoint,
       x.attempts::int AS attempts, x.reason, x.last_http_status::int AS last_http_status, x.last_error,
       o.payload, x.event_at AS created_at, x.dead_at,
       x.last_error_code, o.body, o.content_type, o.ordering_key, o.expires_at
FROM postrider.dead x
JOIN postrider.endpoints e ON e.id = x.endpoint_id
LEFT JOIN postrider.outbox o ON o.created_at = x.event_at AND o.id = x.event_id;

CREATE VIEW postrider.endpoint_health AS
SELECT e.name AS endpoint, u.url, e.state, e.state_reason,
       coalesce(live.pending, 0) AS pending, coalesce(live.in_flight, 0) AS in_flight,
       CASE WHEN live.oldest_due <= statement_timestamp() THEN statement_timestamp() - live.oldest_due END AS oldest_due_age,
       m.consecutive_failures, m.last_success_at, m.last_failure_at, coalesce(buried.count, 0) AS dead_letters,
       e.tenant
FROM postrider.endpoints e
JOIN postrider.endpoint_urls u ON u.id = e.url_id
JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
LEFT JOIN (
    SELECT d.endpoint_id,
           count(*) FILTER (WHERE d.lease_until <= statement_timestamp()) AS pending,
           count(*) FILTER (WHERE d.lease_until > statement_timestamp()) AS in_flight,
           min(d.due_at) FILTER (WHERE d.lease_until <= statement_timestamp()) AS oldest_due
    FROM postrider.deliveries d GROUP BY d.endpoint_id) live ON live.endpoint_id = e.id
LEFT JOIN (SELECT x.endpoint_id, count(*) AS count FROM postrider.dead x GROUP BY x.endpoint_id) buried
    ON buried.endpoint_id = e.id
WHERE e.state <> 'removed';

-- How endpoints are set up, without secrets and without the values of their headers. `fault` says why workers cannot read one
-- that is stored although a rule forbids it: they give its deliveries up, with invalid_endpoint.
CREATE VIEW postrider.endpoint_settings AS
SELECT e.name AS endpoint, e.tenant, u.url, e.state, e.state_reason,
       ARRAY(SELECT s.pattern FROM postrider.subscriptions s WHERE s.endpoint_id = e.id ORDER BY s.pattern) AS event_types,
       e.payload_format, e.retry_schedule, e.max_attempts, l.timeout, l.max_in_flight, l.rate_limit,
       -- A line without a colon has no name, and all of it may be a value, which no operator sees.
       ARRAY(SELECT split_part(h, ':', 1) FROM unnest(e.headers) AS h WHERE strpos(h, ':') > 0) AS header_names,
       (SELECT count(*) FROM postrider.endpoint_secrets s WHERE s.endpoint_id = e.id AND s.expires_at > now())::int AS secrets,
       e.created_at, e.updated_at,
       CASE WHEN array_ndims(e.headers) > 1 THEN 'headers is not an array of one dimension'
            WHEN array_position(e.headers, NULL) IS NOT NULL THEN 'headers holds a NULL'
            WHEN array_ndims(e.retry_schedule) > 1 THEN 'retry_schedule is not an array of one dimension'
            WHEN array_position(e.retry_schedule, NULL) IS NOT NULL THEN 'retry_schedule holds a NULL'
            WHEN EXISTS (SELECT FROM unnest(e.retry_schedule) AS w (wait) WHERE extract(year FROM w.wait) <> 0
                             OR extract(month FROM w.wait) <> 0) THEN 'retry_schedule counts months'
            WHEN extract(year FROM l.timeout) <> 0 OR extract(month FROM l.timeout) <> 0 THEN 'timeout counts months'
       END AS fault
FROM postrider.endpoints e
JOIN postrider.endpoint_urls u ON u.id = e.url_id
JOIN postrider.lanes l ON l.endpoint_id = e.id
WHERE e.state <> 'removed';

-- Event × endpoint that should have a delivery and has none, of the events from `since` on and before `until`. It demands one of
-- every subscription that was in effect when the event's transaction began. It goes from slice to slice along the index of events, and
-- reads of everything else what belongs to the slice: some seconds for a million events, whatever else is kept.
CREATE FUNCTION postrider.unaccounted_between(since timestamptz, until timestamptz)
RETURNS TABLE (event_id bigint, webhook_id text, event_type text, tenant text, endpoint text, created_at timestamptz, endpoint_id int)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(unaccounted_between.since, '-infinity');
    v_id bigint := 0;
    -- The last moment before `until`.
    v_until timestamptz := coalesce(unaccounted_between.until - interval '1 us', 'infinity');
    v_slice record;
BEGIN
    LOOP
        SELECT s.seen, s.low, s.high, s.last_at, s.last_id INTO v_slice FROM postrider.event_slice(v_at, v_id, v_until, 50000) s;
        EXIT WHEN v_slice.seen = 0;
        RETURN QUERY
        SELECT m.event_id, postrider.webhook_id(m.event_at, m.event_id), o.event_type, o.tenant, e.name, m.event_at, m.endpoint_id
        FROM postrider.missing_deliveries(v_at, v_id, v_slice.last_at, v_slice.last_id, v_slice.low, v_slice.high, NULL) m
        JOIN postrider.endpoints e ON e.id = m.endpoint_id
        JOIN postrider.outbox o ON o.created_at = m.event_at AND o.id = m.event_id
        ORDER BY m.event_id, m.endpoint_id;
        EXIT WHEN v_slice.seen < 50000;
        v_at := v_slice.last_at; v_id := v_slice.last_id;
    END LOOP;
END
$f$;

-- The same of all events that are kept: must always be empty. A condition on it makes it no cheaper; the function is for that.
CREATE VIEW postrider.unaccounted AS
SELECT u.event_id, u.webhook_id, u.event_type, u.tenant, u.endpoint, u.created_at, u.endpoint_id
FROM postrider.unaccounted_between('-infinity', 'infinity') u;

CREATE VIEW postrider.worker_list AS
SELECT w.id, w.name, w.version, w.started_at, w.seen_at, w.in_flight, w.draining,
       w.seen_at > statement_timestamp() - interval '30 s' AS alive
FROM postrider.workers w;
