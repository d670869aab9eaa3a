-- 0010 replaying: events of any state are sent again, at a rate, by a job that workers do in small steps.
--
-- Locks:        none at migration; at run time the job, then dead letters, closed deliveries and attempts, those that can be had.
-- Old workers:  may keep running; they do no replays.
--
-- A job goes over events by their numbers, which is the order in which they were inserted: so the events of an ordering key keep
-- their order among themselves. What it did and where it is are committed together, so no event is taken twice. The record that says
-- how a delivery ended becomes a live row in the same statement, as with dead letters: a delivery that is live is never replayed, and
-- two that want to replay the same one do it once.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE postrider.replays (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT session_user,
    why text,
    -- Its row of the audit log, which counts on.
    act bigint,
    -- What it is about; NULL means any. Numbers are in ascending order.
    ids bigint[],
    endpoint_id int,
    tenant text,
    since timestamptz,
    until timestamptz,
    event_type text,
    status text,
    -- How.
    new_id boolean NOT NULL,
    ignore_expiry boolean NOT NULL,
    rate int NOT NULL CHECK (rate BETWEEN 1 AND 10000),
    -- Up to which number it has come, and to which it goes; how many numbers it looks at next.
    spot_id bigint NOT NULL DEFAULT 0,
    last_id bigint NOT NULL,
    portion int NOT NULL DEFAULT 1000,
    -- How many deliveries it may make at once.
    tokens real NOT NULL DEFAULT 0,
    tokens_at timestamptz,
    -- Deliveries made; and left since they expired, were cancelled, or could not be replayed.
    replayed bigint NOT NULL DEFAULT 0,
    expired bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    unfit bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
    failures int NOT NULL DEFAULT 0,
    last_error text,
    ended_at timestamptz
);
CREATE INDEX replays_running ON postrider.replays (id) WHERE ended_at IS NULL;

-- Replays of events, the running ones and those of the last weeks. `progress` is from 0 to 1.
CREATE VIEW postrider.replay_jobs AS
SELECT r.id, r.state, e.name AS endpoint, r.tenant, cardinality(r.ids) AS events, r.since, r.until, r.event_type, r.status, r.new_id,
       r.ignore_expiry, r.rate, r.replayed, r.expired, r.cancelled, r.unfit,
       CASE WHEN r.state = 'done' THEN 1 WHEN r.last_id = 0 THEN 0 ELSE round(r.spot_id::numeric / r.last_id, 3) END AS progress,
       r.created_at, r.created_by, r.why, r.ended_at, r.last_error
FROM postrider.replays r
LEFT JOIN postrider.endpoints e ON e.id = r.endpoint_id;

