/// Character classes on bytes. The grammars of this target are ASCII, so that no Unicode table has a say in what a
/// digit or a dot is (`①②⑦.⓪.⓪.①` must not become an address).
extension UInt8 {
    package var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isUpper: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }

    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercased) }

    /// Space or horizontal tab, the optional white space of RFC 9110 section 5.6.3.
    var isBlank: Bool { self == UInt8(ascii: " ") || self == 0x09 }

    /// The lower-case letter of an upper-case one; every other byte as it is.
    var lowercased: UInt8 { isUpper ? self | 0x20 : self }

    /// The value of a hexadecimal digit.
    var hexValue: UInt8? {
        if isDigit { return self - UInt8(ascii: "0") }
        guard (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercased) else { return nil }
        return lowercased - UInt8(ascii: "a") + 10
    }

    /// A character of an RFC 9110 token, such as a header name.
    @inlinable package var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        // ! # $ % & ' * + - . ^ _ ` | ~
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}

extension Collection where Element == UInt8 {
    /// The bytes as text, with ASCII letters lower-cased.
    var lowercasedText: String { String(decoding: map(\.lowercased), as: UTF8.self) }
}

extension ArraySlice<UInt8> {
    /// Without the spaces and tabs at both ends.
    var trimmingBlanks: ArraySlice<UInt8> {
        var rest = self.drop { $0.isBlank }
        while let last = rest.last, last.isBlank { rest.removeLast() }
        return rest
    }
}

/// Reads plain decimal digits: no sign, no space, no exponent, and nothing that can overflow.
package enum DecimalNumber {
    /// Eighteen nines fit into an `Int64`, nineteen do not.
    package static let maximumDigits = 18

    /// The number, or nil when there is no digit, another character, or more than `maximumDigits` digits.
    package static func parse(_ digits: some Collection<UInt8>, maximumDigits: Int = maximumDigits) -> Int64? {
        guard !digits.isEmpty, digits.count <= min(maximumDigits, Self.maximumDigits) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit.isDigit else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }

    /// As `parse`, and a number of several digits must not begin with 0: `08` is an octal trap for other readers.
    static func parseCanonical(_ digits: some Collection<UInt8>, maximumDigits: Int) -> Int? {
        guard digits.count == 1 || digits.first != UInt8(ascii: "0"),
            let value = parse(digits, maximumDigits: maximumDigits)
        else { return nil }
        return Int(exactly: value)
    }
}
