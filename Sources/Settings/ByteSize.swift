import Outbox

/// A number of bytes as settings write it: `1048576`, `512 KiB`, `64 MiB`, `1GiB`.
///
/// Only binary units, spelled as IEC 80000-13 does: `64 MB` would leave open which of two numbers is meant.
package enum ByteSize {
    private static let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)]

    /// Reads digits, at most one space, and optionally `B`, `KiB`, `MiB` or `GiB`. No sign, no fraction.
    package static func parse(_ text: String) -> Int? {
        let bytes = Array(text.utf8)[...]
        let digits = bytes.prefix { $0.isDigit }
        var unit = bytes[digits.endIndex...]
        if unit.count > 1, unit.first == UInt8(ascii: " ") { unit.removeFirst() }
        guard let number = DecimalNumber.parse(digits), let count = Int(exactly: number),
            let shift = shift(String(decoding: unit, as: UTF8.self))
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : product
    }

    /// The largest unit that divides the number, such as `64 MiB`; plain digits otherwise.
    package static func format(_ bytes: Int) -> String {
        for (unit, shift) in units where bytes != 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return String(bytes)
    }

    private static func shift(_ unit: String) -> Int? {
        unit.isEmpty || unit == "B" ? 0 : units.first { $0.0 == unit }?.1
    }
}
