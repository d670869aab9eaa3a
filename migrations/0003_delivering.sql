-- 0003 delivering: discover, claim, settle. The hot path.
--
-- Locks:        none; functions only.
-- Old workers:  may keep running.
--
-- Every function here pins its plan. With a parameter as LIMIT the planner would prepare for a tenth of the table; and a
-- table that was vacuumed while it was empty counts as empty until the next vacuum, so a join might start from all of
-- its rows and compare each with the whole batch. Live rows are therefore found by correlated subqueries, one index
-- look-up each, and changed by their ctid; lanes are found by `= ANY (ARRAY[…])`, which only a look-up can serve, where
-- an equality could be merged.

-- Lanes with live rows, and when the first row of each is due: one index descent a lane, however long the backlog is. Starts at
-- the lane's hint, because after a burst with a long transaction open the dead rows before it cannot be vacuumed.
CREATE FUNCTION postrider.discover(p_unhinted boolean)
RETURNS TABLE (endpoint_id int, due_in_us bigint)
LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $f$
    SELECT l.endpoint_id,
           greatest(0, extract(epoch FROM first.due_at - clock_timestamp()) * 1000000)::bigint
    FROM postrider.lanes l
    CROSS JOIN LATERAL (
        SELECT d.due_at FROM postrider.deliveries d
        WHERE d.endpoint_id = l.endpoint_id AND d.due_at < 'infinity'
            AND d.due_at >= CASE WHEN p_unhinted THEN '-infinity' ELSE l.scan_from END
        ORDER BY d.due_at LIMIT 1) first
    WHERE l.open_at <= clock_timestamp()
    -- Round-robin starts from a stable order; the worker turns it.
    ORDER BY l.endpoint_id
$f$;

