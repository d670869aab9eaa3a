-- 0015 expecting: callbacks that should come, and what happens when they do not.
--
-- Locks:        an index on the rows of the inbox, for an instant. At run time: expectations, by id or stepping over those that another
--               session has; then, in the same transaction, what a replay or a reception locks. What receives waits for no expectation.
-- Old workers:  may keep running; they end no expectations.
--
-- An expectation has a correlation and a time. It is met by a row of the inbox with that correlation, or by `fulfil`. When its time is
-- over a worker does what `otherwise` says. `due_at` is when a worker has to look at it next, and NULL when it has ended, so that a look
-- costs what is due.
--
-- What receives looks for expectations of each row, and steps over those that another session has or has not committed yet. So
-- no one may end an expectation, or poll for it, without looking for such a row itself: from a second before the transaction that expects
-- began. That transaction looks too, when it commits. Between the two every callback is found, however early it comes.
--
-- A poll is leased like a delivery: while it is out, `due_at` is when its lease ends, and `turn` is its fencing token.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE postrider.expected (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- As in the inbox: what is longer than a key may be stands here as its digest.
    correlation text COLLATE "C" NOT NULL,
    -- NULL: any source of the tenant ''.
    source_id bigint,
    tenant text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'polling', 'met', 'met_by_poll', 'missed', 'withdrawn')),
    within interval NOT NULL,
    otherwise text NOT NULL CHECK (otherwise IN ('poll', 'redeliver', 'escalate')),
    due_at timestamptz,
    poll_url text,
    -- They may hold credentials: granted to none, and gone when the expectation has ended.
    poll_headers jsonb,
    poll_every interval NOT NULL,
    poll_for interval NOT NULL,
    done_when jsonpath,
    -- The event that asked for the callback.
    event_id bigint,
    event_at timestamptz,
    redelivered_at timestamptz,
    -- When polling is over.
    poll_until timestamptz,
    -- How often a worker began to poll; and how often the end of that was recorded.
    turn int NOT NULL DEFAULT 0,
    polls int NOT NULL DEFAULT 0,
    last_poll_at timestamptz,
    last_poll_status int,
    -- Of the last poll; or why it was missed before its time.
    last_error text,
    -- What met it; or, of a missed one, what came after all.
    inbox_id bigint,
    -- When the transaction began that expects.
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000, vacuum_truncate = off
);
-- Each kind apart: a crowd of polls keeps no other from being told of.
CREATE INDEX expected_due ON postrider.expected (otherwise, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX expected_correlation ON postrider.expected (correlation) WHERE state IN ('waiting', 'polling', 'missed');
CREATE INDEX expected_missed ON postrider.expected (id) WHERE state = 'missed';
CREATE INDEX expected_ended ON postrider.expected (ended_at) WHERE state IN ('met', 'met_by_poll', 'withdrawn');

-- For expectations that a callback overtook.
CREATE INDEX received_correlation ON postrider.received (correlation, received_at) WHERE correlation IS NOT NULL;

-- All expectations that are open, and those that ended, for as long as events are kept; missed ones until they are withdrawn.
CREATE VIEW postrider.expectations AS
SELECT x.id, x.correlation, s.name AS source, x.state, x.due_at, x.polls, x.last_poll_status, x.inbox_id, x.created_at, x.ended_at
FROM postrider.expected x LEFT JOIN postrider.sources s ON s.id = x.source_id;

-- --------------------------------------------------------------------------------------------------------- being met

-- The row of the inbox that met an expectation although what received it could not see the expectation, or had to step over it.
CREATE FUNCTION postrider.callback_of(p_row postrider.expected) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $f$
DECLARE
    -- Values that stand still let the planner leave out the other partitions.
    v_since timestamptz := p_row.created_at - interval '1 s';
    v_now timestamptz := clock_timestamp();
    v_id bigint;
BEGIN
    SELECT r.id INTO v_id FROM postrider.received r
    WHERE r.correlation = p_row.correlation
        AND r.received_at >= v_since AND r.received_at <= v_now
        AND (r.source_id = p_row.source_id
             OR p_row.source_id IS NULL AND (SELECT s.tenant = '' FROM postrider.sources s WHERE s.id = r.source_id))
    ORDER BY r.received_at LIMIT 1;
    RETURN v_id;
END
$f$;

-- Ends an expectation that is locked. What it polled with is not needed any more.
CREATE FUNCTION postrider.end_expected(p_id bigint, p_state text, p_inbox bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $f$
    UPDATE postrider.expected x
    SET state = p_state, inbox_id = coalesce(p_inbox, x.inbox_id), ended_at = clock_timestamp(), due_at = NULL, poll_headers = NULL
    WHERE x.id = p_id
$f$;

-- Ends the expectations of rows of the inbox that were just stored. Those that another session has are stepped over: that one, or the
-- next that looks at them, finds the row. A missed one stays missed; it notes what came after all.
CREATE FUNCTION postrider.meet_expected(p_source bigint[], p_correlation text[], p_inbox bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $f$
BEGIN
    WITH found AS MATERIALIZED (
        SELECT k.id, u.inbox_id FROM unnest(p_source, p_correlation, p_inbox) AS u (source_id, correlation, inbox_id)
        JOIN postrider.expected k ON k.correlation = u.correlation AND k.state IN ('waiting', 'polling', 'missed')
        WHERE (k.source_id = u.source_id
               OR k.source_id IS NULL AND (SELECT s.tenant = '' FROM postrider.sources s WHERE s.id = u.source_id))
            AND (k.state <> 'missed' OR k.inbox_id IS NULL)
        FOR NO KEY UPDATE OF k SKIP LOCKED)
    UPDATE postrider.expected x
    SET state = CASE x.state WHEN 'missed' THEN 'missed' ELSE 'met' END, inbox_id = f.inbox_id,
        ended_at = coalesce(x.ended_at, clock_timestamp()), due_at = NULL, poll_headers = NULL
    FROM (SELECT n.id, min(n.inbox_id) AS inbox_id FROM found n GROUP BY n.id) f
    WHERE x.id = f.id;
END
$f$;

-- At the commit of the transaction that expects: what came since it began could not see the expectation.
CREATE FUNCTION postrider.meet_at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_inbox bigint := postrider.callback_of(NEW);
BEGIN
    IF v_inbox IS NOT NULL AND EXISTS (SELECT FROM postrider.expected x WHERE x.id = NEW.id AND x.state = 'waiting') THEN
        PERFORM postrider.end_expected(NEW.id, 'met', v_inbox);
    END IF;
    RETURN NULL;
END
$f$;
CREATE CONSTRAINT TRIGGER expected_meet AFTER INSERT ON postrider.expected DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION postrider.meet_at_commit();

-- ------------------------------------------------------------------------------------------------- what producers call

-- The source of a name; NULL for none.
CREATE FUNCTION postrider.expected_source(p_name text, OUT source_id bigint, OUT tenant text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    tenant := '';
    IF p_name IS NULL THEN
        RETURN;
    END IF;
    SELECT s.id, s.tenant INTO source_id, tenant FROM postrider.sources s WHERE s.name = p_name AND s.removed_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', COLUMN = 'source', MESSAGE = format('there is no source named %L', left(p_name, 100));
    END IF;
END
$f$;

-- Refuses what is not an SQL/JSON path that can be asked without variables. NULL is none.
CREATE FUNCTION postrider.check_done_when(p_path jsonpath) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF octet_length(p_path::text) > 4000 THEN
        PERFORM postrider.refuse('done_when', 'must be at most 4000 bytes');
    -- Of what it prints without its strings only a variable has a quote behind the dollar sign.
    ELSIF regexp_replace(p_path::text, '"([^"\\]|\\.)*"', '""', 'g') ~ '\$""' THEN
        PERFORM postrider.refuse('done_when', 'must not hold variables');
    END IF;
END
$f$;

-- What is wrong with what is given for a poll.
CREATE FUNCTION postrider.check_poll(
    p_otherwise text, p_source text, p_url text, p_headers jsonb, p_every interval, p_for interval, p_done_when jsonpath) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_extra text := CASE WHEN p_url IS NOT NULL THEN 'poll_url' WHEN p_headers IS NOT NULL THEN 'poll_headers'
                         WHEN p_done_when IS NOT NULL THEN 'done_when' END;
    v_rule text;
BEGIN
    IF p_otherwise <> 'poll' AND v_extra IS NOT NULL THEN
        PERFORM postrider.refuse(v_extra, format('must not be given with otherwise %s', p_otherwise));
    ELSIF p_every IS NULL THEN
        PERFORM postrider.refuse('poll_every', 'must not be NULL');
    ELSIF p_for IS NULL THEN
        PERFORM postrider.refuse('poll_for', 'must not be NULL');
    END IF;
    PERFORM postrider.check_duration('poll_every', p_every, '1 s', '1 day');
    PERFORM postrider.check_duration('poll_for', p_for, '1 s', '30 days');
    IF p_otherwise <> 'poll' THEN
        RETURN;
    ELSIF p_source IS NULL THEN
        PERFORM postrider.refuse('source', 'must be given with otherwise poll: the answer becomes a row of its inbox');
    END IF;
    v_rule := postrider.url_rule(p_url);
    IF v_rule IS NOT NULL THEN
        PERFORM postrider.refuse('poll_url', v_rule);
    END IF;
    v_rule := postrider.event_headers_rule(p_headers);
    IF v_rule IS NOT NULL THEN
        PERFORM postrider.refuse('poll_headers', v_rule);
    END IF;
    PERFORM postrider.check_done_when(p_done_when);
END
$f$;

-- When the event of a number was published; the one of this transaction first, whose key is known.
CREATE FUNCTION postrider.expected_event(p_event bigint) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF EXISTS (SELECT FROM postrider.outbox o WHERE o.created_at = now() AND o.id = p_event) THEN
        RETURN now();
    END IF;
    RETURN postrider.event_time(p_event, NULL);
EXCEPTION WHEN no_data_found OR cardinality_violation THEN
    PERFORM postrider.refuse('event_id', 'is none of one event: ' || SQLERRM);
END
$f$;

-- Expects a callback within a time: a row of that source's inbox with that correlation (source NULL: of any source of the tenant ''). What
-- happens without one is otherwise: `poll` asks poll_url, `redeliver` sends event_id again and waits as long once more, `escalate` tells at
-- once that it is missed. In the transaction of the request that the callback is to answer. Returns the expectation's number.
CREATE FUNCTION postrider.expect(
    correlation text, within interval, source text DEFAULT NULL, otherwise text DEFAULT 'escalate', poll_url text DEFAULT NULL,
    poll_headers jsonb DEFAULT NULL, poll_every interval DEFAULT '1 minute', poll_for interval DEFAULT '1 hour',
    done_when jsonpath DEFAULT NULL, event_id bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_source record; v_event_at timestamptz; v_id bigint;
BEGIN
    IF expect.correlation IS NULL OR expect.correlation = '' THEN
        PERFORM postrider.refuse('correlation', 'must be given');
    ELSIF expect.within IS NULL THEN
        PERFORM postrider.refuse('within', 'must not be NULL');
    ELSIF expect.otherwise IS NULL OR expect.otherwise NOT IN ('poll', 'redeliver', 'escalate') THEN
        PERFORM postrider.refuse('otherwise', 'must be poll, redeliver or escalate');
    ELSIF expect.otherwise = 'redeliver' AND expect.event_id IS NULL THEN
        PERFORM postrider.refuse('event_id', 'must be given with otherwise redeliver');
    END IF;
    PERFORM postrider.check_duration('within', expect.within, '100 ms', '30 days');
    PERFORM postrider.check_poll(expect.otherwise, expect.source, expect.poll_url, expect.poll_headers, expect.poll_every,
                                 expect.poll_for, expect.done_when);
    SELECT s.source_id, s.tenant INTO v_source FROM postrider.expected_source(expect.source) s;
    IF expect.event_id IS NOT NULL THEN
        v_event_at := postrider.expected_event(expect.event_id);
    END IF;
    INSERT INTO postrider.expected AS x (
        correlation, source_id, tenant, within, otherwise, due_at, poll_url, poll_headers, poll_every, poll_for, done_when, event_id,
        event_at)
    VALUES (postrider.short_key(expect.correlation), v_source.source_id, v_source.tenant, expect.within, expect.otherwise,
            clock_timestamp() + expect.within, expect.poll_url, nullif(expect.poll_headers, '{}'), expect.poll_every, expect.poll_for,
            expect.done_when, expect.event_id, v_event_at)
    RETURNING x.id INTO v_id;
    RETURN v_id;
END
$f$;

-- Ends the open expectations of a correlation that are in one of these states, and returns how many that were: those of a source, or,
-- with NULL, of all sources of the tenant '' and of none. Their locks are taken by id.
CREATE FUNCTION postrider.end_open(p_correlation text, p_source text, p_states text[], p_end text) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $f$
DECLARE
    v_source bigint; v_ids bigint[];
BEGIN
    IF p_correlation IS NULL OR p_correlation = '' THEN
        PERFORM postrider.refuse('correlation', 'must be given');
    END IF;
    SELECT s.source_id INTO v_source FROM postrider.expected_source(p_source) s;
    v_ids := ARRAY(
        SELECT x.id FROM postrider.expected x
        WHERE x.correlation = postrider.short_key(p_correlation) AND x.state IN ('waiting', 'polling', 'missed')
            AND x.state = ANY (p_states) AND CASE WHEN p_source IS NULL THEN x.tenant = '' ELSE x.source_id = v_source END
        ORDER BY x.id FOR NO KEY UPDATE);
    PERFORM postrider.end_expected(u.id, p_end, NULL) FROM unnest(v_ids) AS u (id);
    RETURN cardinality(v_ids);
END
$f$;

-- Says that what a callback would have told is known: ends the expectations of the correlation as met. Returns how many that were.
CREATE FUNCTION postrider.fulfil(correlation text, source text DEFAULT NULL) RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5 s'
RETURN postrider.end_open(fulfil.correlation, fulfil.source, '{waiting,polling}', 'met');

-- Ends the expectations of the correlation for good, missed ones too. Returns how many that were.
CREATE FUNCTION postrider.withdraw(correlation text, source text DEFAULT NULL) RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5 s'
RETURN postrider.end_open(withdraw.correlation, withdraw.source, '{waiting,polling,missed}', 'withdrawn');

-- The same for one, by its number, and on record: what an operator does about one that was missed.
CREATE FUNCTION postrider.withdraw_expectation(id bigint, why text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5 s' AS $f$
DECLARE
    v_state text;
BEGIN
    SELECT x.state INTO v_state FROM postrider.expected x WHERE x.id = withdraw_expectation.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no expectation %s', withdraw_expectation.id);
    ELSIF v_state NOT IN ('waiting', 'polling', 'missed') THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = format('expectation %s has ended: it is %s', withdraw_expectation.id, v_state);
    END IF;
    PERFORM postrider.end_expected(withdraw_expectation.id, 'withdrawn', NULL);
    PERFORM postrider.note_act('withdraw', 'expectation ' || withdraw_expectation.id, 1, withdraw_expectation.why);
END
$f$;

-- ---------------------------------------------------------------------------------------------------- what workers call

-- Ends expectations that are locked as missed, and tells of each in the same transaction.
CREATE FUNCTION postrider.miss_expected(p_ids bigint[], p_why text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    UPDATE postrider.expected x SET last_error = p_why WHERE p_why IS NOT NULL AND x.id = ANY (p_ids);
    PERFORM postrider.end_expected(u.id, 'missed', NULL) FROM unnest(p_ids) AS u (id);
    -- Whether or not an endpoint asks for it: each is told of.
    INSERT INTO postrider.outbox (event_type, payload)
    SELECT 'postrider.expectation.missed', jsonb_strip_nulls(jsonb_build_object(
               'expectation', x.id, 'correlation', x.correlation, 'source', s.name, 'tenant', nullif(x.tenant, ''),
               'otherwise', x.otherwise, 'event_id', x.event_id, 'polls', nullif(x.polls, 0), 'last_poll_status', x.last_poll_status,
               'last_error', x.last_error, 'created_at', x.created_at, 'missed_at', x.ended_at))::json
    FROM postrider.expected x LEFT JOIN postrider.sources s ON s.id = x.source_id
    WHERE x.id = ANY (p_ids) ORDER BY x.id;
END
$f$;

-- Sends the event again, to all endpoints for which its deliveries have ended, under the same id. Returns why it is sent to none.
CREATE FUNCTION postrider.redeliver(p_row postrider.expected) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_job postrider.replays; v_done record;
BEGIN
    v_job.ids := ARRAY[p_row.event_id]; v_job.since := p_row.event_at; v_job.until := p_row.event_at + interval '1 us';
    v_job.new_id := false; v_job.ignore_expiry := false; v_job.rate := 10000;
    v_job.spot_id := p_row.event_id - 1; v_job.last_id := p_row.event_id; v_job.portion := 1;
    SELECT * INTO v_done FROM postrider.replay_step(v_job, 2147483647, false);
    RETURN CASE
        WHEN v_done.seen = 0 THEN format('event %s is not kept any more', p_row.event_id)
        WHEN v_done.replayed > 0 OR EXISTS (
            -- It is being sent still.
            SELECT FROM postrider.deliveries d WHERE d.event_id = p_row.event_id AND d.event_at = p_row.event_at) THEN NULL
        WHEN v_done.expired > 0 THEN format('event %s has expired', p_row.event_id)
        WHEN v_done.cancelled > 0 THEN format('event %s was cancelled', p_row.event_id)
        ELSE format('event %s has no delivery that can be sent again', p_row.event_id) END;
EXCEPTION WHEN OTHERS THEN
    RETURN format('event %s could not be sent again: %s', p_row.event_id, left(SQLERRM, 200));
END
$f$;

-- Ends what is due and is not polled for, or sends its event again: at most p_limit of either kind. Steps over what another session has.
-- Returns how many it had.
CREATE FUNCTION postrider.end_due(p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $f$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_rows postrider.expected[]; v_row postrider.expected; v_inbox bigint; v_why text; v_missed bigint[] := '{}';
BEGIN
    v_rows := ARRAY(SELECT d.held FROM unnest('{escalate,redeliver}'::text[]) AS o (kind) CROSS JOIN LATERAL (
        SELECT x AS held FROM postrider.expected x WHERE x.otherwise = o.kind AND x.due_at <= v_now
        ORDER BY x.due_at, x.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED) d);
    FOREACH v_row IN ARRAY v_rows LOOP
        v_inbox := postrider.callback_of(v_row);
        IF v_inbox IS NOT NULL THEN
            PERFORM postrider.end_expected(v_row.id, 'met', v_inbox);
        ELSIF v_row.otherwise = 'redeliver' AND v_row.redelivered_at IS NULL THEN
            v_why := postrider.redeliver(v_row);
            IF v_why IS NULL THEN
                UPDATE postrider.expected x SET redelivered_at = clock_timestamp(), due_at = clock_timestamp() + v_row.within
                WHERE x.id = v_row.id;
            ELSE
                PERFORM postrider.miss_expected(ARRAY[v_row.id], v_why);
            END IF;
        ELSE
            v_missed := v_missed || v_row.id;
        END IF;
    END LOOP;
    PERFORM postrider.miss_expected(v_missed);
    RETURN cardinality(v_rows);
END
$f$;

-- The polls that are due, for one worker alone until p_lease is over: at most p_limit. Steps over what another session has.
-- What has been met, or cannot be polled for any more, ends here.
CREATE FUNCTION postrider.take_polls(p_limit int, p_lease interval) RETURNS TABLE (id bigint, turn int, url text, headers text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $f$
#variable_conflict use_column
DECLARE
    -- So many polls in a row that never told how they ended, and the time over: there will be no answer.
    v_most CONSTANT int := 20;
    v_now timestamptz := clock_timestamp();
    v_rows postrider.expected[] := ARRAY(
        SELECT x FROM postrider.expected x WHERE x.otherwise = 'poll' AND x.due_at <= v_now
        ORDER BY x.due_at, x.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    v_row postrider.expected; v_inbox bigint;
BEGIN
    FOREACH v_row IN ARRAY v_rows LOOP
        v_inbox := postrider.callback_of(v_row);
        IF v_inbox IS NOT NULL THEN
            PERFORM postrider.end_expected(v_row.id, 'met', v_inbox);
        ELSIF NOT EXISTS (SELECT FROM postrider.sources s WHERE s.id = v_row.source_id AND s.removed_at IS NULL) THEN
            PERFORM postrider.miss_expected(ARRAY[v_row.id], 'the source was removed');
        ELSIF v_row.poll_until < v_now AND v_row.turn - v_row.polls >= v_most THEN
            PERFORM postrider.miss_expected(ARRAY[v_row.id], coalesce(v_row.last_error, 'no worker told how its polls ended'));
        ELSE
            id := v_row.id; turn := v_row.turn + 1; url := v_row.poll_url;
            headers := ARRAY(SELECT unnest(ARRAY[h.key, h.value]) FROM jsonb_each_text(coalesce(v_row.poll_headers, '{}')) AS h);
            UPDATE postrider.expected x
            SET state = 'polling', due_at = v_now + p_lease, turn = v_row.turn + 1, poll_until = coalesce(x.poll_until, v_now + x.poll_for)
            WHERE x.id = v_row.id;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$f$;

-- Whether done_when holds for a body: whether the first thing that it finds is neither false nor null. Without one each body will do.
CREATE FUNCTION postrider.is_done(p_body bytea, p_path jsonpath) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_found jsonb;
BEGIN
    IF p_path IS NULL THEN
        RETURN true;
    END IF;
    v_found := jsonb_path_query_first_tz(postrider.body_as_json(p_body, NULL)::jsonb, p_path, '{}', true);
    RETURN coalesce(v_found NOT IN ('false', 'null'), false);
-- Not every text that is json can be jsonb: \u0000, huge numbers, deep nesting.
EXCEPTION WHEN data_exception OR program_limit_exceeded OR undefined_object THEN
    RETURN false;
END
$f$;

-- The type of a poll's answer: where the source has the type of its callbacks in their bodies, there.
CREATE FUNCTION postrider.polled_type(p_body bytea, p_path text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_path IS NULL OR p_path NOT LIKE '$%' THEN
        RETURN NULL;
    END IF;
    RETURN postrider.body_as_json(p_body, NULL) #>> string_to_array(
        substr(regexp_replace(p_path, '\[([0-9]+)\]', '.\1', 'g'), 3), '.');
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$f$;

-- Stores the answer of a poll as a row of the inbox, once: its id is made of the expectation.
CREATE FUNCTION postrider.receive_polled(p_row postrider.expected, p_body bytea, p_address text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_inbox bigint;
BEGIN
    SELECT r.inbox_id INTO v_inbox
    FROM postrider.receive(
        ARRAY[p_row.source_id], ARRAY['poll' || substr(postrider.webhook_id(p_row.created_at, p_row.id), 4)],
        ARRAY[postrider.polled_type(p_body, (SELECT s.event_type_from FROM postrider.sources s WHERE s.id = p_row.source_id))],
        ARRAY[p_row.correlation], ARRAY[CASE WHEN postrider.body_as_json(p_body, NULL) IS NOT NULL THEN 'application/json' END],
        ARRAY['{}'], ARRAY[p_body], ARRAY[p_address]) r;
    RETURN v_inbox;
END
$f$;

-- Records how a poll ended. p_body is NULL unless the whole answer is here and its status a 2xx. With p_was_asked false nothing was asked,
-- and it is due again after p_pause. Returns the state, and NULL where the poll means nothing any more: it was met, or is another
-- worker's. It waits for no one: it fails with lock_not_available, and the worker tells it again.
CREATE FUNCTION postrider.record_poll(
    p_id bigint, p_turn int, p_status int, p_error text, p_body bytea, p_address text, p_was_asked boolean, p_pause interval) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET lock_timeout = '100 ms' AS $f$
DECLARE
    v_row postrider.expected; v_inbox bigint;
BEGIN
    SELECT x.* INTO v_row FROM postrider.expected x
    WHERE x.id = p_id AND x.state = 'polling' AND x.turn = p_turn FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_inbox := postrider.callback_of(v_row);
    UPDATE postrider.expected x
    SET polls = x.polls + p_was_asked::int, last_error = left(p_error, 500),
        last_poll_at = CASE WHEN p_was_asked THEN clock_timestamp() ELSE x.last_poll_at END,
        last_poll_status = CASE WHEN p_was_asked THEN p_status ELSE x.last_poll_status END,
        -- Should the same provider be asked for many, they spread.
        due_at = CASE WHEN p_was_asked
            THEN least(clock_timestamp() + x.poll_every * (0.8 + 0.4 * random()), greatest(x.poll_until, clock_timestamp()))
            ELSE clock_timestamp() + p_pause END
    WHERE x.id = p_id;
    IF v_inbox IS NOT NULL THEN
        PERFORM postrider.end_expected(p_id, 'met', v_inbox);
        RETURN 'met';
    ELSIF p_body IS NOT NULL AND postrider.is_done(p_body, v_row.done_when) THEN
        -- First, so that its own row does not meet it.
        PERFORM postrider.end_expected(p_id, 'met_by_poll', NULL);
        v_inbox := postrider.receive_polled(v_row, p_body, p_address);
        UPDATE postrider.expected x SET inbox_id = v_inbox WHERE x.id = p_id;
        RETURN 'met_by_poll';
    ELSIF p_was_asked AND (p_status = 410 OR clock_timestamp() >= v_row.poll_until) THEN
        PERFORM postrider.miss_expected(ARRAY[p_id]);
        RETURN 'missed';
    END IF;
    RETURN 'polling';
END
$f$;

-- Deletes expectations that have ended, with the events of that time; missed ones stay.
CREATE FUNCTION postrider.forget_expected(p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $f$
DECLARE
    v_count int;
BEGIN
    DELETE FROM postrider.expected x WHERE x.id = ANY (ARRAY(
        SELECT o.id FROM postrider.expected o
        WHERE o.state IN ('met', 'met_by_poll', 'withdrawn') AND o.ended_at < postrider.kept_since()
        ORDER BY o.ended_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$f$;

-- --------------------------------------------------------------------------------------------------------------- roles

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;

GRANT EXECUTE ON FUNCTION
    postrider.expect(text, interval, text, text, text, jsonb, interval, interval, jsonpath, bigint),
    postrider.fulfil(text, text), postrider.withdraw(text, text)
TO postrider_producer, postrider_operator;

GRANT EXECUTE ON FUNCTION
    postrider.end_due(int), postrider.take_polls(int, interval),
    postrider.record_poll(bigint, int, int, text, bytea, text, boolean, interval)
TO postrider_worker;

-- Everything but the headers of polls, which may hold credentials.
GRANT SELECT ON postrider.expectations TO postrider_operator, postrider_worker;
GRANT SELECT (id, correlation, source_id, tenant, state, within, otherwise, due_at, poll_url, poll_every, poll_for, done_when, event_id,
              event_at, redelivered_at, poll_until, turn, polls, last_poll_at, last_poll_status, last_error, inbox_id, created_at, ended_at)
ON postrider.expected TO postrider_operator, postrider_worker;
GRANT SELECT ON SEQUENCE postrider.expected_id_seq TO postrider_operator, postrider_worker;
GRANT EXECUTE ON FUNCTION postrider.withdraw_expectation(bigint, text) TO postrider_operator;
