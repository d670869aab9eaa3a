/// A JSON number by its exact value: 1, 1.0 and 10e-1 are the same. No number is too large or too fine.
package struct JSONNumber: Hashable, Sendable {
    private var isNegative: Bool
    /// Decimal digits without zeros at either end; none for zero.
    private var digits: [UInt8]
    /// The value is ``digits`` times ten to this power.
    private var exponent: Int

    /// More zeros than this are not written out to divide.
    private static let mostZeros = 10_000
    /// So many digits are divided by in 128 bits.
    private static let mostDivisorDigits = 36

    /// - Parameters:
    ///   - digits: those before and after the point, as numbers.
    ///   - exponent: to which power of ten the last of them stands.
    init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        let significant = digits.drop { $0 == 0 }
        let zeros = significant.reversed().prefix { $0 == 0 }.count
        self.digits = Array(significant.dropLast(zeros))
        self.isNegative = isNegative && !self.digits.isEmpty
        self.exponent = self.digits.isEmpty ? 0 : exponent.addingReportingOverflow(zeros).partialValue
    }

    package var isInteger: Bool { exponent >= 0 }
    package var isPositive: Bool { !isNegative && !digits.isEmpty }

    /// As a count of something; nil when it is no integer from 0 to `Int.max`.
    package var count: Int? {
        guard isInteger, !isNegative, digits.count + exponent <= 18 else { return nil }
        return (digits + Array(repeating: 0, count: exponent)).reduce(0) { $0 * 10 + Int($1) }
    }

    /// Whether it divides others exactly: it is positive and has not too many digits.
    package var isDivisor: Bool { isPositive && digits.count <= Self.mostDivisorDigits }

    /// Whether it is a whole multiple of a divisor (``isDivisor``). Not exact where the two are very far apart.
    package func isMultiple(of divisor: JSONNumber) -> Bool {
        guard !digits.isEmpty else { return true }
        let zeros = exponent - divisor.exponent
        // The divisor has more zeros at its end: only enough zeros here could make up for them, and there are none.
        guard zeros >= 0 else { return false }
        let whole = divisor.digits.reduce(UInt128(0)) { $0 * 10 + UInt128($1) }
        guard zeros <= Self.mostZeros else { return whole == 1 }
        var rest = digits.reduce(UInt128(0)) { ($0 * 10 + UInt128($1)) % whole }
        for _ in 0..<zeros where rest != 0 { rest = rest * 10 % whole }
        return rest == 0
    }
}

extension JSONNumber: Comparable {
    package static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative ? right.isSmaller(than: left) : left.isSmaller(than: right)
    }

    /// Compares without the signs.
    private func isSmaller(than other: JSONNumber) -> Bool {
        guard !digits.isEmpty, !other.digits.isEmpty else { return digits.isEmpty && !other.digits.isEmpty }
        let (size, otherSize) = (digits.count + exponent, other.digits.count + other.exponent)
        return size == otherSize ? digits.lexicographicallyPrecedes(other.digits) : size < otherSize
    }
}
