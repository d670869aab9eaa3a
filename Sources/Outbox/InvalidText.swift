/// A text that breaks a rule, from the command line, the configuration or a row.
package struct InvalidText: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the text should have been.
    package enum Concept: Hashable, Sendable {
        case network, duration, retrySchedule, maxAttempts, endpointName, eventType, eventTypePattern, payloadFormat
        case contentType, text, authorization, method, pem, signature
        case permanentStatus
    }

    package let concept: Concept
    /// One line for a person: which part breaks which rule. It quotes at most an escaped excerpt.
    package let message: String

    package var description: String { message }

    package init(_ concept: Concept, _ message: String) {
        self.concept = concept
        self.message = message
    }
}

/// A part of some text from outside, cut and escaped so that it can stand in an error message or a log line.
package struct Excerpt: CustomStringConvertible {
    static let maximumScalars = 60

    package let description: String

    package init(_ text: String) {
        var quoted = "'"
        for (index, scalar) in text.unicodeScalars.enumerated() {
            guard index < Self.maximumScalars else {
                quoted += "…"
                break
            }
            if scalar.isASCII, scalar.value >= 0x20, scalar.value < 0x7f {
                quoted.unicodeScalars.append(scalar)
            } else {
                quoted += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        description = quoted + "'"
    }

    init(_ bytes: some Collection<UInt8>) {
        self.init(String(decoding: bytes.prefix(4 * Self.maximumScalars + 4), as: UTF8.self))
    }
}
