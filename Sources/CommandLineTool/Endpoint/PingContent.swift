import FoundationEssentials
import Outbox

/// What `endpoint test` sends: the type of the event and its payload, checked.
struct PingContent: Equatable {
    let eventType: String
    /// JSON, as it was written; nil for the payload of a ping.
    let payload: [UInt8]?

    private static let ping = "postrider.ping"

    /// - Parameter payload: `-` for standard input.
    init(eventType: String?, payload: String?, in context: CommandContext) throws {
        self.eventType = try eventType.map { try EventType($0).text } ?? Self.ping
        guard let payload else {
            // What has a type of its own has a payload of its own too, as with `event publish`.
            self.payload = eventType == nil ? nil : Array("{}".utf8)
            return
        }
        let content = payload == "-" ? try context.input(limit: Limits.payloadBytes) : Array(payload.utf8)
        guard content.count <= Limits.payloadBytes else {
            throw CommandError(.badData, "the payload is longer than \(Limits.payloadBytes) bytes")
        }
        guard (try? JSONDecoder().decode(AnyJSON.self, from: Data(content))) != nil else {
            throw CommandError(.badData, "the payload is not JSON")
        }
        self.payload = content
    }

    /// Takes every JSON value; the decoder has read all of it before.
    private struct AnyJSON: Decodable {
        init(from decoder: any Decoder) {}
    }
}
