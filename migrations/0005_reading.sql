-- 0005 reading: the views. Their columns are the contract; the tables under them are not.
--
-- Locks:        none; views, and functions that read.
-- Old workers:  may keep running.
--
-- A view reads with its owner's rights, so a role that may read it needs no right on the tables; but it must be allowed to call
-- the functions in it. Endpoint secrets and the
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
-- and given back unsent, whose numbers attempt_log.attempt steps over. `reason` says why it ended as it did, or that it was cancelled
-- while in flight; `closed_by` which login closed it; `waits_for` behind which event it is parked.
CREATE VIEW postrider.event_deliveries AS
WITH known AS NOT MATERIALIZED (
    -- Live: its state is what its times say.
    SELECT d.event_id, d.event_at, d.endpoint_id,
           CASE WHEN d.lease_until > statement_timestamp() THEN 'in_flight'
                WHEN postrider.is_held(l.open_at) THEN 'held'
                WHEN key.is_blocked THEN 'blocked'
                WHEN d.attempt > d.attempt_base THEN 'retrying'
                ELSE 'pending' END AS status,
           d.attempt - coalesce(d.unsent, 0) AS attempts, d.due_at, last.started_at AS last_attempt_at, last.http_status AS last_http_status,
           last.error_code AS last_error_code, NULL::timestamptz AS finished_at, d.cancelled_why AS reason, NULL AS closed_by,
           -- Where it is the first of its key itself, a dead letter stops the key.
           CASE WHEN key.event_id <> d.event_id THEN key.event_id ELSE (
               SELECT x.event_id FROM postrider.dead x
               WHERE x.endpoint_id = d.endpoint_id AND x.ordering_key = d.ordering_key AND x.id < d.id ORDER BY x.id LIMIT 1) END AS waits_for
    FROM postrider.deliveries d
    JOIN postrider.lanes l ON l.endpoint_id = d.endpoint_id
    -- Parked behind the first row of its ordering key. Blocked, if that row failed or is not due yet; otherwise its turn comes.
    LEFT JOIN LATERAL (
        SELECT h.event_id,
               h.due_at > statement_timestamp()
                   OR h.attempt > h.attempt_base + (h.lease_until > statement_timestamp())::int AS is_blocked
        FROM postrider.deliveries h WHERE h.endpoint_id = d.endpoint_id AND h.ordering_key = d.ordering_key
        ORDER BY h.id LIMIT 1) key ON d.due_at = 'infinity'
    LEFT JOIN LATERAL (
        SELECT a.started_at, a.http_status, a.error_code FROM postrider.attempts a
        WHERE a.event_id = d.event_id AND a.event_at = d.event_at AND a.endpoint_id = d.endpoint_id
        ORDER BY a.attempt DESC, a.started_at DESC LIMIT 1) last ON d.attempt > 0
    UNION ALL
    SELECT x.event_id, x.event_at, x.endpoint_id, 'dead', x.attempts, NULL, x.last_attempt_at, x.last_http_status,
           x.last_error_code, x.dead_at, x.reason, NULL, NULL
    FROM postrider.dead x
    UNION ALL
    SELECT c.event_id, c.event_at, c.endpoint_id, c.status, c.attempts, NULL, c.last_attempt_at, c.last_http_status,
           c.last_error_code, c.closed_at, c.reason, c.closed_by, NULL
    FROM postrider.closed c
    UNION ALL
    SELECT a.event_id, a.event_at, a.endpoint_id, 'delivered', a.attempt - coalesce(a.unsent, 0), NULL, a.started_at, a.http_status, NULL,
           a.started_at + a.duration_us * interval '1 us', NULL, NULL, NULL
    FROM postrider.attempts a WHERE a.outcome = 0)
