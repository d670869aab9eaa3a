-- 0011 watching: triggers on tables of others that publish what changes in them.
--
-- Locks:        none at migration; postrider.watch and unwatch take SHARE ROW EXCLUSIVE on the table, as CREATE TRIGGER does.
-- Old workers:  may keep running.
--
-- The triggers are the only record of a watch: their one argument says what was asked for, so a table that is renamed, dropped or
-- restored takes its watches along. Their functions stand beside the table, belong to its owner, and run with the owner's rights
-- (SECURITY DEFINER): one who may write to the table needs no right on the outbox, and a condition can do what its author can.
--
-- They are total, as all in 0002 is: what the data holds never makes the business change fail. A plain table has statement
-- triggers, which publish all rows of a statement with one INSERT; a partitioned one has row triggers, since a statement may name
-- a partition. Rules (columns, condition, key) are asked inside a block that catches errors and writes nothing, so that it costs no
-- transaction id.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The ordering key of a row: none for NULL and '', a digest for one that is longer than a key may be.
CREATE FUNCTION postrider.watch_key(key text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(key) <= 512 THEN nullif(key, '')
            WHEN key IS NOT NULL THEN 'sha256:' || encode(sha256(convert_to(key, 'UTF8')), 'hex') END;

-- What is published of a row that is too large: its primary key, if that can be had.
CREATE FUNCTION postrider.large_change(p_table oid, p_row record) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_pairs text := (
        SELECT string_agg(format('%L, r.%I', a.attname, a.attname), ', ' ORDER BY a.attnum)
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = p_table AND i.indisprimary);
    v_key json;
BEGIN
    BEGIN
        -- By way of text: a row of a transition table does not know its type.
        EXECUTE format('SELECT json_build_object(%s) FROM (SELECT ($1::text::%s).*) r', v_pairs, p_table::regclass)
        INTO v_key USING p_row;
    EXCEPTION WHEN OTHERS THEN
        v_key := NULL;
    END;
    RETURN json_build_object('before', NULL, 'after', NULL, 'too_large', true,
                             'key', CASE WHEN octet_length(v_key::text) <= 65536 THEN v_key END);
END
$f$;

-- What a trigger's argument says; NULL for one that is not ours.
CREATE FUNCTION postrider.watch_settings(p_argument bytea) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_settings json := convert_from(substr(p_argument, 1, length(p_argument) - 1), 'UTF8')::json;
BEGIN
    PERFORM ARRAY(SELECT json_array_elements_text(v_settings -> 'operations')), v_settings ->> 'event_type';
    PERFORM json_array_elements_text(nullif(v_settings ->> 'columns', 'null')::json);
    RETURN CASE WHEN json_typeof(v_settings) = 'object' AND v_settings ->> 'event_type' IS NOT NULL THEN v_settings END;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$f$;

-- The triggers of watches, with what was asked for.
CREATE FUNCTION postrider.watch_triggers(p_table oid DEFAULT NULL)
RETURNS TABLE (relation oid, trigger text, function oid, settings json, is_enabled boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT t.tgrelid, t.tgname::text, t.tgfoid, postrider.watch_settings(t.tgargs), t.tgenabled <> 'D'
    FROM pg_trigger t
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND starts_with(t.tgname, 'postrider_watch_') AND t.tgnargs = 1
        AND (p_table IS NULL OR t.tgrelid = p_table) AND postrider.watch_settings(t.tgargs) IS NOT NULL
$f$;

-- What is watched, in the words of postrider.watch.
CREATE VIEW postrider.watches AS
SELECT w.relation::regclass AS "table", w.settings ->> 'event_type' AS event_type,
       ARRAY(SELECT json_array_elements_text(w.settings -> 'operations')) AS operations,
       CASE WHEN w.settings ->> 'columns' IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(w.settings -> 'columns')) END AS columns,
       w.settings ->> 'condition' AS condition, w.settings ->> 'ordering_key' AS ordering_key,
       coalesce(w.settings ->> 'tenant', '') AS tenant, pg_get_userbyid(c.relowner)::text AS owner, w.is_enabled
FROM (SELECT t.relation, t.settings::text, bool_and(t.is_enabled) AS is_enabled FROM postrider.watch_triggers() t
      GROUP BY t.relation, t.settings::text) s
CROSS JOIN LATERAL (SELECT s.relation, s.settings::json AS settings, s.is_enabled) w
JOIN pg_class c ON c.oid = w.relation;

-- Raises unless a text is one boolean expression over the columns of a table, of `new` and of `old`. It is parsed and planned, never
-- run; a cursor takes one statement only. Once within brackets and once without: what closes a bracket that it did not open, or
-- goes on after its end, is no expression in one of them.
CREATE FUNCTION postrider.check_condition(p_table regclass, p_condition text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_form text; v_cursor refcursor;
BEGIN
    FOREACH v_form IN ARRAY ARRAY[format(E'coalesce((%s\n), false)', p_condition), p_condition || E'\n'] LOOP
        OPEN v_cursor FOR EXECUTE format(
            'SELECT (SELECT %s FROM (SELECT new.*) AS this_row LIMIT 1) FROM %s AS new LEFT JOIN %s AS old ON false LIMIT 0',
            v_form, p_table, p_table);
        CLOSE v_cursor;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    PERFORM postrider.refuse('condition',
        format('must be a boolean SQL expression over the columns of %s, of new and of old: %s', p_table, SQLERRM));
END
$f$;

-- Raises unless a table can be watched by the current role.
CREATE FUNCTION postrider.check_watched(p_table regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_class pg_class; v_schema text;
BEGIN
    SELECT c.* INTO v_class FROM pg_class c WHERE c.oid = p_table;
    IF NOT FOUND THEN
        PERFORM postrider.refuse('table', 'must be the name of a table');
    END IF;
    v_schema := v_class.relnamespace::regnamespace::text;
    IF NOT pg_has_role(v_class.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of table %s', p_table);
    END IF;
    PERFORM postrider.refuse('table', CASE
        WHEN v_class.relkind IN ('v', 'm') THEN format('%s is a view: watch the table under it', p_table)
        WHEN v_class.relkind = 'f' THEN format('%s is a foreign table: it changes where no trigger of this database sees it', p_table)
        WHEN v_class.relkind NOT IN ('r', 'p') THEN format('%s is not a table', p_table)
        WHEN v_class.relispartition THEN format(
            '%s is a partition: watch %s', p_table,
            (SELECT i.inhparent::regclass FROM pg_inherits i WHERE i.inhrelid = v_class.oid))
        WHEN v_class.relpersistence = 't' THEN format('%s is a temporary table', p_table)
        ELSE format('%s is of the schema %s', p_table, v_schema) END)
    WHERE v_class.relkind NOT IN ('r', 'p') OR v_class.relispartition OR v_class.relpersistence = 't'
        OR v_schema IN ('postrider', 'pg_catalog', 'information_schema');
    IF NOT has_column_privilege(v_class.relowner, 'postrider.outbox', 'payload', 'INSERT')
        OR NOT has_schema_privilege(v_class.relowner, 'postrider', 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('the owner of %s may not publish', p_table),
            HINT = format('GRANT postrider_producer TO %I', pg_get_userbyid(v_class.relowner));
    END IF;
END
$f$;

-- The suffix of an operation's event type.
CREATE FUNCTION postrider.watch_suffix(p_operation text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN lower(p_operation) || CASE lower(p_operation) WHEN 'insert' THEN 'ed' ELSE 'd' END;

-- The body of the trigger function for one operation on a plain table. `r` is the row after, or of a DELETE the row before; it never
-- stands without a dot, since a column may be called so. With p_key or p_columns it first asks for these columns, of no row: one
-- that was renamed or dropped since must not stop a write.
CREATE FUNCTION postrider.statement_watch(p_operation text, p_event_type text, p_tenant text, p_columns text[], p_key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_table text := CASE p_operation WHEN 'delete' THEN 'postrider_old' ELSE 'postrider_new' END;
    v_compared text := (SELECT string_agg(format('r.%I', u.c), ', ') FROM unnest(p_columns) AS u (c));
    v_key text := 'postrider.watch_key(r.' || quote_ident(p_key) || '::text)';
    -- What is needed of each side, and of an UPDATE the two sides of a row: both tables are in the order of the changes. They are
    -- put together by a FULL JOIN, which can only be a hash or a merge: the plan is kept, with the row count that came first. A
    -- setting would do it, too, but reach the triggers of the outbox.
    v_side CONSTANT text := 'SELECT row_number() OVER () AS place, CASE WHEN pg_column_size(r.*) <= 524288 THEN to_json(r.*) END AS image, '
        'ROW(r.*) AS this, %s AS compared, %s AS key FROM %s r';
    v_insert CONSTANT text := $t$
    INSERT INTO postrider.outbox (event_type, payload, ordering_key, tenant)
    SELECT %1$L, CASE WHEN octet_length(c.change::text) <= 262144 THEN c.change ELSE postrider.large_change(TG_RELID, c.this) END,
           c.key, %2$L
    FROM (%3$s OFFSET 0) c ORDER BY c.place;
    RETURN NULL;$t$;
    v_type text := p_event_type || '.' || postrider.watch_suffix(p_operation);
    v_rows CONSTANT text := CASE p_operation
        WHEN 'insert' THEN $t$SELECT a.place, a.this, a.key, CASE WHEN a.image IS NOT NULL
        THEN json_build_object('before', NULL, 'after', a.image) END AS change FROM (%1$s) a$t$
        WHEN 'delete' THEN $t$SELECT a.place, a.this, a.key, CASE WHEN a.image IS NOT NULL
        THEN json_build_object('before', a.image, 'after', NULL) END AS change FROM (%1$s) a$t$
        ELSE $t$SELECT a.place, a.this, a.key, CASE WHEN a.image IS NOT NULL AND b.image IS NOT NULL
        THEN json_build_object('before', b.image, 'after', a.image) END AS change
    FROM (%1$s) a FULL JOIN (%2$s) b ON b.place = a.place WHERE (a.compared *<> b.compared) IS NOT FALSE$t$ END;
    v_ruled text := format(v_rows,
        format(v_side, coalesce('ROW(' || v_compared || ')', 'ROW(r.*)'), coalesce(v_key, 'NULL::text'), v_table),
        format(v_side, coalesce('ROW(' || v_compared || ')', 'ROW(r.*)'), 'NULL::text', 'postrider_old'));
    v_plain text := format(v_rows, format(v_side, 'ROW(r.*)', 'NULL::text', v_table), format(v_side, 'ROW(r.*)', 'NULL::text', 'postrider_old'));
BEGIN
    IF v_compared IS NULL AND p_key IS NULL THEN
        RETURN 'BEGIN' || format(v_insert, v_type, p_tenant, v_plain) || E'\nEND';
    END IF;
    RETURN format($t$BEGIN
    BEGIN
        PERFORM %1$s FROM %2$s r LIMIT 0;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'the columns of a watch on %% cannot be read (SQLSTATE %%): all changes are published, without a key',
            TG_RELID::regclass, SQLSTATE;%3$s
    END;%4$s
END$t$, concat_ws(', ', v_compared, v_key), v_table, format(v_insert, v_type, p_tenant, v_plain),
        format(v_insert, v_type, p_tenant, v_ruled));
END
$f$;

-- The body of the trigger function for all operations on a partitioned table, or with a condition: for one row. What the rule says is
-- asked by a statement whose plan is kept, and if that fails by one that is planned for the row as it is now.
CREATE FUNCTION postrider.row_watch(p_event_type text, p_tenant text, p_columns text[], p_condition text, p_key text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_compared text := (
        -- The casts keep it from being a comparison of rows column by column, which has no such operator.
        SELECT 'ROW(' || string_agg('old.' || quote_ident(u.c), ', ') || ')::record *<> ROW('
            || string_agg('new.' || quote_ident(u.c), ', ') || ')::record'
        FROM unnest(p_columns) AS u (c));
    v_rule text; v_code text;
    v_op text;
BEGIN
    FOREACH v_op IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
        v_rule := format(E'SELECT %s AND %s, %s', CASE WHEN v_op = 'UPDATE' THEN coalesce(v_compared, 'true') ELSE 'true' END,
            coalesce('coalesce((SELECT (' || p_condition || E'\n) FROM (SELECT '
                     || CASE v_op WHEN 'DELETE' THEN 'old' ELSE 'new' END || '.*) AS this_row), false)', 'true'),
            coalesce(CASE v_op WHEN 'DELETE' THEN 'old.' ELSE 'new.' END || quote_ident(p_key) || '::text', 'NULL::text'));
        v_code := concat(v_code, format($t$
            %1$s TG_OP = %2$L THEN
                BEGIN
                    %3$s INTO v_wanted, v_key;
                EXCEPTION WHEN OTHERS THEN
                    EXECUTE %4$L INTO v_wanted, v_key USING NEW, OLD;
                END;$t$, CASE v_op WHEN 'INSERT' THEN 'IF' ELSE 'ELSIF' END, v_op, v_rule,
            v_rule || ' FROM (SELECT ($1).*) AS new CROSS JOIN (SELECT ($2).*) AS old'));
    END LOOP;
    RETURN format($t$#variable_conflict use_column
DECLARE
    v_wanted boolean := true; v_key text; v_change json;
BEGIN
    IF TG_OP = 'UPDATE' AND NOT OLD *<> NEW THEN
        RETURN NULL;
    END IF;%1$s
    IF coalesce(pg_column_size(NEW), 0) <= 524288 AND coalesce(pg_column_size(OLD), 0) <= 524288 THEN
        v_change := json_build_object('before', to_json(OLD), 'after', to_json(NEW));
    END IF;
    IF v_wanted THEN
        INSERT INTO postrider.outbox (event_type, payload, ordering_key, tenant)
        VALUES (%2$L || CASE TG_OP WHEN 'INSERT' THEN '.inserted' WHEN 'UPDATE' THEN '.updated' ELSE '.deleted' END,
                CASE WHEN octet_length(v_change::text) <= 262144 THEN v_change
                     ELSE postrider.large_change(TG_RELID, CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END) END,
                postrider.watch_key(v_key), %3$L);
    END IF;
    RETURN NULL;
END$t$, CASE WHEN p_condition IS NOT NULL OR p_key IS NOT NULL OR v_compared IS NOT NULL THEN format($t$
    BEGIN%1$s
        END IF;
    EXCEPTION WHEN OTHERS THEN
        v_wanted := %2$s; v_key := NULL;
        RAISE WARNING 'the rule of a watch on %% failed (SQLSTATE %%): the row is published %3$s', TG_RELID::regclass, SQLSTATE;
    END;$t$, v_code, (p_condition IS NULL)::text, CASE WHEN p_condition IS NULL THEN 'without a key' ELSE 'not at all' END) END,
        p_event_type, p_tenant);
END
$f$;

-- The operations, columns and texts of a watch as they are asked for; raises what is wrong with them.
CREATE FUNCTION postrider.check_watch(
    p_table regclass, p_event_type text, p_operations text[], p_columns text[], p_condition text, p_key text, p_tenant text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_missing text;
BEGIN
    IF p_event_type IS NULL OR length(p_event_type) > 119 OR p_event_type !~ '^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$' THEN
        PERFORM postrider.refuse('event_type',
            'must be segments of A-Z, a-z, 0-9 and _ joined by dots, at most 119 characters: .inserted, .updated or .deleted is added');
    END IF;
    PERFORM postrider.check_array('operations', p_operations, 1, 3);
    IF p_operations IS NULL OR NOT p_operations <@ '{insert,update,delete}' THEN
        PERFORM postrider.refuse('operations', 'must hold one or more of insert, update and delete');
    END IF;
    PERFORM postrider.check_array('columns', p_columns, 1, 1600);
    SELECT u.c INTO v_missing FROM unnest(p_columns || p_key) AS u (c)
    WHERE u.c IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = u.c);
    IF FOUND THEN
        PERFORM postrider.refuse(CASE WHEN v_missing = ANY (p_columns) THEN 'columns' ELSE 'ordering_key' END,
                                 format('names %I, which is no column of %s', v_missing, p_table));
    ELSIF p_condition !~ '\S' OR octet_length(p_condition) > 8192 THEN
        PERFORM postrider.refuse('condition', 'must be an expression of at most 8192 bytes');
    ELSIF p_tenant IS NULL OR octet_length(p_tenant) > 512 THEN
        PERFORM postrider.refuse('tenant', 'must be at most 512 bytes and not NULL');
    END IF;
    IF p_condition IS NOT NULL THEN
        PERFORM postrider.check_condition(p_table, p_condition);
    END IF;
END
$f$;

-- Drops the watches of a table, or the one that publishes p_event_type, with their functions; returns how many there were.
CREATE FUNCTION postrider.drop_watches(p_table regclass, p_event_type text) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_watch record; v_types text[] := '{}';
BEGIN
    FOR v_watch IN SELECT t.trigger, t.function, t.settings ->> 'event_type' AS event_type FROM postrider.watch_triggers(p_table) t
                   WHERE p_event_type IS NULL OR t.settings ->> 'event_type' = p_event_type ORDER BY t.trigger LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_watch.trigger, p_table);
        -- Of a partitioned table one function serves all operations.
        IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = v_watch.function) THEN
            EXECUTE format('DROP FUNCTION %s', v_watch.function::regprocedure);
        END IF;
        v_types := v_types || v_watch.event_type;
    END LOOP;
    RETURN (SELECT count(DISTINCT u.t) FROM unnest(v_types) AS u (t));
END
$f$;

-- Makes a trigger function beside the table, with the table's owner as its owner. No one may call it, or use it for another table.
CREATE FUNCTION postrider.make_watch_function(p_table regclass, p_name text, p_body text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    v_name text; v_owner oid;
BEGIN
    SELECT format('%I.%I', n.nspname, p_name), c.relowner INTO v_name, v_owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = p_table;
    -- What is written must not depend on the settings of the one who writes.
    EXECUTE format(
        'CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp '
        'SET "TimeZone" = ''UTC'' SET "IntervalStyle" = iso_8601 SET bytea_output = hex SET extra_float_digits = 1 AS %L',
        v_name, p_body);
    EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', v_name);
    IF pg_get_userbyid(v_owner) <> current_user THEN
        EXECUTE format('ALTER FUNCTION %s() OWNER TO %I', v_name, pg_get_userbyid(v_owner));
    END IF;
    RETURN v_name;
END
$f$;

-- Publishes what is done to a table from now on, in the transactions that do it. Again for the same event_type it takes the place of
-- what there was. Runs with the rights of the one who calls, who must be the table's owner; the owner must be allowed to publish.
CREATE FUNCTION postrider.watch(
    "table" regclass, event_type text, operations text[] DEFAULT '{insert,update,delete}', columns text[] DEFAULT NULL,
    condition text DEFAULT NULL, ordering_key text DEFAULT NULL, tenant text DEFAULT '') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
#variable_conflict use_variable
DECLARE
    v_by_row boolean := condition IS NOT NULL OR (SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = "table");
    v_tag text := 'postrider_watch_' || left(md5("table"::oid || ' ' || event_type), 12);
    v_settings text; v_function text; v_operation text;
BEGIN
    PERFORM postrider.check_watched("table");
    PERFORM postrider.check_watch("table", event_type, operations, columns, condition, ordering_key, tenant);
    PERFORM postrider.drop_watches("table", event_type);
    v_settings := json_build_object('event_type', event_type, 'operations', operations, 'columns', columns, 'condition', condition,
                                    'ordering_key', ordering_key, 'tenant', tenant);
    IF v_by_row THEN
        v_function := postrider.make_watch_function(
            "table", v_tag, postrider.row_watch(event_type, tenant, columns, condition, ordering_key));
    END IF;
    FOR v_operation IN SELECT DISTINCT u.o FROM unnest(operations) AS u (o) ORDER BY u.o LOOP
        IF NOT v_by_row THEN
            v_function := postrider.make_watch_function(
                "table", v_tag || '_' || v_operation, postrider.statement_watch(v_operation, event_type, tenant, columns, ordering_key));
        END IF;
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION %s(%L)', v_tag || '_' || v_operation, v_operation, "table",
            CASE WHEN v_by_row THEN 'FOR EACH ROW' ELSE concat_ws(' ', 'REFERENCING',
                CASE WHEN v_operation <> 'delete' THEN 'NEW TABLE AS postrider_new' END,
                CASE WHEN v_operation <> 'insert' THEN 'OLD TABLE AS postrider_old' END, 'FOR EACH STATEMENT') END,
            v_function, v_settings);
    END LOOP;
END
$f$;

-- Ends the watches of a table, or with event_type that one; returns how many there were.
CREATE FUNCTION postrider.unwatch("table" regclass, event_type text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF NOT pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = "table"), 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of table %s', "table");
    END IF;
    RETURN postrider.drop_watches("table", unwatch.event_type);
END
$f$;

REVOKE ALL ON ALL TABLES IN SCHEMA postrider FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA postrider FROM PUBLIC;
GRANT SELECT ON postrider.watches TO postrider_producer, postrider_operator;
GRANT EXECUTE ON FUNCTION
    postrider.watch_settings(bytea), postrider.watch_triggers(oid)
TO postrider_producer, postrider_operator;
-- All of it runs with the caller's rights.
GRANT EXECUTE ON FUNCTION
    postrider.watch(regclass, text, text[], text[], text, text, text), postrider.unwatch(regclass, text),
    postrider.watch_key(text), postrider.large_change(oid, record), postrider.check_condition(regclass, text),
    postrider.check_watched(regclass), postrider.check_watch(regclass, text, text[], text[], text, text, text),
    postrider.watch_suffix(text), postrider.statement_watch(text, text, text, text[], text),
    postrider.row_watch(text, text, text[], text, text), postrider.drop_watches(regclass, text),
    postrider.make_watch_function(regclass, text, text), postrider.refuse(text, text),
    postrider.check_array(text, anyarray, int, int)
TO postrider_producer;
