import Testing

/// The outcome that a worker would have recorded if it had not been killed.
struct LateSettle {
    /// The fencing token, and what else the call needs, as text.
    let delivery: String
    let worker: String
    let values: [String?]

    /// The token under which the endpoint's only delivery is leased just now.
    static func token(in installation: Installation, endpoint: String) async throws -> LateSettle {
        let rows = try await installation.rows(
            """
            SELECT d.lease_by, d.endpoint_id, d.due_at, d.id, d.attempt, d.event_id, d.event_at, e.url_id
            FROM postrider.deliveries d JOIN postrider.endpoints e ON e.id = d.endpoint_id WHERE e.name = $1
            """, [endpoint])
        let row = try #require(rows.first)
        return LateSettle(delivery: try #require(row[3]), worker: try #require(row[0]), values: row)
    }

    /// Records it as delivered, and returns the id of the delivery if that came too late.
    static func send(_ token: LateSettle, in installation: Installation) async throws -> String? {
        try await installation.value(
            """
            SELECT * FROM postrider.settle(
                $1::int, false, '-infinity', ARRAY[$2::int], ARRAY[$3::timestamptz], ARRAY[$4::bigint], ARRAY[$5::smallint],
                ARRAY[$6::bigint], ARRAY[$7::timestamptz], ARRAY[0::smallint], ARRAY[0::bigint], ARRAY[NULL::text],
                ARRAY[1000::bigint], ARRAY[1000], ARRAY[$8::int], ARRAY[200::smallint], ARRAY[NULL::text],
                ARRAY[NULL::text], ARRAY[NULL::text], ARRAY['127.0.0.1'], ARRAY[NULL::int], ARRAY[NULL::int],
                ARRAY[NULL::int], ARRAY[NULL::int])
            """, token.values)
    }
}
