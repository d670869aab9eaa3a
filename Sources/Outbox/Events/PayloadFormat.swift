/// How an event becomes the body of a request.
package enum PayloadFormat: String, CaseIterable, Sendable {
    /// `{"type":…,"timestamp":…,"data":<payload>}`.
    case envelope
    /// The payload or body of the event as it is.
    case raw

    /// - Parameter word: the value of `--payload-format`.
    package init(word: String) throws(InvalidText) {
        if let format = Self(rawValue: word) {
            self = format
            return
        }
        guard !Self.later.contains(word) else {
            throw InvalidText(
                .payloadFormat, "the payload format \(word) comes in a later version; use envelope or raw")
        }
        throw InvalidText(.payloadFormat, "\(Excerpt(word)) is not a payload format; use envelope or raw")
    }

    /// Words that are promised but not built.
    private static let later = ["cloudevents", "cloudevents-binary"]
}
