-- 0013 shaping: what the settings `filter` and `transform` of an endpoint do with its deliveries, long after the producer's transaction.
--
-- Locks:        CREATE ON SCHEMA is granted for a moment; none that last. At run time `shape` locks nothing but the rows that it makes.
-- Old workers:  may keep running; they send without filter and transform.
--
-- A filter is an expression of PostgreSQL's own, which can read what it is given and nothing else. A transform is a function that an
-- operator wrote. It runs as the role postrider_transform, which may do nothing in here, by a function that this role owns: within
-- SECURITY DEFINER PostgreSQL refuses SET ROLE and RESET ROLE, so there is no way back to the worker's rights. What takes too long is
-- ended by the statement's time limit, which the worker sets.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Refuses what is not an SQL/JSON path predicate. NULL is none.
CREATE FUNCTION postrider.check_filter(p_filter text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_path jsonpath; v_answers text[];
BEGIN
    IF p_filter IS NULL THEN
        RETURN;
    ELSIF octet_length(p_filter) > 4000 THEN
        PERFORM postrider.refuse('filter', 'must be at most 4000 bytes');
    END IF;
    BEGIN
        v_path := p_filter::jsonpath;
    EXCEPTION WHEN OTHERS THEN
        PERFORM postrider.refuse('filter', 'must be an SQL/JSON path; PostgreSQL says: ' || left(SQLERRM, 200));
    END;
    -- Of what it prints without its strings only a variable has a quote behind the dollar sign.
    IF regexp_replace(v_path::text, '"([^"\\]|\\.)*"', '""', 'g') ~ '\$""' THEN
        PERFORM postrider.refuse('filter', 'must not hold variables');
    END IF;
    -- A predicate has one answer, whatever it is asked of.
    v_answers := ARRAY(SELECT jsonb_typeof(q) FROM jsonb_path_query_tz('{}', v_path, '{}', true) AS q);
    IF v_answers NOT IN (ARRAY['boolean'], ARRAY['null']) THEN
        PERFORM postrider.refuse('filter',
            'must be a predicate, such as $.total > 100, or exists($.items ? (@.price > 100)) for a path');
    END IF;
END
$f$;

-- A transform as it is stored, schema.name as SQL writes it; refuses what cannot be one, and says why. NULL is none.
CREATE FUNCTION postrider.transform_name(p_transform text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_parts text[]; v_name text; v_schema oid; v_function oid; v_rule text;
BEGIN
    IF p_transform IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        v_parts := parse_ident(p_transform);
    EXCEPTION WHEN invalid_parameter_value THEN
        v_parts := '{}';
    END;
    IF cardinality(v_parts) <> 2 THEN
        PERFORM postrider.refuse('transform', 'must be the name of a function with its schema, such as webhooks.order_body');
    END IF;
    v_name := format('%I.%I', v_parts[1], v_parts[2]);
    SELECT n.oid INTO v_schema FROM pg_namespace n WHERE n.nspname = v_parts[1];
    SELECT p.oid INTO v_function FROM pg_proc p
    WHERE p.pronamespace = v_schema AND p.proname = v_parts[2] AND p.prokind = 'f' AND p.provariadic = 0
        AND p.pronargs = 1 AND p.proargtypes[0] = 'jsonb'::regtype;
    v_rule := CASE
        WHEN v_schema IS NULL THEN format('names the schema %I, which does not exist', v_parts[1])
        WHEN v_function IS NULL THEN format('names %s, of which there is no function with one argument of type jsonb', v_name)
        WHEN (SELECT p.proretset OR p.prorettype NOT IN ('json'::regtype, 'text'::regtype) FROM pg_proc p WHERE p.oid = v_function)
            THEN format('names %s(jsonb), which does not return json or text', v_name)
        WHEN NOT has_schema_privilege('postrider_transform', v_schema, 'USAGE')
            THEN format('names %s; GRANT USAGE ON SCHEMA %I TO postrider_transform first', v_name, v_parts[1])
        WHEN NOT has_function_privilege('postrider_transform', v_function, 'EXECUTE')
            THEN format('names %1$s; GRANT EXECUTE ON FUNCTION %1$s(jsonb) TO postrider_transform first', v_name)
    END;
    IF v_rule IS NOT NULL THEN
        PERFORM postrider.refuse('transform', v_rule);
    END IF;
    RETURN v_name;
END
$f$;

-- Why an event does not pass a filter; NULL if it passes. What goes wrong in the path itself makes it unknown, and so not true.
CREATE FUNCTION postrider.filter_verdict(p_filter jsonpath, p_payload json) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF p_payload IS NULL THEN
        RETURN 'the filter cannot be asked: the event has a body and no payload';
    ELSIF jsonb_path_match_tz(p_payload::jsonb, p_filter, '{}', true) THEN
        RETURN NULL;
    END IF;
    RETURN 'the filter is not true';
-- Not every text that is json can be jsonb: \u0000, huge numbers, deep nesting.
EXCEPTION WHEN data_exception OR program_limit_exceeded OR undefined_object THEN
    RETURN 'the filter cannot be asked: ' || left(SQLERRM, 200);
END
$f$;

-- Calls a transform. All that it changed in the session is undone, and it can change nothing else: its transaction is read only. p_function
-- is what transform_name made.
CREATE FUNCTION postrider.run_transform(p_function text, p_event jsonb, OUT made text, OUT content_type text, OUT failed text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_is_done boolean := false; v_is_json boolean;
BEGIN
    BEGIN
        PERFORM set_config('transaction_read_only', 'on', true);
        v_is_json := (SELECT p.prorettype = 'json'::regtype FROM pg_proc p WHERE p.oid = to_regprocedure(p_function || '(jsonb)'));
        EXECUTE format('SELECT %s($1)::text', p_function) INTO made USING p_event;
        v_is_done := true;
        -- Rolls back to the beginning of this block; variables keep their values.
        RAISE EXCEPTION 'done';
    EXCEPTION WHEN OTHERS THEN
        IF NOT v_is_done THEN
            made := NULL; failed := left(SQLERRM, 500);
        END IF;
    END;
    content_type := CASE WHEN v_is_json THEN 'application/json' ELSE 'text/plain; charset=utf-8' END;
    IF octet_length(made) > 262144 THEN
        failed := format('it made %s bytes, and a body has at most 262144', octet_length(made));
        made := NULL;
    END IF;
END
$f$;

-- Reads events for an endpoint that has a filter, a transform or both, in the order in which they are named, and does what these ask;
-- a row for each, with its place. After p_budget it leaves the rest to the next call. `id` is NULL for an event that is not there.
-- `filtered`: why it is not sent. `failed`: what the filter or the transform failed with. `made`: the body, kept from now on.
CREATE FUNCTION postrider.shape(
    p_endpoint int, p_times timestamptz[], p_ids bigint[], p_filter text, p_transform text, p_budget interval)
RETURNS TABLE (
    place int, id bigint, created_at timestamptz, webhook_id text, event_type text, payload json, body bytea, content_type text,
    headers text[], traceparent text, expires_us bigint, is_ordered boolean, made text, filtered text, failed text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_custom_plan
AS $f$
#variable_conflict use_column
DECLARE
    v_filter jsonpath;
    -- Why the filter cannot be read: the row came another way than by register_endpoint.
    v_broken text;
    v_begun timestamptz := clock_timestamp();
    v_first timestamptz := (SELECT min(t) FROM unnest(p_times) AS t);
    v_last timestamptz := (SELECT max(t) FROM unnest(p_times) AS t);
    o record;
    v_event jsonb;
BEGIN
    BEGIN
        v_filter := p_filter::jsonpath;
    EXCEPTION WHEN OTHERS THEN
        v_broken := 'the filter cannot be read: ' || left(SQLERRM, 200);
    END;
    FOR o IN
        SELECT w.place, e.* FROM unnest(p_times, p_ids) WITH ORDINALITY AS w (created_at, id, place)
        LEFT JOIN LATERAL (
            SELECT x.id, x.created_at, x.event_type, x.payload, x.body, x.content_type, x.headers, x.traceparent, x.expires_at,
                   x.ordering_key, x.tenant
            FROM postrider.outbox x
            -- The bounds let the planner leave out the other partitions.
            WHERE x.created_at = w.created_at AND x.id = w.id AND x.created_at >= v_first AND x.created_at <= v_last OFFSET 0) e ON true
        ORDER BY w.place
    LOOP
        EXIT WHEN o.place > 1 AND clock_timestamp() > v_begun + p_budget;
        place := o.place; id := o.id; created_at := o.created_at; event_type := o.event_type; traceparent := o.traceparent;
        webhook_id := postrider.webhook_id(o.created_at, o.id);
        payload := NULL; body := NULL; made := NULL; filtered := NULL;
        failed := CASE WHEN o.id IS NOT NULL THEN v_broken END;
        content_type := CASE WHEN o.body IS NOT NULL THEN coalesce(o.content_type, '') END;
        headers := CASE WHEN o.headers IS NOT NULL
            THEN ARRAY(SELECT unnest(ARRAY[h.key, h.value]) FROM jsonb_each_text(o.headers) h) END;
        expires_us := (extract(epoch FROM o.expires_at - clock_timestamp()) * 1000000)::bigint;
        is_ordered := o.ordering_key IS NOT NULL;
        IF o.id IS NOT NULL AND v_filter IS NOT NULL THEN
            filtered := postrider.filter_verdict(v_filter, o.payload);
        END IF;
        IF o.id IS NOT NULL AND filtered IS NULL AND failed IS NULL AND p_transform IS NOT NULL THEN
            SELECT b.body, b.content_type INTO made, content_type FROM postrider.made_bodies b
            WHERE b.endpoint_id = p_endpoint AND b.event_id = o.id AND b.event_at = o.created_at;
            IF NOT FOUND THEN
                BEGIN
                    v_event := jsonb_build_object(
                        'id', webhook_id, 'type', o.event_type, 'tenant', o.tenant, 'ordering_key', o.ordering_key,
                        'timestamp', to_char(o.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'headers', coalesce(o.headers, '{}'))
                        || CASE WHEN o.body IS NULL THEN jsonb_build_object('data', o.payload::jsonb)
                                ELSE jsonb_build_object('body', encode(o.body, 'base64'), 'content_type', o.content_type) END;
                    SELECT t.made, t.content_type, t.failed INTO made, content_type, failed
                    FROM postrider.run_transform(p_transform, v_event) t;
                    IF made IS NULL AND failed IS NULL THEN
                        filtered := 'the transform made nothing';
                    END IF;
                EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
                    failed := 'the payload cannot be jsonb: ' || left(SQLERRM, 200);
                END;
            END IF;
            IF made IS NOT NULL THEN
                -- Another attempt, whose lease was lost, may have made it at the same time: then that is sent.
                INSERT INTO postrider.made_bodies AS b (endpoint_id, event_id, event_at, content_type, body)
                VALUES (p_endpoint, o.id, o.created_at, content_type, made)
                ON CONFLICT ON CONSTRAINT made_bodies_pkey DO UPDATE SET body = b.body
                RETURNING b.body, b.content_type INTO made, content_type;
            END IF;
        ELSIF filtered IS NULL AND failed IS NULL THEN
            payload := o.payload; body := o.body;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$f$;

-- The role that transforms run as: it may do nothing in here, and what elsewhere is granted to it or to PUBLIC.
DO $make$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'postrider_transform') THEN
        BEGIN
            CREATE ROLE postrider_transform NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;   -- another database's migration was quicker
        END;
    END IF;
    -- To give a function to a role one must be a member of it.
    IF NOT pg_has_role('postrider_transform', 'MEMBER') THEN
        EXECUTE format('GRANT postrider_transform TO %I', current_user);
    END IF;
END
$make$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    postrider.webhook_id(timestamptz, bigint), postrider.filter_verdict(jsonpath, json), postrider.run_transform(text, jsonb),
    postrider.shape(int, timestamptz[], bigint[], text, text, interval)
TO postrider_worker;
GRANT SELECT, INSERT, UPDATE (body) ON postrider.made_bodies TO postrider_worker;
GRANT SELECT ON postrider.made_bodies TO postrider_operator;

GRANT CREATE ON SCHEMA postrider TO postrider_transform;
ALTER FUNCTION postrider.run_transform(text, jsonb) OWNER TO postrider_transform;
REVOKE CREATE ON SCHEMA postrider FROM postrider_transform;
