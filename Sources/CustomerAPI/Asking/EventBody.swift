import Outbox

/// What is published by `POST /v1/events`.
package struct EventBody: Hashable, Sendable {
    package let eventType: String
    /// JSON, as the bytes that were written.
    package let payload: String
    package let orderingKey: String?
    /// Of `Idempotency-Key`; nil where there is none.
    package let key: String?

    private static let keyBytes = 1...512

    /// - Parameter keys: the values of the header `Idempotency-Key`.
    package init(_ bytes: [UInt8], keys: [String]) throws(APIProblem) {
        let body = try JSONBody(bytes, allowing: ["event_type", "payload", "ordering_key"])
        let type = try body.requiredText("event_type")
        do throws(InvalidText) {
            eventType = try EventType(type).text
        } catch {
            throw APIProblem(.invalid, "event_type: \(error)", field: "event_type")
        }
        guard let payload = body.written("payload") else {
            throw APIProblem(.invalid, "payload must be given", field: "payload")
        }
        self.payload = payload
        orderingKey = try body.text("ordering_key")
        guard keys.count <= 1, keys.allSatisfy(Self.isKey) else {
            throw APIProblem(
                .invalidRequest, "Idempotency-Key must be there once, with 1 to 512 visible characters of ASCII",
                field: "Idempotency-Key")
        }
        key = keys.first
    }

    private static func isKey(_ text: String) -> Bool {
        keyBytes.contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}
