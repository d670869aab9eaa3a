/// A number of bytes as configuration writes it: `1048576`, `512 KiB`, `64 MiB`, `1GiB`.
///
/// Only binary units, spelled as IEC 80000-13 does: `64 MB` would leave open which of two numbers is meant.
package struct ByteSize: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes.
    package let bytes: Int

    /// A number of bytes.
    package init(bytes: Int) {
        self.bytes = bytes
    }

    /// Reads digits, at most one space, and optionally `B`, `KiB`, `MiB` or `GiB`. No sign, no fraction.
    package init(_ text: String) throws(InvalidText) {
        let all = Array(text.utf8)[...]
        let digits = all.prefix { $0.isDigit }
        var unit = all[digits.endIndex...]
        if unit.count > 1, unit.first == UInt8(ascii: " ") { unit.removeFirst() }
        guard let number = DecimalNumber.parse(digits), let count = Int(exactly: number) else {
            throw InvalidText(.byteSize, "\(Excerpt(text)) is not a size; write it like 64 MiB or 1048576")
        }
        guard let shift = Self.shift(String(decoding: unit, as: UTF8.self)) else {
            throw InvalidText(.byteSize, "\(Excerpt(unit)) is not a unit of size; use KiB, MiB or GiB")
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { throw InvalidText(.byteSize, "\(Excerpt(text)) is more than can be counted") }
        self.bytes = bytes
    }

    /// The largest unit that divides the number, such as `64 MiB`; plain digits otherwise.
    package var description: String {
        for (unit, shift) in Self.units where bytes != 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return String(bytes)
    }

    private static let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)]

    private static func shift(_ unit: String) -> Int? {
        unit.isEmpty || unit == "B" ? 0 : units.first { $0.0 == unit }?.1
    }
}
