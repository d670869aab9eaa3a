/// Makes new cases out of known ones by small changes: a mutant is nearly right, and so gets further than random bytes.
package struct Mutator {
    private let corpus: [[UInt8]]
    private var generator: SeededGenerator

    /// - Parameter corpus: the known cases; at least one.
    package init(_ corpus: [String], seed: UInt64) {
        self.corpus = corpus.map { Array($0.utf8) }
        generator = SeededGenerator(seed: seed)
    }

    /// The next mutant: one to four changes away from a case. Bytes that are no UTF-8 become U+FFFD.
    package mutating func next() -> String {
        var bytes = pick(corpus) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &generator) { change(&bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What parsers are known to stumble over.
    private static let pieces = [
        "\0", "\r", "\n", "\t", " ", "\\", "@", "#", "%", "%00", "%2e", "/", "//", ":", "::", "[", "]", ".", "..", "?",
        "=", ",", ";",
        "\"", "'", "-", "+", "0", "00", "0x", "-1", "65535", "65536", "255", "256", "2147483648", "9223372036854775808",
        "1e308",
        "NaN", "\u{7f}", "\u{e9}", "\u{ff11}", "\u{3002}", "\u{202e}", "\u{feff}", "127.0.0.1", "[::1]", "localhost",
    ].map { Array($0.utf8) }

    private mutating func change(_ bytes: inout [UInt8]) {
        let (start, end) = range(of: bytes)
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: bytes.insert(contentsOf: pick(Self.pieces) ?? [], at: start)
        case 1: bytes.replaceSubrange(start..<end, with: pick(Self.pieces) ?? [])
        case 2: bytes.removeSubrange(start..<end)
        case 3: bytes.insert(contentsOf: bytes[start..<end], at: end)
        case 4: bytes[start...] = (pick(corpus) ?? [])[...]
        case 5 where start < bytes.count: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: start)
        }
    }

    /// A place, and another at most a few bytes behind it.
    private mutating func range(of bytes: [UInt8]) -> (Int, Int) {
        let start = Int.random(in: 0...bytes.count, using: &generator)
        return (start, Int.random(in: start...min(bytes.count, start + 8), using: &generator))
    }

    private mutating func pick(_ cases: [[UInt8]]) -> [UInt8]? { cases.randomElement(using: &generator) }
}
