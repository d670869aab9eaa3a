import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import CommandLineTool

/// `event tail` on a real database.
@Suite(.timeLimit(.minutes(2))) struct EventFollowerTests {
    @Test func showsWhatHappensAndEndsWithItsReader() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run(
                "endpoint", "add", "billing", "https://billing.example.com/", "--event-type", "order.*")
            try await installation.sql("SELECT postrider.publish('order.old', '{}')")
            let (lines, written) = AsyncStream.makeStream(of: String.self)
            let isReaderGone = Mutex(false)
            var context = CommandContext(
                environment: ["POSTRIDER_DATABASE_URL": installation.database.url], writeOutput: { written.yield($0) },
                writeError: { _ in }, now: { 0 })
            context.isOutputBroken = { isReaderGone.withLock { $0 } }
            let tail = Task { [context] in await CommandLineTool.run(["event", "tail", "--json"], in: context) }
            var seen: [String] = []
            func next(_ count: Int) async throws {
                for await line in lines {
                    let report = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                    seen.append("\(report["event_type"] ?? "") \(report["endpoint"] ?? "-") \(report["status"] ?? "")")
                    if seen.count == count { break }
                }
            }
            // What is published after its first look is shown.
            while try await installation.sql(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle' AND query LIKE '%follow_events%'
                """) != "1"
            { try await Task.sleep(for: .milliseconds(20)) }
            let late = try await installation.database.connect()
            try await late.withTransaction(deadline: .seconds(20)) { transaction in
                _ = try await transaction.query("SELECT postrider.publish('order.late', '{}')", deadline: .seconds(5))
                try await installation.sql("SELECT postrider.publish('order.paid', '{}')")
                try await installation.sql("SELECT postrider.publish('other', '{}')")
                try await next(2)
                #expect(Set(seen) == ["order.paid billing pending", "other - no_subscriber"])
            }
            await late.close()
            try await next(3)
            #expect(seen.last == "order.late billing pending")
            try await installation.sql(
                "UPDATE postrider.deliveries SET attempt = 1, due_at = now() + interval '1 h', changed_in = pg_current_xact_id() WHERE event_id = 3"
            )
            try await next(4)
            #expect(seen.last == "order.paid billing retrying")
            try await installation.sql("SELECT postrider.cancel_event(3)")
            try await next(5)
            #expect(seen.last == "order.paid billing cancelled")
            isReaderGone.withLock { $0 = true }
            _ = await tail.value
            #expect(seen.count == 5)
        }
    }
}