SELECT k.event_id, postrider.webhook_id(k.event_at, k.event_id) AS webhook_id, o.event_type, o.tenant, e.name AS endpoint, k.status,
       k.attempts::int AS attempts, k.due_at, k.last_attempt_at, k.last_http_status::int AS last_http_status,
       k.last_error_code, k.event_at AS created_at, k.finished_at, k.reason, k.closed_by, k.waits_for
FROM known k
JOIN postrider.endpoints e ON e.id = k.endpoint_id
LEFT JOIN postrider.outbox o ON o.created_at = k.event_at AND o.id = k.event_id
UNION ALL
SELECT o.id, postrider.webhook_id(o.created_at, o.id), o.event_type, o.tenant, NULL, 'no_subscriber', 0, NULL, NULL, NULL, NULL,
       o.created_at, o.created_at, NULL, NULL, NULL
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

-- When an event ended everywhere, by the last of its deliveries; NULL while one lives. For producers too: see event_state.
CREATE FUNCTION postrider.event_ended_at(event_id bigint, webhook_id text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
    SELECT CASE WHEN count(*) = count(d.finished_at) THEN max(d.finished_at) END
    FROM postrider.event_deliveries d
    WHERE d.event_id = event_ended_at.event_id AND d.webhook_id = event_ended_at.webhook_id AND d.endpoint IS NOT NULL
$f$;

CREATE VIEW postrider.attempt_log AS
SELECT a.event_id, postrider.webhook_id(a.event_at, a.event_id) AS webhook_id, o.event_type, e.name AS endpoint,
       a.attempt::int AS attempt, a.started_at, round(a.duration_us / 1000.0, 3) AS duration_ms,
       (ARRAY['delivered', 'retry', 'dead', 'stale', 'delivered'])[a.outcome + 1] AS outcome,
       a.http_status::int AS http_status, a.error_code, a.error, a.response_body, u.url AS request_url, a.remote_address,
       -- How many milliseconds each phase took; none for a phase that did not happen.
       jsonb_strip_nulls(jsonb_build_object(
           'name_lookup_ms', round(a.name_lookup_us / 1000.0, 3), 'connect_ms', round(a.connect_us / 1000.0, 3),
           'tls_ms', round(a.tls_us / 1000.0, 3), 'first_byte_ms', round(a.first_byte_us / 1000.0, 3),
           'total_ms', round(a.duration_us / 1000.0, 3))) AS timings,
       a.worker, a.retry_after, a.location, a.allowed_ms, n.name AS worker_name, e.tenant
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

-- How much is owed to each endpoint, by state, with at most p_cap rows read of each lane's due, of its later and of its dead ones,
-- and a tenth of that of its parked ones; `is_capped` says that there may be more. A lane without anything
-- has no row.
--
-- Each delivery counts once, in the words of event_deliveries. `oldest_due` is exact, above the cap too: since when the oldest
-- delivery that is due and not in flight has been due; of a lane that is closed, or that
-- the breaker holds, nothing is due. Costs two descents for a lane, one more where the cap is reached and where rows are parked, and a
-- step for each row read. Its COST is what makes the planner give each half of the lanes to a process where `census` asks for that.
CREATE FUNCTION postrider.count_lanes(p_lanes int[], p_cap int)
RETURNS TABLE (
    endpoint_id int, pending bigint, in_flight bigint, retrying bigint, held bigint, blocked bigint, blocked_keys bigint,
    dead_letters bigint, is_capped boolean, oldest_due timestamptz, oldest_blocked timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE COST 4000000
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    -- A look-up of the first row of its key for each, at worst.
    v_parked int := greatest(p_cap / 10, 1);
BEGIN
    RETURN QUERY
    WITH lane AS MATERIALIZED (
        SELECT l.endpoint_id, l.open_at < 'infinity' AS is_open, l.open_at <= v_now AND l.closures = 0 AS is_due
        FROM postrider.lanes l WHERE l.endpoint_id = ANY (p_lanes))
    SELECT n.endpoint_id,
           CASE WHEN n.is_open THEN n.waiting - n.retrying - n.blocked ELSE 0 END, n.in_flight,
           CASE WHEN n.is_open THEN n.retrying ELSE 0 END, CASE WHEN n.is_open THEN 0 ELSE n.waiting END,
           CASE WHEN n.is_open THEN n.blocked ELSE 0 END, CASE WHEN n.is_open THEN n.keys ELSE 0 END,
           n.dead, n.is_capped, CASE WHEN n.is_due THEN n.oldest END, CASE WHEN n.is_open THEN n.oldest_blocked END
    FROM (
        SELECT lane.endpoint_id, lane.is_open, lane.is_due, few.in_flight, buried.count AS dead,
               few.waiting + coalesce(later.waiting, few.later_waiting) + coalesce(parked.waiting, 0) AS waiting,
               few.retrying + coalesce(later.retrying, few.later_retrying) AS retrying,
               coalesce(parked.blocked, 0) AS blocked, coalesce(parked.keys, 0) AS keys,
               few.count + few.later_count >= p_cap OR coalesce(parked.waiting, 0) >= v_parked
                   OR buried.count >= p_cap AS is_capped,
               -- What is leased stands at the front: a small cap may see nothing else.
               coalesce(few.oldest, CASE WHEN few.count >= p_cap THEN (
                   SELECT d.due_at FROM postrider.deliveries d
                   WHERE d.endpoint_id = lane.endpoint_id AND d.due_at <= v_now AND d.lease_until <= v_now
                   ORDER BY d.due_at LIMIT 1) END) AS oldest,
               parked.oldest_blocked, few.count + few.later_count AS live
        FROM lane
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE d.is_due) AS count, count(*) FILTER (WHERE NOT d.is_due) AS later_count,
                   count(*) FILTER (WHERE d.is_leased) AS in_flight,
                   count(*) FILTER (WHERE d.is_due AND NOT d.is_leased) AS waiting,
                   count(*) FILTER (WHERE d.is_due AND NOT d.is_leased AND d.is_retry) AS retrying,
                   count(*) FILTER (WHERE NOT d.is_due AND NOT d.is_parked AND NOT d.is_leased) AS later_waiting,
                   count(*) FILTER (WHERE NOT d.is_due AND NOT d.is_parked AND NOT d.is_leased AND d.is_retry) AS later_retrying,
                   min(d.due_at) FILTER (WHERE d.is_due AND NOT d.is_leased) AS oldest, bool_or(d.is_parked) AS has_parked
            FROM (SELECT d.due_at, d.due_at <= v_now AS is_due, d.due_at = 'infinity' AS is_parked,
                         d.lease_until > v_now AS is_leased, d.attempt > d.attempt_base AS is_retry
                  FROM postrider.deliveries d WHERE d.endpoint_id = lane.endpoint_id
                  ORDER BY d.due_at, d.id LIMIT p_cap) d) few
        -- What stands behind the cap: only asked where it was reached. Parked rows come last, so it tells of them too.
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE d.is_waiting) AS waiting, count(*) FILTER (WHERE d.is_waiting AND d.is_retry) AS retrying,
                   bool_or(d.is_parked) OR count(*) >= p_cap AS may_be_parked
            FROM (SELECT d.due_at = 'infinity' AS is_parked, d.due_at < 'infinity' AND d.lease_until <= v_now AS is_waiting,
                         d.attempt > d.attempt_base AS is_retry
                  FROM postrider.deliveries d WHERE d.endpoint_id = lane.endpoint_id AND d.due_at > v_now
                  ORDER BY d.due_at, d.id LIMIT p_cap) d
            HAVING few.count + few.later_count >= p_cap) later ON true
        -- The oldest of the parked rows, and of each key its first row: blocked, if that failed or is not due yet.
        LEFT JOIN LATERAL (
            SELECT sum(k.count)::bigint AS waiting, (sum(k.count) FILTER (WHERE k.is_blocked))::bigint AS blocked,
                   count(*) FILTER (WHERE k.is_blocked) AS keys, min(k.oldest) FILTER (WHERE k.is_blocked) AS oldest_blocked
            FROM (
                SELECT p.count, p.oldest, (
                    SELECT h.due_at > v_now OR h.attempt > h.attempt_base + (h.lease_until > v_now)::int
                    FROM postrider.deliveries h WHERE h.endpoint_id = lane.endpoint_id AND h.ordering_key = p.ordering_key
                    ORDER BY h.id LIMIT 1) AS is_blocked
                FROM (
                    SELECT d.ordering_key, count(*) AS count, min(d.event_at) AS oldest
                    FROM (SELECT d.ordering_key, d.event_at FROM postrider.deliveries d
                          WHERE d.endpoint_id = lane.endpoint_id AND d.due_at = 'infinity'
                          ORDER BY d.id LIMIT v_parked) d
                    GROUP BY d.ordering_key) p) k
            HAVING few.has_parked OR later.may_be_parked) parked ON true
        CROSS JOIN LATERAL (
            SELECT count(*) AS count
            FROM (SELECT 1 FROM postrider.dead x WHERE x.endpoint_id = lane.endpoint_id ORDER BY x.id LIMIT p_cap) x) buried) n
    WHERE n.live > 0 OR n.dead > 0;
