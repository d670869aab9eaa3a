/// What the demo counts at its end: every inserted event is somewhere, and no request came that should not have come.
struct Account: Encodable, Sendable {
    /// Events that were inserted, in transactions that were committed and in one that was not.
    var inserted: Int
    var rolledBack: Int
    /// Deliveries that endpoints have accepted, by `postrider.event_deliveries`.
    var delivered: Int
    /// Dead letters that were not replayed.
    var dead: Int
    /// Deliveries that should exist and do not, by `postrider.unaccounted`.
    var unaccounted: Int
    /// Requests that came to the receivers.
    var requests: Int
    /// Events that the receivers answered with 200.
    var accepted: Int
    var invalidSignatures: Int
    /// Requests for events that were rolled back.
    var phantoms: Int

    /// What does not hold, in words; normally empty.
    var faults: [String] {
        var faults: [String] = []
        if unaccounted != 0 { faults.append("\(unaccounted) deliveries are unaccounted for") }
        if inserted != rolledBack + delivered + dead {
            faults.append(
                "\(inserted) inserted is not \(rolledBack) rolled back + \(delivered) delivered + \(dead) dead")
        }
        if accepted != delivered {
            faults.append("the receivers accepted \(accepted) events, and \(delivered) are recorded as delivered")
        }
        if phantoms != 0 { faults.append("an event that was rolled back was received") }
        if invalidSignatures != 0 { faults.append("\(invalidSignatures) requests had no valid signature") }
        return faults
    }

    var line: String {
        "inserted \(inserted), rolled back \(rolledBack), delivered \(delivered), dead \(dead), unaccounted \(unaccounted)"
    }
}
