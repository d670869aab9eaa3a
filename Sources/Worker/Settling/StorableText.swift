/// Bytes from outside as text that PostgreSQL takes: recording must never fail because of them.
enum StorableText {
    /// Invalid UTF-8 and zero bytes become the replacement character.
    static func text(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.contains(0) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }
}
