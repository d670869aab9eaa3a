/// A request that was verified, as it is stored.
package struct ReceivedWebhook: Sendable {
    /// The number of the source that it came to.
    package var sourceID: Int64
    /// What the sender knows it by: the same id of the same source is stored once.
    package var webhookID: String
    /// As the sender calls it; nil when it does not say.
    package var eventType: String?
    /// Those of one source with the same correlation are processed one after the other.
    package var correlation: String?
    /// The value of `Content-Type`.
    package var contentType: String?
    /// The headers that are kept.
    package var headers: ReceivedHeaders
    /// The bytes as they came.
    package var body: [UInt8]
    /// Who sent it, behind trusted proxies too.
    package var remoteAddress: String

    package init(
        sourceID: Int64, webhookID: String, eventType: String? = nil, correlation: String? = nil,
        contentType: String? = nil, headers: ReceivedHeaders = ReceivedHeaders(), body: [UInt8], remoteAddress: String
    ) {
        self.sourceID = sourceID
        self.webhookID = webhookID
        self.eventType = eventType
        self.correlation = correlation
        self.contentType = contentType
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// How many are stored at once, at most.
    package static let mostAtOnce = 256
}
