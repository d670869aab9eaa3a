import OutboxStore
import Postgres
import TestSupport
import Testing

/// A table of a program's, its owner, who may publish, and a writer who has nothing but rights on the table.
@Suite("A watched table", .timeLimit(.minutes(3)))
struct WatchTests {
    private struct Shop {
        let outbox: TestOutbox
        let owner: PostgresConnection
        let writer: PostgresConnection

        /// The types and payloads that were published, in the order of the events; they are forgotten then.
        func heard() async throws -> [String] {
            let rows = try await outbox.query(
                "SELECT event_type || ' ' || coalesce(ordering_key, '-') || ' ' || replace(payload::text, ' ', '') FROM postrider.outbox ORDER BY id"
            ).rows.compactMap { $0.first ?? nil }
            try await outbox.script("TRUNCATE postrider.outbox, postrider.deliveries")
            return rows
        }

        func own(_ script: String) async throws {
            try await owner.execute(script: script, deadline: .seconds(10))
        }

        func write(_ script: String) async throws {
            try await writer.execute(script: script, deadline: .seconds(10))
        }
    }

    private func withShop(_ table: String, _ body: (Shop) async throws -> Void) async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.script(
                """
                DO $$ BEGIN
                    CREATE ROLE watch_owner LOGIN; CREATE ROLE watch_writer LOGIN; CREATE ROLE watch_other LOGIN IN ROLE postrider_producer;
                    GRANT postrider_producer TO watch_owner;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END $$;
                CREATE SCHEMA app AUTHORIZATION watch_owner;
                GRANT USAGE ON SCHEMA app TO watch_writer, watch_other;
                """)
            let shop = Shop(
                outbox: outbox, owner: try await outbox.connect(as: "watch_owner"),
                writer: try await outbox.connect(as: "watch_writer"))
            try await shop.own("\(table); GRANT ALL ON ALL TABLES IN SCHEMA app TO watch_writer")
            try await body(shop)
            await shop.owner.close()
            await shop.writer.close()
        }
    }

    private static let orders = """
        CREATE TABLE app.orders (id int PRIMARY KEY, status text, total int, note text, double int GENERATED ALWAYS AS (total * 2) STORED)
        """

    @Test(
        "publishes what is written by one who has rights on the table alone: INSERT, UPDATE, DELETE, upsert, MERGE, COPY"
    )
    func statements() async throws {
        try await withShop(Self.orders) { shop in
            try await shop.own("SELECT postrider.watch('app.orders', 'order', ordering_key => 'id')")
            try await shop.write(
                """
                INSERT INTO app.orders (id, total) VALUES (1, 5), (2, 6);
                UPDATE app.orders SET status = 'paid' WHERE id = 1;
                UPDATE app.orders SET status = 'paid' WHERE id = 1;
                DELETE FROM app.orders WHERE id = 2;
                INSERT INTO app.orders (id, total) VALUES (1, 0), (3, 7) ON CONFLICT (id) DO UPDATE SET total = 9;
                MERGE INTO app.orders o USING (VALUES (3), (4)) v (id) ON o.id = v.id
                    WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id);
                """)
            func row(_ id: Int, _ status: String, _ total: String, _ double: String) -> String {
                #"{"id":\#(id),"status":\#(status),"total":\#(total),"note":null,"double":\#(double)}"#
            }
            let paid = #""paid""#
            #expect(
                try await shop.heard() == [
                    #"order.inserted 1 {"before":null,"after":\#(row(1, "null", "5", "10"))}"#,
                    #"order.inserted 2 {"before":null,"after":\#(row(2, "null", "6", "12"))}"#,
                    #"order.updated 1 {"before":\#(row(1, "null", "5", "10")),"after":\#(row(1, paid, "5", "10"))}"#,
                    #"order.deleted 2 {"before":\#(row(2, "null", "6", "12")),"after":null}"#,
                    #"order.updated 1 {"before":\#(row(1, paid, "5", "10")),"after":\#(row(1, paid, "9", "18"))}"#,
                    #"order.inserted 3 {"before":null,"after":\#(row(3, "null", "7", "14"))}"#,
                    #"order.deleted 3 {"before":\#(row(3, "null", "7", "14")),"after":null}"#,
                    #"order.inserted 4 {"before":null,"after":\#(row(4, "null", "null", "null"))}"#,
                ])
            // Rolled back with the change; nothing of a statement that changes nothing.
            try await shop.write("BEGIN; DELETE FROM app.orders; ROLLBACK; DELETE FROM app.orders WHERE id = 77")
            #expect(try await shop.heard() == [])
            // As a superuser, since the server reads it.
            try await shop.outbox.script("COPY app.orders (id) FROM PROGRAM 'printf \"70\\n71\\n\"'")
            #expect(try await shop.heard().map { $0.prefix(17) } == ["order.inserted 70", "order.inserted 71"])
            try await shop.write(
                """
                INSERT INTO app.orders (id) SELECT g FROM generate_series(1000, 3999) g;
                UPDATE app.orders SET total = id WHERE id >= 1000
                """)
            let inOrder = """
                SELECT bool_and(o.key = 1000 + (o.place - 1) % 3000) AND count(*) = 6000
                FROM (SELECT ordering_key::int AS key, row_number() OVER (ORDER BY id) AS place FROM postrider.outbox) o
                """
            #expect(try await shop.outbox.column(inOrder) == ["t"])
        }
    }

    @Test("ignores UPDATEs that change none of the named columns, and survives columns that come and go")
    func columns() async throws {
        try await withShop(Self.orders) { shop in
            try await shop.own(
                "SELECT postrider.watch('app.orders', 'order', '{update}', columns => '{status,total}', ordering_key => 'id')"
            )
            try await shop.write(
                """
                INSERT INTO app.orders (id, total) VALUES (1, 5);
                UPDATE app.orders SET note = 'x';
                UPDATE app.orders SET total = 5;
                UPDATE app.orders SET total = 6, note = 'y';
                """)
            #expect(try await shop.heard().count == 1)
            // The writer's session has plans of the table as it was.
            try await shop.own("ALTER TABLE app.orders ADD COLUMN extra text DEFAULT 'E'")
            try await shop.write("UPDATE app.orders SET status = 'paid'; UPDATE app.orders SET extra = 'F'")
            let heard = try await shop.heard()
            #expect(
                heard.count == 1 && heard[0].contains(#""extra":"E"}"#) && heard[0].hasPrefix("order.updated 1 "),
                "\(heard)")
            // A named column that is not there any more stops no write.
            try await shop.own(
                "ALTER TABLE app.orders RENAME COLUMN status TO state; ALTER TABLE app.orders RENAME COLUMN id TO number"
            )
            try await shop.write("UPDATE app.orders SET note = 'z'")
            #expect(try await shop.heard().map { $0.prefix(15) } == ["order.updated -"])
            try await shop.own("ALTER TABLE app.orders RENAME TO sales")
            #expect(
                try await shop.outbox.column("SELECT \"table\"::text || event_type || owner FROM postrider.watches")
                    == ["app.salesorderwatch_owner"])
        }
    }

    @Test("is found when it got another owner than the one whose rights its triggers have")
    func otherOwner() async throws {
        try await withShop(Self.orders) { shop in
            func strays() async throws -> [StrayWatch] {
                try await shop.outbox.connection.run(SchemaChecks.strayWatches, deadline: .seconds(5))
            }
            try await shop.own("SELECT postrider.watch('app.orders', 'order')")
            #expect(try await strays() == [])
            try await shop.outbox.script("ALTER TABLE app.orders OWNER TO watch_other")
            let stray = try #require(try await strays().first)
            #expect(stray.table == "app.orders" && stray.owner == "watch_other" && stray.runsAs == "watch_owner")
            #expect(stray.functions.count == 3)
            for function in stray.functions {
                try await shop.outbox.script("ALTER FUNCTION \(function) OWNER TO watch_other")
            }
            #expect(try await strays() == [])
        }
    }

    @Test(
        "never fails for what the data holds: a condition that errs, a key that is NULL or too long, a row that is too large"
    )
    func total() async throws {
        try await withShop(Self.orders) { shop in
            // Not compressed, so that a row which is too large as it is stored need not be much larger.
            try await shop.own("ALTER TABLE app.orders ALTER status SET STORAGE EXTERNAL")
            try await shop.own(
                "SELECT postrider.watch('app.orders', 'order', condition => '100 / new.total > 1 -- halves', ordering_key => 'note')"
            )
            try await shop.write(
                """
                INSERT INTO app.orders (id, total, note) VALUES (1, 10, 'a'), (2, 0, 'b'), (3, NULL, 'c'), (4, 90, 'd'), (5, 20, ''), (6, 30, NULL);
                INSERT INTO app.orders (id, total, note) VALUES (7, 40, repeat('k', 513));
                INSERT INTO app.orders (id, total, status) VALUES (8, 40, repeat('x', 262144));
                INSERT INTO app.orders (id, total, status) VALUES (9, 40, repeat('x', 600000));
                UPDATE app.orders SET status = NULL WHERE id IN (8, 9);
                DELETE FROM app.orders WHERE id IN (1, 2);
                """)
            let large = #"{"before":null,"after":null,"too_large":true,"key":{"id":"#
            let heard = try await shop.heard()
            #expect(
                heard.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                    "order.inserted a", "order.inserted -", "order.inserted -",
                    "order.inserted sha256:\(try await digest(shop))", "order.inserted -", "order.inserted -",
                    "order.updated -",
                    "order.updated -",
                ])
            #expect(heard.filter { $0.contains(large) }.map { $0.suffix(3) } == ["8}}", "9}}", "8}}", "9}}"])
            // `new` is no row of a DELETE, so 100 / NULL is not above 1. Bare names are those of the row.
            try await shop.own(
                "SELECT postrider.watch('app.orders', 'order', condition => 'total > 1 AND note IS NULL')")
            try await shop.write("DELETE FROM app.orders")
            #expect(
                try await shop.heard().map { $0.prefix(13) } == ["order.deleted", "order.deleted", "order.deleted"])
        }
    }

    private func digest(_ shop: Shop) async throws -> String {
        try await shop.outbox.column("SELECT encode(sha256(repeat('k', 513)::bytea), 'hex')")[0] ?? ""
    }

    @Test("may be partitioned: writes to partitions, new partitions and rows that move are seen")
    func partitioned() async throws {
        let table = """
            CREATE TABLE app.parts (id int, k text, v int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
            CREATE TABLE app.low PARTITION OF app.parts FOR VALUES FROM (0) TO (100);
            CREATE TABLE app.high PARTITION OF app.parts FOR VALUES FROM (100) TO (200)
            """
        try await withShop(table) { shop in
            try await shop.own("SELECT postrider.watch('app.parts', 'part', columns => '{v,id}', ordering_key => 'k')")
            try await shop.write(
                """
                INSERT INTO app.parts VALUES (1, 'a', 1), (101, 'b', 1);
                INSERT INTO app.low VALUES (2, 'c', 1);
                UPDATE app.parts SET k = 'z' WHERE id = 2;
                UPDATE app.parts SET v = 2 WHERE id = 2;
                UPDATE app.parts SET id = 102 WHERE id = 1;
                """)
            let words = try await shop.heard().map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
            #expect(
                words == [
                    "part.inserted a", "part.inserted b", "part.inserted c", "part.updated z", "part.deleted a",
                    "part.inserted a",
                ])
            try await shop.own(
                """
                CREATE TABLE app.top PARTITION OF app.parts FOR VALUES FROM (200) TO (300);
                ALTER TABLE app.parts ADD COLUMN n text; ALTER TABLE app.parts ALTER COLUMN v TYPE text USING v::text;
                """)
            try await shop.write(
                "INSERT INTO app.parts VALUES (201, 'y', '7', 'n'); UPDATE app.parts SET v = '8' WHERE id = 201")
            #expect(
                try await shop.heard() == [
                    #"part.inserted y {"before":null,"after":{"id":201,"k":"y","v":"7","n":"n"}}"#,
                    #"part.updated y {"before":{"id":201,"k":"y","v":"7","n":"n"},"after":{"id":201,"k":"y","v":"8","n":"n"}}"#,
                ])
            #expect(
                await shop.owner.refusal(of: "SELECT postrider.watch('app.low', 'x')")?.message
                    == "table app.low is a partition: watch app.parts")
        }
    }

    @Test("may have any name, and columns with the names that the trigger uses; what a foreign key cascades is seen")
    func names() async throws {
        let table = #"""
            CREATE TABLE app.parents (id int PRIMARY KEY);
            CREATE TABLE app."T'a b" ("Id" int PRIMARY KEY, "new" text, "old" int, place int, this int, "key" int,
                r int REFERENCES app.parents ON DELETE CASCADE, change int)
            """#
        try await withShop(table) { shop in
            try await shop.outbox.script(#"ALTER SCHEMA app RENAME TO "We ird""#)
            let name = #"'"We ird"."T''a b"'"#
            try await shop.own("SELECT postrider.watch(\(name), 'odd', columns => '{new,old}', ordering_key => 'Id')")
            try await shop.own(
                "SELECT postrider.watch(\(name), 'ruled', '{update}', condition => '\"new\" = ''z'' AND new.\"Id\" > 0')"
            )
            try await shop.write(
                #"""
                INSERT INTO "We ird".parents VALUES (6);
                INSERT INTO "We ird"."T'a b" VALUES (1, 'n', 2, 3, 4, 5, 6, 7);
                UPDATE "We ird"."T'a b" SET "new" = 'z';
                UPDATE "We ird"."T'a b" SET place = 9;
                DELETE FROM "We ird".parents;
                """#)
            let words = try await shop.heard().map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
            #expect(
                words.sorted() == [
                    "odd.deleted 1", "odd.inserted 1", "odd.updated 1", "ruled.updated -", "ruled.updated -",
                ])
        }
    }

    @Test("is watched by its owner only, with words for what cannot be; what is asked for cannot become other SQL")
    func refused() async throws {
        try await withShop(Self.orders) { shop in
            let other = try await shop.outbox.connect(as: "watch_other")
            for call in ["watch('app.orders', 'x')", "unwatch('app.orders')"] {
                #expect(await other.refusal(of: "SELECT postrider.\(call)")?.sqlState == .insufficientPrivilege)
                #expect(await shop.writer.refusal(of: "SELECT postrider.\(call)")?.sqlState == .insufficientPrivilege)
            }
            await other.close()
            try await shop.own("CREATE VIEW app.v AS SELECT 1 AS a; CREATE TEMP TABLE t (a int)")
            let refusals = [
                ("'app.v', 'x'", "table app.v is a view: watch the table under it"),
                ("'t', 'x'", "table t is a temporary table"),
                ("'app.orders', 'a..b'", "event_type must be segments"),
                ("'app.orders', 'x', '{truncate}'", "operations must hold"),
                ("'app.orders', 'x', columns => '{nope}'", "columns names nope, which is no column"),
                ("'app.orders', 'x', columns => '{}'", "columns must be an array"),
                ("'app.orders', 'x', ordering_key => 'id; drop'", "ordering_key names \"id; drop\""),
                ("'app.orders', 'x', condition => 'nope > 1'", "condition must be a boolean SQL expression"),
                ("'app.orders', 'x', condition => 'total'", "condition must be a boolean SQL expression"),
                ("'app.orders', 'x', condition => 'true) OR (true'", "condition must be a boolean SQL expression"),
                (
                    "'app.orders', 'x', condition => 'true; DROP TABLE app.orders'",
                    "condition must be a boolean SQL expression"
                ),
                (
                    "'app.orders', 'x', condition => 'true); DROP TABLE app.orders; SELECT (true'",
                    "condition must be a boolean SQL expression"
                ),
            ]
            for (arguments, words) in refusals {
                let error = await shop.owner.refusal(of: "SELECT postrider.watch(\(arguments))")
                #expect(error?.message.hasPrefix(words) == true, "\(arguments): \(error?.message ?? "-")")
            }
            #expect(try await shop.outbox.number("SELECT count(*) FROM postrider.watches") == 0)
            // Its functions are of no use to others, run as the owner, and find nothing that is planted.
            try await shop.own(
                "SELECT postrider.watch('app.orders', 'x'); SELECT postrider.watch('app.orders', 'y', tenant => 'o''k')"
            )
            let functions = """
                SELECT DISTINCT proowner::regrole || ' ' || prosecdef || ' ' || array_to_string(proacl, ',') || ' ' || proconfig[1]
                FROM pg_proc WHERE proname LIKE 'postrider_watch%'
                """
            #expect(
                try await shop.outbox.column(functions) == [
                    "watch_owner true watch_owner=X/watch_owner search_path=pg_catalog, pg_temp"
                ])
            // Again takes the place of what there was; nothing is left at the end.
            try await shop.own("SELECT postrider.watch('app.orders', 'x', '{delete}')")
            #expect(
                try await shop.outbox.column(
                    "SELECT event_type || operations::text || tenant FROM postrider.watches ORDER BY 1") == [
                        "x{delete}", "y{insert,update,delete}o'k",
                    ])
            #expect(
                try await shop.owner.query("SELECT postrider.unwatch('app.orders')", deadline: .seconds(5)).first == "2"
            )
            #expect(
                try await shop.outbox.number("SELECT count(*) FROM pg_proc WHERE proname LIKE 'postrider_watch%'") == 0)
            try await shop.write("INSERT INTO app.orders (id) VALUES (1)")
            #expect(try await shop.heard() == [])
            // An owner who may not publish hears it at once, and not when somebody writes.
            try await shop.outbox.script(
                "CREATE TABLE app.theirs (a int); ALTER TABLE app.theirs OWNER TO watch_writer")
            let error = await shop.outbox.refusal(of: "SELECT postrider.watch('app.theirs', 'x')")
            #expect(error?.message == "the owner of app.theirs may not publish")
        }
    }
}
