import Settings

/// A text as a value of YAML: as it is where every reader takes it for that text, in double quotes otherwise.
struct YAMLText: CustomStringConvertible {
    let description: String

    init(_ text: String) {
        description = Self.isPlain(text) ? text : Self.quoted(text)
    }

    /// Words that some readers take for something else.
    private static let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]

    private static func isPlain(_ text: String) -> Bool {
        if (try? DurationText.parse(text)) != nil { return true }
        guard let first = text.utf8.first, isLetter(first), text.utf8.last != UInt8(ascii: ":") else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || marks.contains($0) }
            && !words.contains(text.lowercased())
    }

    private static let marks = Array("-_./:*".utf8)

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case " "..."~": quoted += "\(scalar)"
            // Letters and signs stay; what cannot be seen, or ends a line, does not.
            case _ where scalar.value > 0xA0 && scalar.value < 0xFFFE && isSeen(scalar): quoted += "\(scalar)"
            default: quoted += scalar.value > 0xFFFF ? hexadecimal(scalar, "U", 8) : hexadecimal(scalar, "u", 4)
            }
        }
        return quoted + "\""
    }

    private static func isSeen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar, _ mark: String, _ length: Int) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\" + mark + String(repeating: "0", count: max(0, length - digits.count)) + digits
    }
}
