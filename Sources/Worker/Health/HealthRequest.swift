/// The part of an HTTP request that the health routes look at: method and path.
struct HealthRequest: Equatable, Sendable {
    let method: String
    /// The path, still percent-encoded, without the query.
    let path: String

    /// The most bytes that the request line and the header fields may have together.
    static let headLimit = 8 * 1024

    /// What the bytes received so far amount to.
    enum Reading: Equatable {
        /// The end of the head has not come yet.
        case incomplete
        /// The head is complete and this is what it asks for.
        case complete(HealthRequest)
        /// The head is longer than ``headLimit``.
        case tooLarge
        /// This is not an HTTP/1 request.
        case malformed
    }

    /// Looks for a complete head at the start of `bytes`. Header fields are skipped: no route depends on one.
    static func read(_ bytes: [UInt8]) -> Reading {
        guard let end = endOfHead(bytes) else {
            return bytes.count >= headLimit ? .tooLarge : .incomplete
        }
        guard end <= headLimit else { return .tooLarge }
        let line = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(isToken),
            words[1].first == UInt8(ascii: "/"), words[1].allSatisfy({ (0x21...0x7E).contains($0) }),
            words[2].elementsEqual("HTTP/1.1".utf8) || words[2].elementsEqual("HTTP/1.0".utf8)
        else { return .malformed }
        let path = words[1].prefix { $0 != UInt8(ascii: "?") }
        return .complete(
            HealthRequest(
                method: String(decoding: words[0], as: UTF8.self), path: String(decoding: path, as: UTF8.self)))
    }

    /// The index after the empty line that ends the head. A bare line feed ends a line too (RFC 9112, 2.2).
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var lineIsEmpty = false
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"):
                guard !lineIsEmpty else { return index + 1 }
                lineIsEmpty = true
            case UInt8(ascii: "\r"): break
            default: lineIsEmpty = false
            }
        }
        return nil
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
