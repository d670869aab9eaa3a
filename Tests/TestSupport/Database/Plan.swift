internal import Foundation
package import Postgres

/// What the server says a statement cost, functions and triggers that it called included.
package struct Plan {
    /// Pages read, from memory or from disk.
    package let buffers: Int64
    /// How long it took.
    package let microseconds: Int64
    /// Rows it returned.
    package let rows: Int64
    /// Bytes of its records in the log.
    package let wal: Int64

    private struct Explained: Decodable {
        struct Node: Decodable {
            let hit: Int64
            let read: Int64
            let rows: Int64
            let wal: Int64?

            enum CodingKeys: String, CodingKey {
                case hit = "Shared Hit Blocks"
                case read = "Shared Read Blocks"
                case rows = "Actual Rows"
                case wal = "WAL Bytes"
            }
        }

        let plan: Node
        let time: Double

        enum CodingKeys: String, CodingKey {
            case plan = "Plan"
            case time = "Execution Time"
        }
    }

    package static func of(_ sql: String, on connection: PostgresConnection) async throws -> Plan {
        let text = try await connection.query(
            "EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING off, FORMAT JSON) \(sql)", deadline: TestOutbox.deadline
        ).first
        let explained = try JSONDecoder().decode([Explained].self, from: Data((text ?? "").utf8))
        guard let first = explained.first else { throw PostgresError(.unexpectedValue, "no plan") }
        return Plan(
            buffers: first.plan.hit + first.plan.read, microseconds: Int64(first.time * 1000),
            rows: first.plan.rows, wal: first.plan.wal ?? 0)
    }
}