END
$f$;

-- The lanes that are owed something or have dead letters, by number. It steps from each to the next, so lanes that have nothing cost
-- nothing, however many they are. Where more than p_limit have something, a step costs more than to look into each lane there is: then it
-- returns all of them.
CREATE FUNCTION postrider.owed_lanes(p_limit int DEFAULT 10000) RETURNS int[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
DECLARE
    v_owed int[];
BEGIN
    v_owed := ARRAY(
        WITH RECURSIVE owed (id) AS (
            (SELECT d.endpoint_id FROM postrider.deliveries d ORDER BY d.endpoint_id, d.due_at, d.id LIMIT 1)
            UNION ALL
            SELECT (SELECT d.endpoint_id FROM postrider.deliveries d WHERE d.endpoint_id > owed.id
                    ORDER BY d.endpoint_id, d.due_at, d.id LIMIT 1)
            FROM owed WHERE owed.id IS NOT NULL),
        buried (id) AS (
            (SELECT x.endpoint_id FROM postrider.dead x ORDER BY x.endpoint_id, x.id LIMIT 1)
            UNION ALL
            SELECT (SELECT x.endpoint_id FROM postrider.dead x WHERE x.endpoint_id > buried.id
                    ORDER BY x.endpoint_id, x.id LIMIT 1)
            FROM buried WHERE buried.id IS NOT NULL),
        few AS ((SELECT owed.id FROM owed LIMIT p_limit + 1) UNION (SELECT buried.id FROM buried LIMIT p_limit + 1))
        SELECT few.id FROM few WHERE few.id IS NOT NULL ORDER BY few.id);
    IF cardinality(v_owed) > p_limit THEN
        RETURN ARRAY(SELECT l.endpoint_id FROM postrider.lanes l ORDER BY l.endpoint_id);
    END IF;
    RETURN v_owed;
END
$f$;

-- The same for all lanes, within about half a second: counts are capped for each lane, never over all, so that a long backlog hides no
-- other lane. First all lanes with the cap that p_budget rows allow each, then those that reached it with what is allowed for so few.
-- Where there are many lanes, two processes count half of them each, if the server has them free.
CREATE FUNCTION postrider.census(p_budget int DEFAULT 300000)
RETURNS TABLE (
    endpoint_id int, pending bigint, in_flight bigint, retrying bigint, held bigint, blocked bigint, blocked_keys bigint,
    dead_letters bigint, is_capped boolean, oldest_due timestamptz, oldest_blocked timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET work_mem = '32MB' SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_custom_plan AS $f$
#variable_conflict use_column
DECLARE
    v_lanes int[] := postrider.owed_lanes();
    v_half int := cardinality(v_lanes) / 2;
    v_cap int := greatest(3, least(10000, p_budget / greatest(1, cardinality(v_lanes))));
BEGIN
    -- To start a process takes as long as to count some hundred lanes. The setting ends with the function.
    IF cardinality(v_lanes) > 10000 THEN PERFORM set_config('max_parallel_workers_per_gather', '2', true); END IF;
    RETURN QUERY
    WITH counted AS MATERIALIZED (
        SELECT n.* FROM postrider.count_lanes(v_lanes[:v_half], v_cap) n
        UNION ALL
        SELECT n.* FROM postrider.count_lanes(v_lanes[v_half + 1:], v_cap) n),
    again AS MATERIALIZED (
        SELECT n.* FROM (
            SELECT array_agg(c.endpoint_id) AS lanes, least(100000, p_budget / greatest(1, count(*)))::int AS cap
            FROM counted c WHERE c.is_capped HAVING count(*) BETWEEN 1 AND p_budget / (2 * v_cap)) long
        CROSS JOIN LATERAL postrider.count_lanes(long.lanes, long.cap) n)
    SELECT a.* FROM again a
    UNION ALL
    SELECT c.* FROM counted c WHERE c.endpoint_id NOT IN (SELECT a.endpoint_id FROM again a);
END
$f$;

-- How each endpoint is doing. Counts are capped as `census` says, and `counts_capped` tells which of them mean "at least".
CREATE VIEW postrider.endpoint_health AS
SELECT e.name AS endpoint, u.url, CASE WHEN e.state = 'active' AND l.closures > 0 THEN 'failing' ELSE e.state END AS state,
       CASE WHEN e.state = 'active' AND l.closures > 0
            THEN concat_ws(' ', m.consecutive_failures || ' failures in a row, the last:', m.last_error_code, m.last_http_status)
                || CASE WHEN m.warned > 0 THEN '; disabled at ' || date_trunc('second', m.failing_since + e.disable_after) ELSE '' END
            ELSE e.state_reason END AS state_reason,
       coalesce(n.pending, 0) AS pending, coalesce(n.in_flight, 0) AS in_flight,
       statement_timestamp() - n.oldest_due AS oldest_due_age,
       m.consecutive_failures, m.last_success_at, m.last_failure_at, coalesce(n.dead_letters, 0) AS dead_letters,
       e.tenant, coalesce(n.retrying, 0) AS retrying, coalesce(n.held, 0) AS held, coalesce(n.blocked, 0) AS blocked,
       coalesce(n.blocked_keys, 0) AS blocked_keys, statement_timestamp() - n.oldest_blocked AS oldest_blocked_age,
       coalesce(n.is_capped, false) AS counts_capped, m.failing_since, m.last_http_status::int AS last_http_status,
       m.last_error_code, m.last_error, e.state_at AS state_since,
       -- When its lane opens, only while it is closed until then; or when its receiver is asked again.
       CASE WHEN e.state = 'verifying' THEN e.ask_at
            WHEN l.open_at > statement_timestamp() AND l.open_at < 'infinity' OR e.state = 'active' AND l.closures > 0 THEN l.open_at
       END AS next_probe_at
FROM postrider.endpoints e
JOIN postrider.endpoint_urls u ON u.id = e.url_id
JOIN postrider.endpoint_marks m ON m.endpoint_id = e.id
JOIN postrider.lanes l ON l.endpoint_id = e.id
LEFT JOIN postrider.census() n ON n.endpoint_id = e.id
WHERE e.state <> 'removed';

-- Every change of an endpoint's state, the newest last: also that the breaker holds it (`failing`) and lets go of it. `from_state` is NULL for a
-- new endpoint.
CREATE VIEW postrider.endpoint_changes AS
SELECT c.id, c.at, e.name AS endpoint, e.tenant, c.was AS from_state, c.became AS to_state, c.why, c.by_whom
FROM postrider.state_changes c JOIN postrider.endpoints e ON e.id = c.endpoint_id;

-- How endpoints are set up, without secrets and without the values of their headers. `fault` says why workers cannot read one
-- that is stored although a rule forbids it: they give its deliveries up, with invalid_endpoint.
CREATE VIEW postrider.endpoint_settings AS
SELECT e.name AS endpoint, e.tenant, u.url, e.state, e.state_reason,
       ARRAY(SELECT s.pattern FROM postrider.subscriptions s WHERE s.endpoint_id = e.id ORDER BY s.pattern) AS event_types,
       e.payload_format, e.retry_schedule, e.max_attempts, l.timeout, e.max_in_flight, e.rate_limit,
       -- A line without a colon has no name, and all of it may be a value, which no operator sees.
       ARRAY(SELECT split_part(h, ':', 1) FROM unnest(e.headers) AS h WHERE strpos(h, ':') > 0) AS header_names,
       (SELECT count(*) FROM postrider.endpoint_secrets s
        WHERE s.endpoint_id = e.id AND s.public_key IS NULL AND s.expires_at > now())::int AS secrets,
       e.created_at, e.updated_at,
       -- Where receivers refuse signatures, the first question is whether the secret was changed, and when.
       (SELECT max(s.created_at) FROM postrider.endpoint_secrets s WHERE s.endpoint_id = e.id) AS newest_secret_at,
       -- NULL where `disable_after` says never.
       e.permanent_status, e.ordering_failure, l.breaker, e.disable_after,
       e.filter,
       e.transform,
       l.coalesces AS coalesce,
       CASE WHEN array_ndims(e.headers) > 1 THEN 'headers is not an array of one dimension'
            WHEN array_position(e.headers, NULL) IS NOT NULL THEN 'headers holds a NULL'
            WHEN array_ndims(e.retry_schedule) > 1 THEN 'retry_schedule is not an array of one dimension'
            WHEN array_position(e.retry_schedule, NULL) IS NOT NULL THEN 'retry_schedule holds a NULL'
            WHEN EXISTS (SELECT FROM unnest(e.retry_schedule) AS w (wait) WHERE extract(year FROM w.wait) <> 0
                             OR extract(month FROM w.wait) <> 0) THEN 'retry_schedule counts months'
            WHEN extract(year FROM l.timeout) <> 0 OR extract(month FROM l.timeout) <> 0 THEN 'timeout counts months'
            WHEN array_ndims(e.signature) > 1 THEN 'signature is not an array of one dimension'
            WHEN array_position(e.signature, NULL) IS NOT NULL THEN 'signature holds a NULL'
       END AS fault,
       e.signature,
       ARRAY(SELECT s.public_key FROM postrider.endpoint_secrets s
             WHERE s.endpoint_id = e.id AND s.public_key IS NOT NULL AND s.expires_at > now() ORDER BY s.id DESC) AS public_keys,
       -- Its kind alone: what follows is credentials.
       split_part(e.auth, ':', 1) AS auth,
       e.client_certificate,
       e.ca,
       e.method,
       e.text,
       -- Requests a second, as the receiver named them when it agreed.
       e.verify, e.verified_at, e.allowed_rate,
       e.description
FROM postrider.endpoints e
JOIN postrider.endpoint_urls u ON u.id = e.url_id
JOIN postrider.lanes l ON l.endpoint_id = e.id
WHERE e.state <> 'removed';

-- Event × endpoint that should have a delivery and has none, of the events from `since` on and before `until`. It demands one of
-- every subscription that was in effect when the event's transaction began. It goes from slice to slice along the index of events, and
-- reads of everything else what belongs to the slice: some seconds for a million events, however much else is kept.
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
