/// The closing account: every event that was inserted is somewhere, and nothing came that should not have.
struct Account: Encodable, Sendable {
    /// Events that were inserted, in transactions that were committed and in one that was not.
    var inserted: Int
    /// Events whose transaction was rolled back.
    var rolledBack: Int
    /// Deliveries that an endpoint has accepted, by `postrider.event_deliveries`.
    var delivered: Int
    /// Deliveries that were given up and not replayed.
    var dead: Int
    /// Deliveries that are owed and nowhere, by `postrider.unaccounted`.
    var unaccounted: Int
    /// Requests that the receivers got.
    var requests: Int
    /// Events that the receivers answered with 200.
    var accepted: Int
    /// Requests whose signature did not fit.
    var invalidSignatures: Int
    /// Requests for events that were rolled back.
    var phantoms: Int

    enum CodingKeys: String, CodingKey {
        case inserted, delivered, dead, unaccounted, requests, accepted, phantoms
        case rolledBack = "rolled_back"
        case invalidSignatures = "invalid_signatures"
    }

    /// What does not hold, in words; empty in a good world.
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

    /// The account in one line.
    var line: String {
        "inserted \(inserted), rolled back \(rolledBack), delivered \(delivered), dead \(dead), unaccounted \(unaccounted)"
    }
}
