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
