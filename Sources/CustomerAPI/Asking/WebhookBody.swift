package import Outbox

/// What a customer says of a webhook, to register or to change it. The rules are those of `endpoint add`.
package struct WebhookBody: Hashable, Sendable {
    private static let descriptionBytes = 1_024

    package let url: String?
    package let eventTypes: [String]?
    /// Only where it is registered.
    package let name: String?
    package let description: String?
    /// Whether the description changes: null takes it away.
    package let describes: Bool

    /// `POST /v1/webhooks/register`.
    ///
    /// - Parameter policy: which URLs this installation accepts.
    package static func registered(_ bytes: [UInt8], policy: EndpointPolicy) throws(APIProblem) -> WebhookBody {
        let body = try JSONBody(bytes, allowing: ["webhook_url", "event_types", "name", "description"])
        _ = try body.requiredText("webhook_url")
        return try WebhookBody(body, policy: policy)
    }

    /// `PATCH /v1/webhooks/{name}`: what is not there stays.
    package static func changed(_ bytes: [UInt8], policy: EndpointPolicy) throws(APIProblem) -> WebhookBody {
        try WebhookBody(try JSONBody(bytes, allowing: ["webhook_url", "event_types", "description"]), policy: policy)
    }

    private init(_ body: JSONBody, policy: EndpointPolicy) throws(APIProblem) {
        url = try body.text("webhook_url").map { text throws(APIProblem) in try Self.url(text, policy) }
        eventTypes = try body.texts("event_types").map { texts throws(APIProblem) in try Self.patterns(texts) }
        name = try body.text("name")
        guard name.map(Self.isName) ?? true else {
            throw APIProblem(
                .invalid,
                "name must be 1 to \(Limits.endpointNameScalars) letters, digits, _, . and -, with a letter, digit or _ in front, and not register",
                field: "name")
        }
        description = try body.text("description", takesNull: true)
        describes = body.has("description")
        guard (description?.utf8.count ?? 0) <= Self.descriptionBytes else {
            throw APIProblem(
                .invalid, "description must be at most \(Self.descriptionBytes) bytes", field: "description")
        }
    }

    /// Narrower than what operators may write: it stands in paths, where `register` is one already.
    private static func isName(_ text: String) -> Bool {
        let isPlain = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
        }
        guard let first = text.utf8.first, isPlain(first), text.utf8.count <= Limits.endpointNameScalars else {
            return false
        }
        return text != "register" && text.utf8.allSatisfy { isPlain($0) || $0 == 0x2d || $0 == 0x2e }
    }

    private static func url(_ text: String, _ policy: EndpointPolicy) throws(APIProblem) -> String {
        do {
            return try policy.endpointURL(text).absoluteString
        } catch {
            throw APIProblem(.invalid, "webhook_url is refused: \(rule(error))", field: "webhook_url")
        }
    }

    /// In words for one who knows nothing of this installation's settings.
    private static func rule(_ error: any Error) -> String {
        switch (error as? EndpointRefusal)?.code {
        case .http: "it must begin with https://"
        case .address, .name: "its host must be one of the public Internet"
        case .port: "this port is not allowed"
        case nil: (error as? EndpointURLError)?.message ?? "it is not a URL"
        }
    }

    private static func patterns(_ texts: [String]) throws(APIProblem) -> [String] {
        guard (1...Limits.eventTypePatterns).contains(texts.count) else {
            throw APIProblem(
                .invalid, "event_types must hold 1 to \(Limits.eventTypePatterns) patterns", field: "event_types")
        }
        var seen: Set<EventTypePattern> = []
        var patterns: [String] = []
        for text in texts {
            do throws(InvalidText) {
                let pattern = try EventTypePattern(text)
                if seen.insert(pattern).inserted { patterns.append(pattern.description) }
            } catch {
                throw APIProblem(.invalid, "event_types: \(error)", field: "event_types")
            }
        }
        return patterns
    }
}
