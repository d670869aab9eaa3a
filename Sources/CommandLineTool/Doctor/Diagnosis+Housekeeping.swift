import Outbox
import OutboxStore

extension Diagnosis {
    static func housekeeping(_ schema: DoctorSnapshot.Schema) -> [Finding] {
        duties(schema.duties) + keptDays(schema.keptDays) + identities(schema.tablesWithoutIdentity)
    }

    private static func duties(_ duties: [DutyOverview]) -> [Finding] {
        let bad = duties.filter { $0.isFailing || $0.isNeglected }
        guard !bad.isEmpty else { return [.ok("duties", "none of \(duties.count) fails or is late")] }
        return bad.map { duty in
            let why = duty.lastError.map { ": \($0)" } ?? ""
            let failed = duty.failures > 0 ? "failed \(Plural.of("time", Int(duty.failures))) in a row, and " : ""
            return .failure(
                "duties", "\(duty.name) \(failed)was last done \(Lag.text(duty.doneAgo)) ago\(why)",
                "SELECT * FROM postrider.duties WHERE duty = \(SQLText(duty.name));  -- the logs of the workers say more"
            )
        }
    }

    private static func keptDays(_ days: [KeptDay]) -> [Finding] {
        guard let first = days.first else { return [.ok("retention", "nothing keeps a day longer")] }
        let sum =
            "\(Plural.of("partition", Int(clamping: first.partitions))) past the retention, \(megabytes(first.allBytes)), kept; "
        return days.map { day in
            let letters = Plural.of("dead letter", Int(clamping: day.deadLetters))
            let deliveries = day.deliveries == 1 ? "1 delivery" : "\(day.deliveries) deliveries"
            let reasons = [day.deadLetters > 0 ? letters : nil, day.deliveries > 0 ? deliveries : nil].compactMap(
                \.self)
            return .warning(
                "retention",
                (day == first ? sum : "")
                    + "\(day.name) (\(megabytes(day.bytes))) is needed by \(reasons.joined(separator: " and "))",
                day.deadLetters > 0
                    ? "postrider dead-letter list  # replay or discard them; one is of event \(day.event)"
                    : "postrider event show \(day.event)  # resume its endpoint, or cancel it")
        }
    }

    private static func identities(_ tables: [String]) -> [Finding] {
        guard !tables.isEmpty else { return [.ok("publications", "none keeps a table from being changed")] }
        return tables.map { table in
            .failure(
                "publications", "one publishes changes of \(table), which has no replica identity: they are refused",
                "ALTER TABLE postrider.\(SQLName(table)) REPLICA IDENTITY FULL;")
        }
    }

    private static func megabytes(_ bytes: Int64) -> String { "\((bytes + 500_000) / 1_000_000) MB" }
}