-- Takes due deliveries of the lanes in p_ring (the worker's round-robin order), at most p_room[i] of lane i, p_budget rows
-- and p_bytes payload bytes in all (but always one row). What it returns is leased to p_worker until its endpoint's
-- timeout and p_slack are over, and its attempt is counted.
CREATE FUNCTION postrider.claim(
    p_worker int, p_ring int[], p_room int[], p_budget int, p_bytes bigint, p_slack interval, p_unhinted boolean)
RETURNS TABLE (
    endpoint_id int, revision int, due_at timestamptz, id bigint, attempt smallint, attempt_base smallint,
    event_id bigint, event_at timestamptz, bytes int)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_lanes int[];
    v_room int[];
BEGIN
    -- 1. Lock the lanes that have due work. A lane that another worker holds is skipped, not waited for: that worker is
    --    emptying it. The lock is what makes limits exact and lets step 2 do without row locks.
    WITH picked AS (
        SELECT l.endpoint_id, r.room
        FROM unnest(p_ring, p_room) WITH ORDINALITY AS r (endpoint_id, room, turn)
        JOIN postrider.lanes l ON l.endpoint_id = r.endpoint_id
        WHERE l.open_at <= v_now AND r.room > 0
            AND (SELECT true FROM postrider.deliveries d
                 WHERE d.endpoint_id = l.endpoint_id AND d.due_at <= v_now
                     AND d.due_at >= CASE WHEN p_unhinted THEN '-infinity' ELSE l.scan_from END
                 LIMIT 1)
        ORDER BY r.turn
        LIMIT 64
        FOR NO KEY UPDATE OF l SKIP LOCKED)
    SELECT array_agg(p.endpoint_id), array_agg(p.room) INTO v_lanes, v_room FROM picked p;
    IF v_lanes IS NULL THEN
        RETURN;
    END IF;

    -- 2. A new statement, so a snapshot taken while the lanes are already ours: it sees all that an earlier holder did.
    RETURN QUERY
    WITH lane AS MATERIALIZED (
        SELECT l.*, r.turn,
               CASE WHEN p_unhinted THEN '-infinity' ELSE l.scan_from END AS from_due,
               least(r.room, p_budget, CASE WHEN l.rate_limit IS NULL THEN r.room ELSE floor(bucket.filled)::int END) AS take,
               bucket.filled
        FROM unnest(v_lanes, v_room) WITH ORDINALITY AS r (endpoint_id, room, turn)
        JOIN postrider.lanes l ON l.endpoint_id = r.endpoint_id
        CROSS JOIN LATERAL (
            -- tokens_at may lie ahead: by a little when another claim began after this one and was quicker, by much
            -- when the clock was set back, and then the bucket starts again. Never below zero: LIMIT would fail.
            SELECT least(1 + l.rate_limit / 20, l.tokens + l.rate_limit
                * extract(epoch FROM v_now - CASE
                    WHEN l.tokens_at > v_now + interval '1 s' THEN v_now - interval '1 day'
                    ELSE least(greatest(l.tokens_at, v_now - interval '1 day'), v_now) END))::real AS filled) bucket),
    -- The first unleased rows of each lane, in the order of the primary key. Rows in flight before them are stepped
    -- over: there are at most as many as all workers hold.
    due AS MATERIALIZED (
        SELECT lane.turn, lane.endpoint_id, lane.revision, lane.timeout, lane.max_in_flight, lane.leased,
               c.spot, c.due_at, c.id, c.bytes, c.lease_by, c.ordering_key
        FROM lane CROSS JOIN LATERAL (
            SELECT d.ctid AS spot, d.due_at, d.id, d.bytes, d.lease_by, d.ordering_key
            FROM postrider.deliveries d
            WHERE d.endpoint_id = lane.endpoint_id AND d.due_at >= lane.from_due AND d.due_at <= v_now
                AND d.lease_until <= v_now
            ORDER BY d.due_at, d.id
            LIMIT lane.take) c),
    -- A row whose lease ran out may be under a late settle just now, which is going to want the lane that we hold:
    -- stepped over, not waited for.
    lapsed AS MATERIALIZED (
        SELECT d.id FROM due JOIN postrider.deliveries d
            ON d.ctid = due.spot AND d.due_at = due.due_at AND d.lease_by = due.lease_by
        WHERE due.lease_by <> 0
        FOR NO KEY UPDATE OF d SKIP LOCKED),
    -- Only the oldest live row of an ordering key may go. One index descent for each row that has a key.
    headed AS MATERIALIZED (
        SELECT due.*,
               due.ordering_key IS NULL OR NOT EXISTS (
                   SELECT 1 FROM postrider.deliveries earlier
                   WHERE earlier.endpoint_id = due.endpoint_id AND earlier.ordering_key = due.ordering_key
                       AND earlier.id < due.id) AS is_head
        FROM due WHERE due.lease_by = 0 OR due.id IN (SELECT lapsed.id FROM lapsed)),
    -- Where there is an in-flight limit, rows that no worker holds (lease_by = 0) count against it; a row whose lease ran
    -- out is counted already.
    within AS MATERIALIZED (
        SELECT h.*,
               sum(h.bytes) OVER turns AS bytes_so_far,
               row_number() OVER turns AS position
        FROM (
            SELECT headed.*,
                   count(*) FILTER (WHERE headed.lease_by = 0)
                       OVER (PARTITION BY headed.endpoint_id ORDER BY headed.due_at, headed.id) AS fresh
            FROM headed WHERE headed.is_head) h
        WHERE h.max_in_flight IS NULL OR h.lease_by <> 0 OR h.fresh <= h.max_in_flight - h.leased
        -- One lane's rows after another's would starve the last ones of the byte budget, so they are dealt in turns.
        WINDOW turns AS (ORDER BY h.turn, h.due_at, h.id)),
    taken AS (
        UPDATE postrider.deliveries d
        SET attempt = d.attempt + 1, lease_by = p_worker, lease_until = v_now + w.timeout + p_slack
        FROM within w
        WHERE w.position <= p_budget AND (w.bytes_so_far <= p_bytes OR w.position = 1)
            AND d.ctid = w.spot AND d.due_at = w.due_at AND d.lease_by = w.lease_by AND d.lease_until <= v_now
        RETURNING w.revision, w.lease_by AS held_by, d.*),
    -- The others of a key wait at 'infinity', where no scan meets them, until the one before them is done.
    parked AS (
        UPDATE postrider.deliveries d SET due_at = 'infinity', lease_until = '-infinity', lease_by = 0
        FROM headed h
        WHERE NOT h.is_head
            AND d.ctid = h.spot AND d.due_at = h.due_at AND d.lease_by = h.lease_by AND d.lease_until <= v_now
        RETURNING d.endpoint_id, h.lease_by AS held_by),
    spent AS (
        UPDATE postrider.lanes l
        SET leased = CASE WHEN l.max_in_flight IS NULL THEN 0 ELSE l.leased + n.fresh END,
            tokens = CASE WHEN l.rate_limit IS NULL THEN l.tokens ELSE lane.filled - n.taken END,
            tokens_at = CASE WHEN l.rate_limit IS NULL OR l.tokens_at BETWEEN v_now AND v_now + interval '1 s'
                             THEN l.tokens_at ELSE v_now END
        FROM (
            SELECT c.endpoint_id, sum(c.fresh)::int AS fresh, sum(c.taken)::int AS taken
            FROM (SELECT t.endpoint_id, (t.held_by = 0)::int AS fresh, 1 AS taken FROM taken t
                  UNION ALL SELECT p.endpoint_id, -(p.held_by <> 0)::int, 0 FROM parked p) c
            GROUP BY c.endpoint_id) n
        JOIN lane ON lane.endpoint_id = n.endpoint_id
        WHERE l.endpoint_id = n.endpoint_id AND (l.max_in_flight IS NOT NULL OR l.rate_limit IS NOT NULL))
    SELECT t.endpoint_id, t.revision, t.due_at, t.id, t.attempt, t.attempt_base, t.event_id, t.event_at, t.bytes
    FROM taken t;
END
$f$;

-- Moves each lane's hint up to its first live row, or close to now when it is empty. A row that commits later with an
-- earlier due_at is found by the unhinted claim.
CREATE FUNCTION postrider.advance_hints(p_lanes int[]) RETURNS void
LANGUAGE sql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $f$
    WITH first AS MATERIALIZED (
        SELECT l.endpoint_id, least(clock_timestamp() - interval '1 s', coalesce((
            SELECT d.due_at FROM postrider.deliveries d
            WHERE d.endpoint_id = l.endpoint_id AND d.due_at >= l.scan_from
            ORDER BY d.due_at LIMIT 1), 'infinity')) AS due_at
        FROM postrider.lanes l WHERE l.endpoint_id = ANY (p_lanes)),
    -- SKIP LOCKED: a hint is not worth waiting for, and waiting in another order could deadlock.
    free AS MATERIALIZED (
        SELECT l.endpoint_id, first.due_at FROM first JOIN postrider.lanes l ON l.endpoint_id = first.endpoint_id
        WHERE first.due_at > l.scan_from + interval '100 ms'
        FOR NO KEY UPDATE OF l SKIP LOCKED)
    UPDATE postrider.lanes l SET scan_from = free.due_at FROM free WHERE l.endpoint_id = free.endpoint_id
$f$;

-- Makes the next row of each ordering key due, after the one before it is gone. The caller has locked the lanes first:
-- otherwise a claim that still sees the one before could park the next at the same time, and it would wait for ever.
CREATE FUNCTION postrider.promote(p_lanes int[], p_keys text[]) RETURNS int
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $f$
DECLARE
    v_count int;
BEGIN
    UPDATE postrider.deliveries d SET due_at = clock_timestamp()
    FROM (SELECT DISTINCT u.endpoint_id, u.ordering_key COLLATE "C" AS ordering_key
          FROM unnest(p_lanes, p_keys) AS u (endpoint_id, ordering_key)) done
    CROSS JOIN LATERAL (
        SELECT n.ctid AS spot, n.due_at FROM postrider.deliveries n
        WHERE n.endpoint_id = done.endpoint_id AND n.ordering_key = done.ordering_key
        ORDER BY n.id LIMIT 1) next
    WHERE d.ctid = next.spot AND next.due_at = 'infinity';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- Records a batch of mixed outcomes in one transaction. The arrays run in parallel, one element a delivery.
-- p_outcome: 0 delivered, 1 retry after p_delay_us, 2 dead, 3 gone (410: the endpoint is disabled, the delivery held),
-- 4 expired (not sent), 5 released (not sent: given back, its attempt uncounted).
-- p_again: the same batch was sent before and its fate is unknown. What it had recorded then is not recorded twice.
-- Returns the ids that were stale: their lease was lost, so nothing but their attempt was recorded.
CREATE FUNCTION postrider.settle(
    p_worker int, p_again boolean, p_endpoint int[], p_due timestamptz[], p_id bigint[], p_attempt smallint[], p_event bigint[],
    p_event_at timestamptz[], p_outcome smallint[], p_delay_us bigint[], p_reason text[],
    p_started_us_ago bigint[], p_duration_us int[], p_url int[], p_status smallint[], p_error_code text[],
    p_error text[], p_body text[], p_remote text[], p_name_us int[], p_connect_us int[], p_tls_us int[],
    p_first_us int[])
RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_count int := cardinality(p_id);
    v_applied int[];
    v_known int[];
    v_keyed_lanes int[]; v_keys text[];
    v_gone int[];
    v_all boolean;
BEGIN
    -- 1. The rows. The fencing token (id, attempt, lease_by) is compared in the statement that changes the row, so a
    --    worker that lost its lease changes nothing. An element is known by its place in the arrays: a worker that claimed
    --    a row again after losing it may settle both attempts in one batch. The arrays are read by place, and only what is
    --    needed of them: `unnest` would copy every element of every array, which costs more than deleting the rows.
    WITH x AS MATERIALIZED (
        SELECT i.place, p_outcome[i.place] AS outcome, p_attempt[i.place] AS attempt,
               (SELECT d.ctid FROM postrider.deliveries d
                WHERE d.endpoint_id = p_endpoint[i.place] AND d.due_at = p_due[i.place] AND d.id = p_id[i.place]) AS spot
        FROM generate_series(1, v_count) AS i (place)),
    finished AS (
        -- A delivery that was cancelled while in flight (attempt_base -1) does not go on to another attempt.
        DELETE FROM postrider.deliveries d USING x
        WHERE (x.outcome IN (0, 2, 4) OR d.attempt_base = -1)
            AND d.ctid = x.spot AND d.attempt = x.attempt AND d.lease_by = p_worker
        RETURNING d.id, d.event_id, d.event_at, d.endpoint_id, d.bytes, d.attempt, d.attempt_base, d.ordering_key,
                  x.outcome, x.place),
    kept AS (
        UPDATE postrider.deliveries d
        SET due_at = CASE x.outcome WHEN 1 THEN v_now + p_delay_us[x.place] * interval '1 us' ELSE d.due_at END,
            attempt = CASE x.outcome WHEN 5 THEN d.attempt - 1 ELSE d.attempt END,
            -- An operator who resumes an endpoint that was gone gives its deliveries a fresh retry schedule.
            attempt_base = CASE x.outcome WHEN 3 THEN d.attempt ELSE d.attempt_base END,
            lease_until = '-infinity', lease_by = 0
        FROM x
        WHERE x.outcome IN (1, 3, 5) AND d.attempt_base <> -1
            AND d.ctid = x.spot AND d.attempt = x.attempt AND d.lease_by = p_worker
        RETURNING d.endpoint_id, x.outcome, x.place),
    buried AS (
        INSERT INTO postrider.dead (id, event_id, event_at, endpoint_id, bytes, attempts, ordering_key, reason,
                                    last_http_status, last_error_code, last_error, last_attempt_at)
        SELECT f.id, f.event_id, f.event_at, f.endpoint_id, f.bytes, f.attempt, f.ordering_key,
               coalesce(p_reason[f.place], 'attempts_exhausted'), p_status[f.place], p_error_code[f.place],
               p_error[f.place], v_now - p_started_us_ago[f.place] * interval '1 us'
        FROM finished f WHERE f.outcome = 2 AND f.attempt_base <> -1),
    closed AS (
        INSERT INTO postrider.closed (event_id, event_at, endpoint_id, attempts, status, reason, last_http_status,
                                      last_error_code, last_attempt_at)
        SELECT f.event_id, f.event_at, f.endpoint_id,
               CASE WHEN f.outcome IN (4, 5) THEN f.attempt - 1 ELSE f.attempt END,
               CASE WHEN f.outcome = 4 THEN 'expired' ELSE 'cancelled' END, p_reason[f.place], p_status[f.place],
               p_error_code[f.place],
               CASE WHEN f.outcome NOT IN (4, 5) THEN v_now - p_started_us_ago[f.place] * interval '1 us' END
        FROM finished f WHERE f.outcome = 4 OR (f.attempt_base = -1 AND f.outcome <> 0))
    SELECT (SELECT array_agg(a.place) FROM (SELECT f.place FROM finished f UNION ALL SELECT k.place FROM kept k) a),
           (SELECT array_agg(f.endpoint_id) FROM finished f WHERE f.ordering_key IS NOT NULL),
           (SELECT array_agg(f.ordering_key) FROM finished f WHERE f.ordering_key IS NOT NULL),
           (SELECT array_agg(DISTINCT k.endpoint_id) FROM kept k WHERE k.outcome = 3)
    INTO v_applied, v_keyed_lanes, v_keys, v_gone;
    v_all := coalesce(cardinality(v_applied), 0) = v_count;

    -- 2. The attempts, under what was found out in step 1.
    IF p_again THEN
        SELECT array_agg(i.place) INTO v_known FROM generate_series(1, v_count) AS i (place)
        -- With LIMIT it stays a look-up for each element: EXISTS could become a join that starts from all attempts.
        WHERE (SELECT true FROM postrider.attempts a
               WHERE a.event_id = p_event[i.place] AND a.endpoint_id = p_endpoint[i.place]
                   AND a.attempt = p_attempt[i.place] AND a.worker = p_worker LIMIT 1);
    END IF;
    INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt,
        outcome, worker, http_status, name_lookup_us, connect_us, tls_us, first_byte_us, remote_address, error_code,
        error, response_body)
    SELECT v_now - p_started_us_ago[x.place] * interval '1 us', p_event_at[x.place], p_event[x.place],
           p_endpoint[x.place], p_url[x.place], p_duration_us[x.place], p_attempt[x.place],
           CASE WHEN NOT x.is_applied THEN 3 WHEN p_outcome[x.place] = 3 THEN 1 ELSE p_outcome[x.place] END,
           p_worker, p_status[x.place], p_name_us[x.place], p_connect_us[x.place], p_tls_us[x.place],
           p_first_us[x.place], p_remote[x.place],
           CASE WHEN x.is_applied THEN p_error_code[x.place] ELSE 'lost_lease' END, p_error[x.place], p_body[x.place]
    -- IN as an expression becomes a hash look-up; as a join it could not, with the joins above pinned.
    FROM (SELECT i.place, v_all OR i.place IN (SELECT unnest(v_applied)) AS is_applied
          FROM generate_series(1, v_count) AS i (place)) x
    WHERE p_outcome[x.place] NOT IN (4, 5)
        AND (v_known IS NULL OR x.place NOT IN (SELECT unnest(v_known)));

    -- 3. The lanes, only where something must change on them: locked all at once, in the order of ids, as everyone
    --    does who takes several. A fresh snapshot: a limit set since step 1 is seen. The row that `leased` counts was
    --    ours, so each applied row of a limited lane lowers it by one.
    PERFORM 1 FROM postrider.lanes l
    WHERE l.endpoint_id = ANY (p_endpoint) AND (l.max_in_flight IS NOT NULL OR l.endpoint_id = ANY (v_keyed_lanes))
    ORDER BY l.endpoint_id FOR NO KEY UPDATE;
    IF FOUND THEN
        UPDATE postrider.lanes l SET leased = greatest(0, l.leased - n.count)
        FROM (SELECT u.endpoint_id, count(*)::int AS count
              FROM unnest(p_endpoint) WITH ORDINALITY AS u (endpoint_id, place)
              WHERE v_all OR u.place IN (SELECT unnest(v_applied))
              GROUP BY u.endpoint_id) n
        WHERE l.endpoint_id = ANY (ARRAY[n.endpoint_id]) AND l.max_in_flight IS NOT NULL;
    END IF;
    IF v_keys IS NOT NULL THEN
        PERFORM postrider.promote(v_keyed_lanes, v_keys);
    END IF;

    IF v_gone IS NOT NULL THEN
        PERFORM postrider.disable_endpoint(g.id, 'the endpoint answered 410 Gone') FROM unnest(v_gone) AS g (id);
    END IF;

    -- 4. How the endpoints are doing. Successes in a row are written once a second at most.
    UPDATE postrider.endpoint_marks m
    SET consecutive_failures = CASE WHEN n.succeeded THEN 0 ELSE m.consecutive_failures + n.failures END,
        last_success_at = CASE WHEN n.succeeded THEN v_now ELSE m.last_success_at END,
        last_failure_at = CASE WHEN n.failures > 0 THEN v_now ELSE m.last_failure_at END
    FROM (SELECT u.endpoint_id, bool_or(u.outcome = 0) AS succeeded,
                 count(*) FILTER (WHERE u.outcome IN (1, 2, 3))::int AS failures
          FROM unnest(p_endpoint, p_outcome) WITH ORDINALITY AS u (endpoint_id, outcome, place)
          WHERE u.outcome < 4 AND (v_all OR u.place IN (SELECT unnest(v_applied)))
          GROUP BY u.endpoint_id ORDER BY u.endpoint_id) n
    WHERE m.endpoint_id = ANY (ARRAY[n.endpoint_id])
        AND (n.failures > 0 OR m.consecutive_failures > 0 OR m.last_success_at IS NULL
             OR m.last_success_at < v_now - interval '1 s');

    IF NOT v_all THEN
        RETURN QUERY SELECT u.id FROM unnest(p_id) WITH ORDINALITY AS u (id, place)
                     WHERE u.place <> ALL (coalesce(v_applied, '{}')) AND u.place <> ALL (coalesce(v_known, '{}'));
    END IF;
END
$f$;
