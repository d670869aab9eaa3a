/// What the head of a request says about its event and its attempt. Fields that an endpoint or an event adds come after it.
package struct WebhookHead: Sendable {
    /// The media type of the body.
    package var contentType: String
    /// The value of `webhook-id`.
    package var id: String
    /// The value of `webhook-event-type`.
    package var eventType: String
    /// The value of `webhook-attempt`.
    package var attempt: Int32
    /// The trace that the event belongs to (W3C Trace Context).
    package var traceparent: String?

    package init(contentType: String, id: String, eventType: String, attempt: Int32, traceparent: String? = nil) {
        self.contentType = contentType
        self.id = id
        self.eventType = eventType
        self.attempt = attempt
        self.traceparent = traceparent
    }

    /// Signs a request and appends its fields, in the order in which they are sent: those of Standard Webhooks 1.0.0, and
    /// what docs/receiving-webhooks.md adds.
    ///
    /// - Parameters:
    ///   - timestamp: when the request goes out, in seconds since 1970.
    ///   - body: the bytes of the body, exactly as they are sent.
    ///   - append: takes the name and the value of one field.
    /// - Throws: when the request cannot be signed. Nothing was appended then, and the request must not be sent.
    package func append(
        signedBy signer: RequestSigner, at timestamp: Int64, body: UnsafeRawBufferPointer,
        _ append: (_ name: String, _ value: String) -> Void
    ) throws(WebhookSigningError) {
        let signature = try signer.standard?.signature(id: id, timestamp: timestamp, body: body)
        let foreign = try signer.foreignFields(id: id, timestamp: timestamp, type: eventType, body: body)
        append("content-type", contentType)
        append(WebhookHeader.id, id)
        append(WebhookHeader.timestamp, String(timestamp))
        if let signature { append(WebhookHeader.signature, String(decoding: signature, as: UTF8.self)) }
        append(WebhookHeader.eventType, eventType)
        append(WebhookHeader.attempt, String(attempt))
        if let traceparent { append("traceparent", traceparent) }
        for field in foreign { append(field.name, field.value) }
    }
}

/// The header names of Standard Webhooks 1.0.0.
public enum WebhookHeader {
    /// What identifies the event: the same on every attempt, without a dot.
    public static let id = "webhook-id"
    /// The time of this attempt in seconds since 1970.
    public static let timestamp = "webhook-timestamp"
    /// The signatures, separated by spaces.
    public static let signature = "webhook-signature"

    /// The type of the event. Postrider adds it to those of the standard.
    package static let eventType = "webhook-event-type"
    /// The number of the attempt, which never repeats for a delivery. Postrider adds it to those of the standard.
    package static let attempt = "webhook-attempt"
}