-- The next events of a job: at most p_limit, out of those with numbers above its spot and up to spot_to. By the index of numbers, which
-- is small and coarse, without what the planner believes to know of the tables.
CREATE FUNCTION postrider.next_replayed(p_job postrider.replays, p_limit int, OUT ids bigint[], OUT times timestamptz[], OUT spot_to bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off SET jit = off
AS $f$
DECLARE
    v_named bigint[];
BEGIN
    IF p_job.ids IS NOT NULL THEN
        v_named := ARRAY(SELECT u.id FROM unnest(p_job.ids) AS u (id) WHERE u.id > p_job.spot_id ORDER BY u.id LIMIT least(p_limit, 200));
        spot_to := coalesce(v_named[200], p_job.last_id);
    ELSE
        spot_to := least(p_job.spot_id + p_job.portion, p_job.last_id);
    END IF;
    SELECT array_agg(n.id ORDER BY n.id, n.created_at), array_agg(n.created_at ORDER BY n.id, n.created_at) INTO ids, times
    FROM (SELECT o.id, o.created_at FROM postrider.outbox o
          WHERE o.id > p_job.spot_id AND o.id <= spot_to AND (v_named IS NULL OR o.id = ANY (v_named))
              AND o.created_at >= coalesce(p_job.since, '-infinity') AND (p_job.until IS NULL OR o.created_at < p_job.until)
              AND (p_job.tenant IS NULL OR o.tenant = p_job.tenant) AND postrider.type_matches(o.event_type, p_job.event_type)
          ORDER BY o.id LIMIT p_limit) n;
    IF cardinality(ids) = p_limit THEN
        -- Of events with the same number all or none.
        spot_to := ids[p_limit] - 1;
        IF spot_to <= p_job.spot_id THEN
            spot_to := ids[p_limit];
        END IF;
    END IF;
END
$f$;

-- How the deliveries of these events ended, where they have: one row a delivery, the one that counts now.
CREATE FUNCTION postrider.ended_deliveries(p_ids bigint[], p_times timestamptz[], p_lane int)
RETURNS TABLE (
    event_id bigint, event_at timestamptz, endpoint_id int, status text, attempts smallint, unsent smallint, dead_id bigint, spot tid,
    started_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET jit = off
AS $f$
#variable_conflict use_column
DECLARE
    v_low bigint; v_high bigint; v_since timestamptz; v_is_dense boolean;
BEGIN
    SELECT min(u.id), max(u.id), min(u.at) - interval '2 days', max(u.id) - min(u.id) < 4 * count(*)
    INTO v_low, v_high, v_since, v_is_dense FROM unnest(p_ids, p_times) AS u (id, at);
    RETURN QUERY
    WITH chosen AS MATERIALIZED (SELECT u.id, u.at FROM unnest(p_ids, p_times) AS u (id, at))
    SELECT x.event_id, x.event_at, x.endpoint_id, 'dead', (x.attempts + coalesce(x.unsent, 0))::smallint, x.unsent, x.id, NULL::tid,
           NULL::timestamptz
    FROM postrider.dead x JOIN chosen c ON c.id = x.event_id AND c.at = x.event_at
    WHERE x.event_id BETWEEN v_low AND v_high AND (v_is_dense OR x.event_id = ANY (p_ids)) AND (p_lane IS NULL OR x.endpoint_id = p_lane)
    UNION ALL
    SELECT x.event_id, x.event_at, x.endpoint_id, x.status, x.attempts, NULL, NULL, x.ctid, NULL
    FROM postrider.closed x JOIN chosen c ON c.id = x.event_id AND c.at = x.event_at
    WHERE x.event_id BETWEEN v_low AND v_high AND (v_is_dense OR x.event_id = ANY (p_ids)) AND (p_lane IS NULL OR x.endpoint_id = p_lane)
    UNION ALL
    SELECT a.event_id, a.event_at, a.endpoint_id, 'delivered', a.attempt, a.unsent, NULL, NULL, a.started_at
    FROM postrider.attempts a JOIN chosen c ON c.id = a.event_id AND c.at = a.event_at
    WHERE a.outcome = 0 AND a.started_at > v_since AND a.event_id BETWEEN v_low AND v_high AND (v_is_dense OR a.event_id = ANY (p_ids))
        AND (p_lane IS NULL OR a.endpoint_id = p_lane);
END
$f$;

-- Takes the records of how deliveries ended away, so that they can be live again; returns the places in the arrays of those that
-- it could have. Those that another session holds are left. What was delivered stays on record as an attempt, under an outcome that
-- says that a replay came after it.
CREATE FUNCTION postrider.raise_ended(
    p_events bigint[], p_times timestamptz[], p_lanes int[], p_dead bigint[], p_spots tid[], p_started timestamptz[], p_attempts smallint[])
RETURNS int[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
DECLARE
    v_dead int[]; v_closed int[]; v_delivered int[];
    v_from timestamptz := (SELECT min(u.t) FROM unnest(p_started) AS u (t));
    v_to timestamptz := (SELECT max(u.t) FROM unnest(p_started) AS u (t));
BEGIN
    WITH gone AS (
        DELETE FROM postrider.dead x
        WHERE x.id = ANY (ARRAY(SELECT k.id FROM postrider.dead k WHERE k.id = ANY (p_dead) ORDER BY k.id FOR UPDATE SKIP LOCKED))
        RETURNING x.id)
    SELECT array_agg(u.place) INTO v_dead FROM unnest(p_dead) WITH ORDINALITY AS u (id, place) WHERE u.id IN (SELECT g.id FROM gone g);
    WITH wanted AS MATERIALIZED (
        SELECT u.spot, u.event_id, u.endpoint_id, u.place::int
        FROM unnest(p_spots, p_events, p_lanes) WITH ORDINALITY AS u (spot, event_id, endpoint_id, place) WHERE u.spot IS NOT NULL),
    held AS MATERIALIZED (SELECT k.ctid AS spot FROM postrider.closed k WHERE k.ctid = ANY (p_spots) FOR UPDATE SKIP LOCKED),
    gone AS (
        -- Another row may have come to the same spot.
        DELETE FROM postrider.closed x USING wanted w
        WHERE x.ctid = w.spot AND x.event_id = w.event_id AND x.endpoint_id = w.endpoint_id AND x.ctid IN (SELECT h.spot FROM held h)
        RETURNING w.place)
    SELECT array_agg(g.place) INTO v_closed FROM gone g;
    IF v_from IS NOT NULL THEN
        WITH wanted AS MATERIALIZED (
            SELECT u.event_id, u.event_at, u.endpoint_id, u.started_at, u.attempt, u.place::int
            FROM unnest(p_events, p_times, p_lanes, p_started, p_attempts) WITH ORDINALITY
                AS u (event_id, event_at, endpoint_id, started_at, attempt, place)
            WHERE u.started_at IS NOT NULL),
        held AS MATERIALIZED (
            SELECT w.place FROM postrider.attempts a
            JOIN wanted w ON w.event_id = a.event_id AND w.event_at = a.event_at AND w.endpoint_id = a.endpoint_id
                AND w.started_at = a.started_at AND w.attempt = a.attempt
            WHERE a.outcome = 0 AND a.started_at BETWEEN v_from AND v_to AND a.event_id = ANY (p_events)
            FOR UPDATE OF a SKIP LOCKED),
        changed AS (
            UPDATE postrider.attempts a SET outcome = 4
            FROM wanted w
            WHERE w.event_id = a.event_id AND w.event_at = a.event_at AND w.endpoint_id = a.endpoint_id
                AND w.started_at = a.started_at AND w.attempt = a.attempt AND w.place IN (SELECT h.place FROM held h)
                AND a.outcome = 0 AND a.started_at BETWEEN v_from AND v_to AND a.event_id = ANY (p_events)
            RETURNING w.place)
        SELECT array_agg(c.place) INTO v_delivered FROM changed c;
    END IF;
    RETURN coalesce(v_dead, '{}') || coalesce(v_closed, '{}') || coalesce(v_delivered, '{}');
END
$f$;

-- Publishes events once more, each to the one endpoint: returns how many. One that is stored although a rule forbids it is left.
CREATE FUNCTION postrider.publish_again(
    p_events bigint[], p_times timestamptz[], p_lanes int[], p_ignore_expiry boolean, p_now timestamptz, p_step interval) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $f$
DECLARE
    v_count int;
BEGIN
    INSERT INTO postrider.outbox (event_type, payload, body, content_type, ordering_key, endpoint, tenant, headers, deliver_after,
                                  expires_at, traceparent)
    SELECT o.event_type, o.payload, o.body, o.content_type, o.ordering_key, e.name, o.tenant, o.headers, p_now + (u.place - 1) * p_step,
           CASE WHEN NOT p_ignore_expiry THEN o.expires_at END, o.traceparent
    FROM unnest(p_events, p_times, p_lanes) WITH ORDINALITY AS u (event_id, event_at, endpoint_id, place)
    JOIN postrider.outbox o ON o.created_at = u.event_at AND o.id = u.event_id
    JOIN postrider.endpoints e ON e.id = u.endpoint_id
    ORDER BY u.place;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
EXCEPTION WHEN check_violation OR data_exception THEN
    IF cardinality(p_events) = 1 THEN
        RETURN 0;
    END IF;
    v_count := cardinality(p_events) / 2;
    RETURN postrider.publish_again(p_events[:v_count], p_times[:v_count], p_lanes[:v_count], p_ignore_expiry, p_now, p_step)
        + postrider.publish_again(p_events[v_count + 1:], p_times[v_count + 1:], p_lanes[v_count + 1:], p_ignore_expiry,
                                  p_now + v_count * p_step, p_step);
END
$f$;

-- Deliveries of those of the events that none was ever made of, to the endpoints that subscribe now.
CREATE FUNCTION postrider.unmatched_deliveries(p_ids bigint[], p_times timestamptz[], p_lane int)
RETURNS TABLE (event_id bigint, event_at timestamptz, endpoint_id int)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET jit = off
AS $f$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH chosen AS MATERIALIZED (SELECT u.id, u.at FROM unnest(p_ids, p_times) AS u (id, at)),
    unmatched AS MATERIALIZED (
        SELECT c.id, c.at FROM chosen c
        EXCEPT SELECT x.event_id, x.event_at FROM postrider.ended_deliveries(p_ids, p_times, NULL) x
        EXCEPT SELECT d.event_id, d.event_at FROM postrider.deliveries d JOIN chosen c ON c.id = d.event_id AND c.at = d.event_at)
    SELECT n.id, n.at, owed.endpoint_id
    FROM unmatched n
    CROSS JOIN LATERAL (SELECT o.tenant, o.event_type, o.endpoint FROM postrider.outbox o WHERE o.created_at = n.at AND o.id = n.id) o
    CROSS JOIN LATERAL (
        SELECT DISTINCT s.endpoint_id FROM postrider.subscriptions s
        WHERE o.endpoint IS NULL AND s.tenant = o.tenant AND s.pattern = ANY (postrider.patterns_matching(o.event_type))
        UNION ALL
        SELECT e.id FROM postrider.endpoints e
        WHERE o.endpoint IS NOT NULL AND e.name = o.endpoint AND e.tenant = o.tenant AND e.state <> 'removed') owed
    WHERE p_lane IS NULL OR owed.endpoint_id = p_lane;
END
$f$;

-- The next step of a job: looks at the next events, and makes about p_count deliveries at most; never a part of an event's. They
-- become due one after the other, at the job's rate. `spot` is up to which number all is done, `seen` how many events there were;
-- `is_cut` says that it could have made more.
CREATE FUNCTION postrider.replay_step(
    p_job postrider.replays, p_count int, p_preview boolean, OUT seen int, OUT spot bigint, OUT replayed int, OUT expired int,
    OUT cancelled int, OUT unfit int, OUT is_cut boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
AS $f$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_step interval := interval '1 s' / p_job.rate;
    v_ids bigint[]; v_times timestamptz[]; v_to bigint; v_cut bigint; v_risen int[];
    v_events bigint[]; v_ats timestamptz[]; v_lanes int[]; v_dead bigint[]; v_spots tid[]; v_started timestamptz[]; v_attempts smallint[];
    v_unsent smallint[];
BEGIN
    SELECT n.ids, n.times, n.spot_to, coalesce(cardinality(n.ids), 0) INTO v_ids, v_times, v_to, seen
    FROM postrider.next_replayed(p_job, 5000) n;
    replayed := 0; expired := 0; cancelled := 0; unfit := 0; is_cut := false;
    IF seen = 0 THEN
        spot := v_to;
        RETURN;
    END IF;
    WITH ended AS MATERIALIZED (
        SELECT d.* FROM postrider.ended_deliveries(v_ids, v_times, p_job.endpoint_id) d
        WHERE d.event_id <= v_to AND coalesce(p_job.status, d.status) = d.status AND p_job.status IS DISTINCT FROM 'no_subscriber'
        UNION ALL
        SELECT u.event_id, u.event_at, u.endpoint_id, 'no_subscriber', 0::smallint, NULL, NULL, NULL, NULL
        FROM postrider.unmatched_deliveries(v_ids, v_times, p_job.endpoint_id) u
        WHERE p_job.status = 'no_subscriber' AND u.event_id <= v_to),
    judged AS MATERIALIZED (
        SELECT d.*, CASE
                   WHEN e.state = 'removed' OR d.attempts > postrider.most_attempts_before_replay() THEN 'unfit'
                   WHEN p_job.ignore_expiry THEN 'fit'
                   WHEN d.status = 'cancelled' THEN 'cancelled'
                   WHEN d.status = 'expired' OR o.expires_at <= v_now THEN 'expired'
                   ELSE 'fit' END AS verdict
        FROM ended d
        JOIN postrider.endpoints e ON e.id = d.endpoint_id
        JOIN postrider.outbox o ON o.created_at = d.event_at AND o.id = d.event_id),
    placed AS MATERIALIZED (
        SELECT j.*, count(*) FILTER (WHERE j.verdict = 'fit') OVER (ORDER BY j.event_id, j.event_at, j.endpoint_id) AS place FROM judged j),
    cut AS (
        SELECT coalesce((SELECT min(p.event_id) FROM placed p WHERE p.verdict = 'fit' AND p.place >= p_count), v_to) AS id)
    SELECT (SELECT c.id FROM cut c),
           count(*) FILTER (WHERE p.verdict = 'expired'), count(*) FILTER (WHERE p.verdict = 'cancelled'),
           count(*) FILTER (WHERE p.verdict = 'unfit'),
           array_agg(p.event_id ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.event_at ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.endpoint_id ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.dead_id ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.spot ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.started_at ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.attempts ORDER BY p.place) FILTER (WHERE p.verdict = 'fit'),
           array_agg(p.unsent ORDER BY p.place) FILTER (WHERE p.verdict = 'fit')
    INTO v_cut, expired, cancelled, unfit, v_events, v_ats, v_lanes, v_dead, v_spots, v_started, v_attempts, v_unsent
    FROM placed p WHERE p.event_id <= (SELECT c.id FROM cut c);
    spot := v_cut; is_cut := v_cut < v_to;
    IF p_preview OR v_events IS NULL THEN
        replayed := coalesce(cardinality(v_events), 0);
        RETURN;
    ELSIF p_job.new_id THEN
        replayed := postrider.publish_again(v_events, v_ats, v_lanes, p_job.ignore_expiry, v_now, v_step);
    ELSE
        v_risen := CASE WHEN p_job.status = 'no_subscriber' THEN ARRAY(SELECT generate_subscripts(v_events, 1))
                        ELSE postrider.raise_ended(v_events, v_ats, v_lanes, v_dead, v_spots, v_started, v_attempts) END;
        INSERT INTO postrider.deliveries (due_at, event_id, event_at, endpoint_id, bytes, attempt, attempt_base, ordering_key,
                                          ignore_expiry, unsent)
        SELECT v_now + (u.place - 1) * v_step, o.id, o.created_at, v_lanes[u.place],
               coalesce(octet_length(o.body), octet_length(o.payload::text)), n.attempts, n.attempts, o.ordering_key,
               nullif(p_job.ignore_expiry, false), v_unsent[u.place]
        FROM unnest(v_risen) AS u (place)
        JOIN postrider.outbox o ON o.created_at = v_ats[u.place] AND o.id = v_events[u.place]
        -- A closed delivery does not say which numbers were given back, so the attempts on record count too.
        CROSS JOIN LATERAL (
            SELECT greatest(v_attempts[u.place], (
                SELECT max(a.attempt) FROM postrider.attempts a
                WHERE v_spots[u.place] IS NOT NULL AND a.event_id = o.id AND a.event_at = o.created_at
                    AND a.endpoint_id = v_lanes[u.place])) AS attempts) n
        -- In the order of events: within a key that is the order of delivery.
        ORDER BY u.place;
        GET DIAGNOSTICS replayed = ROW_COUNT;
    END IF;
    unfit := unfit + cardinality(v_events) - replayed;
END
$f$;

-- How many numbers the next step looks at: numbers of events that are gone, or of another kind, are passed over quickly, and of
-- those that are wanted no more are read than the rate allows.
CREATE FUNCTION postrider.next_portion(p_portion int, p_seen int, p_is_cut boolean) RETURNS int
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN p_is_cut OR p_seen >= 5000 THEN greatest(p_portion / 4, 100)
            WHEN p_seen < 2000 THEN least(p_portion::bigint * 4, 1000000)::int
            ELSE p_portion END;

-- A job as far as its rate allows, for a fifth of a second at most; returns how many deliveries it made.
CREATE FUNCTION postrider.replay_turn(p_job postrider.replays) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_began timestamptz := clock_timestamp();
    v_job postrider.replays;
    v_step record; v_count int := 0; v_steps int := 0;
BEGIN
    v_job := p_job;
    -- After a pause two seconds' worth at most, so that what has piled up is no burst.
    v_job.tokens := least(2 * p_job.rate, p_job.tokens + p_job.rate * CASE
        WHEN p_job.tokens_at IS NULL THEN 1
        ELSE extract(epoch FROM least(greatest(v_began - p_job.tokens_at, '0'), interval '2 s')) END);
    WHILE v_job.spot_id < v_job.last_id AND v_job.tokens >= 1 AND clock_timestamp() < v_began + interval '200 ms' LOOP
        SELECT * INTO v_step FROM postrider.replay_step(v_job, floor(v_job.tokens)::int, false);
        v_steps := v_steps + 1;
        v_job.spot_id := v_step.spot;
        v_job.tokens := v_job.tokens - v_step.replayed;
        v_job.expired := v_job.expired + v_step.expired;
        v_job.cancelled := v_job.cancelled + v_step.cancelled;
        v_job.unfit := v_job.unfit + v_step.unfit;
        v_count := v_count + v_step.replayed;
        v_job.portion := postrider.next_portion(v_job.portion, v_step.seen, v_step.is_cut);
    END LOOP;
    UPDATE postrider.replays r
    SET spot_id = v_job.spot_id, tokens = v_job.tokens, tokens_at = v_began, portion = v_job.portion, replayed = r.replayed + v_count,
        expired = v_job.expired, cancelled = v_job.cancelled, unfit = v_job.unfit,
        failures = CASE WHEN v_steps = 0 THEN r.failures ELSE 0 END, last_error = CASE WHEN v_steps = 0 THEN r.last_error END,
        state = CASE WHEN v_job.spot_id >= v_job.last_id THEN 'done' ELSE r.state END,
        ended_at = CASE WHEN v_job.spot_id >= v_job.last_id THEN clock_timestamp() END
    WHERE r.id = p_job.id;
    UPDATE postrider.acts a SET count = a.count + v_count WHERE a.id = p_job.act AND v_count > 0;
    RETURN v_count;
END
$f$;

-- All running jobs, the oldest 16 of them, each by itself: one that fails is tried again, twenty times in a row.
CREATE FUNCTION postrider.keep_replays() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100 ms' AS $f$
DECLARE
    v_job postrider.replays; v_total int := 0; v_error text;
BEGIN
    IF NOT postrider.hold_duty('replays') THEN
        RETURN 0;
    END IF;
    -- One that an operator is cancelling just now waits.
    FOR v_job IN SELECT r.* FROM postrider.replays r WHERE r.ended_at IS NULL ORDER BY r.id LIMIT 16 FOR NO KEY UPDATE SKIP LOCKED LOOP
        BEGIN
            v_total := v_total + postrider.replay_turn(v_job);
        EXCEPTION WHEN OTHERS THEN
            v_error := left(SQLERRM, 500);
            UPDATE postrider.replays r
            SET failures = r.failures + 1, last_error = v_error, tokens_at = clock_timestamp(),
                state = CASE WHEN r.failures < 19 THEN r.state ELSE 'failed' END,
                ended_at = CASE WHEN r.failures >= 19 THEN clock_timestamp() END
            WHERE r.id = v_job.id;
        END;
    END LOOP;
    PERFORM postrider.end_duty('replays', false);
    RETURN v_total;
END
$f$;

-- A job as it is asked for, not begun; raises what is wrong with it.
CREATE FUNCTION postrider.planned_replay(
    p_ids bigint[], p_endpoint text, p_all boolean, p_since timestamptz, p_until timestamptz, p_event_type text, p_status text,
    p_new_id boolean, p_rate int, p_ignore_expiry boolean, p_tenant text, p_why text) RETURNS postrider.replays
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_job postrider.replays; v_missing bigint;
BEGIN
    IF num_nonnulls(p_ids, p_endpoint) = 0 AND NOT coalesce(p_all, false) OR num_nonnulls(p_ids, p_endpoint) > 0 AND p_all THEN
        PERFORM postrider.refuse('ids', 'or endpoint or all must be given');
    ELSIF coalesce(p_rate, 0) NOT BETWEEN 1 AND 10000 THEN
        PERFORM postrider.refuse('rate', 'must be from 1 to 10000 deliveries a second');
    ELSIF p_status NOT IN ('delivered', 'dead', 'expired', 'cancelled', 'filtered', 'superseded', 'no_subscriber') THEN
        PERFORM postrider.refuse('status',
            'must be one in which a delivery has ended: delivered, dead, expired, cancelled, filtered, superseded or no_subscriber');
    END IF;
    IF p_event_type IS NOT NULL THEN
        PERFORM postrider.check_patterns(ARRAY[p_event_type]);
    END IF;
    PERFORM postrider.check_array('ids', p_ids, 1, 10000);
    SELECT u.id INTO v_missing FROM unnest(p_ids) AS u (id)
    WHERE (SELECT true FROM postrider.outbox o WHERE o.id = u.id LIMIT 1) IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no event %s', v_missing);
    END IF;
    SELECT u.id INTO v_missing FROM unnest(p_ids) AS u (id)
    WHERE (SELECT count(*) FROM postrider.outbox o WHERE o.id = u.id AND (p_since IS NULL OR o.created_at >= p_since)
               AND (p_until IS NULL OR o.created_at < p_until)) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'cardinality_violation', MESSAGE = format(
            'several events have the number %s: give since and until too', v_missing);
    END IF;
    v_job.ids := ARRAY(SELECT DISTINCT u.id FROM unnest(p_ids) AS u (id) ORDER BY u.id);
    v_job.ids := nullif(v_job.ids, '{}');
    v_job.endpoint_id := CASE WHEN p_endpoint IS NOT NULL THEN postrider.endpoint_id(p_endpoint, p_tenant) END;
    v_job.tenant := p_tenant;
    v_job.since := p_since; v_job.until := p_until; v_job.event_type := p_event_type; v_job.status := p_status;
    v_job.new_id := coalesce(p_new_id, false); v_job.ignore_expiry := coalesce(p_ignore_expiry, false);
    v_job.rate := p_rate; v_job.why := left(p_why, 1000);
    v_job.spot_id := coalesce(v_job.ids[1] - 1, 0);
    -- What is published from now on is none of its business. The newest events too, in case the sequence was set back.
    v_job.last_id := coalesce(v_job.ids[cardinality(v_job.ids)], greatest(
        pg_sequence_last_value('postrider.outbox_id_seq'),
        (SELECT max(n.id) FROM (SELECT o.id FROM postrider.outbox o ORDER BY o.created_at DESC, o.id DESC LIMIT 1000) n)), 0);
    v_job.portion := 1000;
    RETURN v_job;
END
$f$;

-- How many deliveries a replay would make now, and leave; `is_complete` is false when it had counted for 45 s and there was more.
CREATE FUNCTION postrider.preview_replay(
    ids bigint[] DEFAULT NULL, endpoint text DEFAULT NULL, "all" boolean DEFAULT false, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, ignore_expiry boolean DEFAULT false,
    tenant text DEFAULT NULL, OUT replayed bigint, OUT expired bigint, OUT cancelled bigint, OUT unfit bigint, OUT is_complete boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_job postrider.replays;
    v_end timestamptz := clock_timestamp() + interval '45 s';
    v_step record;
BEGIN
    v_job := postrider.planned_replay(ids, endpoint, "all", since, until, event_type, status, false, 1, ignore_expiry, tenant, NULL);
    replayed := 0; expired := 0; cancelled := 0; unfit := 0;
    WHILE v_job.spot_id < v_job.last_id AND clock_timestamp() < v_end LOOP
        SELECT * INTO v_step FROM postrider.replay_step(v_job, 2147483647, true);
        replayed := replayed + v_step.replayed; expired := expired + v_step.expired;
        cancelled := cancelled + v_step.cancelled; unfit := unfit + v_step.unfit;
        v_job.spot_id := v_step.spot;
        v_job.portion := postrider.next_portion(v_job.portion, v_step.seen, v_step.is_cut);
    END LOOP;
    is_complete := v_job.spot_id >= v_job.last_id;
END
$f$;

-- Begins a job that sends events again: those of these numbers, those of an endpoint, or all. It returns the job's id at once, and
-- workers do it, at `rate` deliveries a second. Of what has ended; what is still owed is not sent twice. Events that have expired or
-- were cancelled are left, and counted, unless ignore_expiry is set. With new_id receivers get another webhook-id, so that one which
-- remembers ids takes it for a new event. With dry_run it begins nothing and a notice says what it would do.
CREATE FUNCTION postrider.replay_events(
    ids bigint[] DEFAULT NULL, endpoint text DEFAULT NULL, "all" boolean DEFAULT false, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, new_id boolean DEFAULT false,
    rate int DEFAULT 100, dry_run boolean DEFAULT false, ignore_expiry boolean DEFAULT false, tenant text DEFAULT NULL,
    why text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_job postrider.replays;
    v_found record;
BEGIN
    v_job := postrider.planned_replay(
        ids, endpoint, "all", since, until, event_type, status, new_id, rate, ignore_expiry, tenant, why);
    IF dry_run THEN
        SELECT * INTO v_found FROM postrider.preview_replay(ids, endpoint, "all", since, until, event_type, status, ignore_expiry, tenant);
        RAISE NOTICE 'would replay % deliveries; left because expired: %, because cancelled: %, because they cannot be: %',
            v_found.replayed, v_found.expired, v_found.cancelled, v_found.unfit;
        RETURN NULL;
    ELSIF (SELECT count(*) FROM postrider.replays r WHERE r.ended_at IS NULL) >= 100 THEN
        RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded', MESSAGE = 'a hundred replays are running already';
    END IF;
    INSERT INTO postrider.replays (why, ids, endpoint_id, tenant, since, until, event_type, status, new_id, ignore_expiry, rate, spot_id, last_id)
    VALUES (v_job.why, v_job.ids, v_job.endpoint_id, v_job.tenant, v_job.since, v_job.until, v_job.event_type, v_job.status, v_job.new_id,
            v_job.ignore_expiry, v_job.rate, v_job.spot_id, v_job.last_id) RETURNING replays.id INTO v_job.id;
    -- It counts what the job makes, so it begins at nothing.
    INSERT INTO postrider.acts (act, subject, count, why)
    VALUES ('replay', left(format('replay %s', v_job.id) || coalesce(': ' || postrider.endpoint_words(endpoint, tenant), ''), 200), 0, v_job.why)
    RETURNING acts.id INTO v_job.act;
    UPDATE postrider.replays r SET act = v_job.act WHERE r.id = v_job.id;
    RETURN v_job.id;
END
$f$;

-- Ends a running job; returns false when it had ended already. What it has made is sent all the same: cancel_events is for that.
CREATE FUNCTION postrider.cancel_replay(id bigint, why text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5 s' AS $f$
BEGIN
    -- It waits for a step of it that is being done.
    UPDATE postrider.replays r SET state = 'cancelled', ended_at = clock_timestamp()
    WHERE r.id = cancel_replay.id AND r.ended_at IS NULL;
    IF FOUND THEN
        INSERT INTO postrider.acts (act, subject, count, why)
        VALUES ('cancel', 'replay ' || cancel_replay.id, 1, left(cancel_replay.why, 1000));
        RETURN true;
    ELSIF NOT EXISTS (SELECT FROM postrider.replays r WHERE r.id = cancel_replay.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no replay %s', cancel_replay.id);
    END IF;
    RETURN false;
END
$f$;

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT SELECT ON postrider.replays, postrider.replay_jobs TO postrider_operator;
GRANT SELECT ON SEQUENCE postrider.replays_id_seq TO postrider_operator, postrider_worker;
GRANT EXECUTE ON FUNCTION postrider.keep_replays() TO postrider_worker;
GRANT EXECUTE ON FUNCTION
    postrider.replay_events(bigint[], text, boolean, timestamptz, timestamptz, text, text, boolean, int, boolean, boolean, text, text),
    postrider.preview_replay(bigint[], text, boolean, timestamptz, timestamptz, text, text, boolean, text),
    postrider.cancel_replay(bigint, text), postrider.ended_deliveries(bigint[], timestamptz[], int)
TO postrider_operator;
