/// The name of an event on the command line: its number, or the webhook id that a receiver saw,
/// `evt_…_<number>`.
struct EventReference: Equatable {
    let id: Int64
    /// nil when the event was named by its number.
    let webhookID: String?

    init(_ text: String) throws(CommandError) {
        let isWebhookID = text.utf8.starts(with: "evt_".utf8)
        let digits = isWebhookID ? String(text.reversed().prefix { $0 != "_" }.reversed()) : text
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let id = Int64(digits),
            id > 0
        else {
            throw CommandError(
                .usage, "'\(text.prefix(100))' is not an event: give its number or its webhook id, evt_…")
        }
        self.id = id
        webhookID = isWebhookID ? text : nil
    }

    func ambiguous(_ webhookIDs: [String]) -> CommandError {
        CommandError(
            .badData,
            "several events have the number \(id), name one by its webhook id: \(webhookIDs.joined(separator: ", "))")
    }

    var unknown: CommandError { CommandError(.badData, "there is no event \(webhookID ?? "\(id)")") }
}
