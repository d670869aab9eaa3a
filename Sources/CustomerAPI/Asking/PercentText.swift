import Formats

/// Text in a path or a query (RFC 3986 section 2.1).
enum PercentText {
    /// Nil where a percent sign has no two digits behind it, and where it is no UTF-8 or holds a zero byte, which PostgreSQL has not.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let decoded = Hexadecimal.decode(rest.prefix(2)) else { return nil }
                bytes += decoded
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
