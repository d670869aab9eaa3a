/// The inside of a JSON string literal (RFC 8259 section 7).
package enum JSONString {
    /// Appends one scalar: a quotation mark and a backslash with a backslash before it, a control character as `\u…`.
    ///
    /// - Parameter mustEscape: writes any other scalar as `\u…`, too.
    package static func append(_ scalar: Unicode.Scalar, mustEscape: Bool = false, to text: inout String) {
        switch scalar {
        case "\"", "\\":
            text += "\\"
            text.unicodeScalars.append(scalar)
        case _ where mustEscape || scalar.value < 0x20:
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        default: text.unicodeScalars.append(scalar)
        }
    }
}
