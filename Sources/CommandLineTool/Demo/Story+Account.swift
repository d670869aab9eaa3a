import Postgres

extension Story {
    /// The account, out of the views and of what the receivers saw.
    func close() async throws -> Account {
        narrator.heading("6. The account")
        let receipts = scene.endpoints.flatMap(\.receipts)
        let account = Account(
            inserted: inserted, rolledBack: rolledBack.count,
            delivered: try await count("postrider.event_deliveries WHERE status = 'delivered'"),
            dead: try await count("postrider.dead_letters"),
            unaccounted: try await count("postrider.unaccounted"),
            requests: receipts.count, accepted: scene.endpoints.reduce(0) { $0 + $1.accepted.count },
            invalidSignatures: receipts.count { !$0.isVerified },
            phantoms: receipts.count { $0.order.map(rolledBack.contains) ?? true })
        narrator.says(account.line)
        narrator.says("\(account.requests) requests were made; \(account.invalidSignatures) had an invalid signature.")
        for fault in account.faults {
            narrator.says("DOES NOT HOLD: \(fault)")
        }
        return account
    }

    private func count(_ source: String) async throws -> Int {
        let text = try await scene.query("SELECT count(*) FROM \(source)").first ?? ""
        guard let count = Int(text) else { throw CommandError(.failure, "\(source) cannot be counted") }
        return count
    }
}
