/// How an event becomes the body of a request.
package enum PayloadFormat: String, CaseIterable, Sendable {
    /// `{"type":…,"timestamp":…,"data":<payload>}`.
    case envelope
    /// The payload or body of the event as it is.
    case raw
    /// CloudEvents 1.0, structured: all of it in the body.
    case cloudEvents = "cloudevents"
    /// CloudEvents 1.0, binary: the payload or body as it is, the attributes in headers.
    case cloudEventsBinary = "cloudevents-binary"
    /// A text, as the incoming webhooks of these services take it.
    case slack, discord, teams

    /// - Parameter word: the value of `--payload-format`.
    package init(word: String) throws(InvalidText) {
        guard let format = Self(rawValue: word) else {
            throw InvalidText(
                .payloadFormat,
                "\(Excerpt(word)) is not a payload format; use \(Self.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        self = format
    }

    /// The service whose messages it makes.
    package var chat: ChatService? {
        switch self {
        case .slack: .slack
        case .discord: .discord
        case .teams: .teams
        case .envelope, .raw, .cloudEvents, .cloudEventsBinary: nil
        }
    }
}
