/// How people name an event: by its number, or by the webhook id that a receiver saw, `evt_<installation>_<number>`.
struct EventReference: Equatable {
    let id: Int64
    /// The webhook id, if that is how the event was named.
    let webhookID: String?

    init(_ text: String) throws(CommandError) {
        let isWebhookID = text.utf8.starts(with: "evt_".utf8)
        let digits = isWebhookID ? String(text.reversed().prefix { $0 != "_" }.reversed()) : text
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let id = Int64(digits),
            id > 0
        else {
            throw CommandError(.usage, "'\(text.prefix(100))' is no event: give its number or its webhook id, evt_…")
        }
        self.id = id
        webhookID = isWebhookID ? text : nil
    }

    /// What to say when there is no such event.
    var unknown: CommandError { CommandError(.badData, "there is no event \(webhookID ?? "\(id)")") }
}
