import Outbox

/// The words in which values are written, read strictly: ASCII only, nothing before, between or after.
enum ConfigurationValue {
    /// A decimal number without sign or blanks: what `Int` takes, less `+5` and `-0`.
    static func wholeNumber(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    /// A whole number within `bounds`.
    static func wholeNumber(_ text: String, in bounds: ClosedRange<Int>) -> Int? {
        wholeNumber(text).flatMap { bounds.contains($0) ? $0 : nil }
    }

    /// A number of bytes within `bounds`.
    static func byteCount(_ text: String, in bounds: ClosedRange<Int>) -> Int? {
        (try? ByteSize(text)).flatMap { bounds.contains($0.bytes) ? $0.bytes : nil }
    }

    /// A length of time within `bounds`.
    static func duration(_ text: String, in bounds: ClosedRange<Duration>) -> Duration? {
        (try? DurationText.parse(text)).flatMap { bounds.contains($0) ? $0 : nil }
    }

    /// `true` or `false`; neither `1` nor `yes` nor `TRUE`.
    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true": true
        case "false": false
        default: nil
        }
    }
}
