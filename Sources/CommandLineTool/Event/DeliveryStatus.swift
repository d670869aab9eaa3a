/// The words for the state of a delivery, as the view `event_deliveries` uses them.
enum DeliveryStatus: String, CaseIterable {
    case pending
    case inFlight = "in_flight"
    case retrying, held, delivered, dead, expired, cancelled, filtered
    case noSubscriber = "no_subscriber"

    /// Reads a word of the command line.
    static func read(_ word: String) throws(CommandError) -> DeliveryStatus {
        guard let status = DeliveryStatus(rawValue: word) else {
            throw CommandError(
                .badData, "--status must be one of " + allCases.map(\.rawValue).joined(separator: ", "))
        }
        return status
    }
}
