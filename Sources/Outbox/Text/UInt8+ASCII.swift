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

    /// The value of a hexadecimal digit, or nil.
    var hexValue: UInt8? {
        if isDigit { return self - UInt8(ascii: "0") }
        guard (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercased) else { return nil }
        return lowercased - UInt8(ascii: "a") + 10
    }

    /// A character of an RFC 9110 token, such as a header name.
    var isTokenCharacter: Bool { isDigit || isLetter || "!#$%&'*+-.^_`|~".utf8.contains(self) }
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
