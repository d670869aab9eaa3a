/// A schema `planted` with a double of each function, operator, type, table and view of pg_catalog. Each fails when it is used.
///
/// Set before pg_catalog in the search path, it catches all that does not say its schema and is not pinned.
enum Plant {
    /// What the server's log says of each use.
    static let trace = "planted: "

    static let script = #"""
        CREATE SCHEMA planted;
        GRANT USAGE ON SCHEMA planted TO PUBLIC;
        SET search_path = pg_catalog;
        CREATE FUNCTION planted.sprung(what text) RETURNS boolean LANGUAGE plpgsql AS $f$
        BEGIN
            RAISE EXCEPTION 'planted: % ran as %', what, current_user;
        END
        $f$;
        -- A list of arguments with what stands for any type replaced by one.
        CREATE FUNCTION planted.of(list text, type text) RETURNS text LANGUAGE sql SET search_path = pg_catalog AS $f$
            SELECT regexp_replace(regexp_replace(list, 'anyarray|anycompatiblearray', type || '[]', 'g'),
                                  'anyelement|anycompatible|anynonarray', type, 'g')
        $f$;
        DO $plant$
        DECLARE
            v_one record; v_type text; v_arguments text; v_result text; v_number int := 0;
        BEGIN
            -- Each function under its own argument types, and those for any array also for the arrays that there are.
            FOR v_one IN SELECT p.oid, p.proname, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
                         FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind <> 'p' LOOP
                FOREACH v_type IN ARRAY CASE WHEN v_one.arguments ~ 'any' THEN
                    ARRAY['', 'text', 'integer', 'bigint', 'smallint', 'timestamp with time zone', 'interval'] ELSE ARRAY[''] END LOOP
                    v_arguments := v_one.arguments; v_result := v_one.result;
                    IF v_type <> '' THEN
                        v_arguments := planted.of(regexp_replace(v_arguments, '(VARIADIC )?"any"', 'anyelement'), v_type);
                        v_result := planted.of(v_result, v_type);
                    END IF;
                    BEGIN
                        EXECUTE format(
                            'CREATE FUNCTION planted.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', v_one.proname, v_arguments, v_result,
                            format('BEGIN PERFORM planted.sprung(%L); END', v_one.proname));
                    EXCEPTION WHEN OTHERS THEN
                        NULL;   -- what no role can plant: functions of internal types
                    END;
                END LOOP;
            END LOOP;
            -- Each operator.
            FOR v_one IN SELECT o.oprname AS name, o.oprleft::regtype::text AS l, o.oprright::regtype::text AS r,
                                o.oprleft, o.oprresult::regtype::text AS result
                         FROM pg_operator o WHERE o.oprcode <> 0 LOOP
                FOREACH v_type IN ARRAY CASE WHEN v_one.l || v_one.r ~ 'any' THEN
                    ARRAY['', 'text', 'integer', 'bigint', 'smallint', 'timestamp with time zone', 'interval'] ELSE ARRAY[''] END LOOP
                    v_number := v_number + 1;
                    v_arguments := CASE WHEN v_one.oprleft = 0 THEN '' ELSE v_one.l || ', ' END || v_one.r;
                    v_result := v_one.result;
                    IF v_type <> '' THEN
                        v_arguments := planted.of(v_arguments, v_type);
                        v_result := planted.of(v_result, v_type);
                    END IF;
                    BEGIN
                        EXECUTE format('CREATE FUNCTION planted.operator_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L', v_number, v_arguments,
                            v_result, format('BEGIN PERFORM planted.sprung(%L); END', v_one.name));
                        EXECUTE format('CREATE OPERATOR planted.%s (FUNCTION = planted.operator_%s, %s RIGHTARG = %s)', v_one.name, v_number,
                            CASE WHEN v_one.oprleft <> 0 THEN 'LEFTARG = ' || split_part(v_arguments, ', ', 1) || ',' ELSE '' END,
                            CASE WHEN v_one.oprleft <> 0 THEN split_part(v_arguments, ', ', 2) ELSE v_arguments END);
                    EXCEPTION WHEN OTHERS THEN NULL;
                    END;
                END LOOP;
            END LOOP;
            -- Each table and view of the catalog.
            FOR v_one IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v') LOOP
                BEGIN
                    EXECUTE format('CREATE VIEW planted.%I AS SELECT c.* FROM pg_catalog.%I c WHERE planted.sprung(%L)',
                        v_one.relname, v_one.relname, v_one.relname);
                EXCEPTION WHEN OTHERS THEN NULL;
                END;
            END LOOP;
            -- Each type.
            FOR v_one IN SELECT t.typname FROM pg_type t
                         WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A' LOOP
                BEGIN
                    EXECUTE format('CREATE DOMAIN planted.%I AS pg_catalog.%I CHECK (planted.sprung(%L))',
                        v_one.typname, v_one.typname, v_one.typname);
                EXCEPTION WHEN OTHERS THEN NULL;
                END;
            END LOOP;
        END
        $plant$;
        GRANT SELECT ON ALL TABLES IN SCHEMA planted TO PUBLIC;
        """#
}
