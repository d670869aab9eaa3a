/// Reads requests strictly: what a lenient server would let pass is a violation here, so that a test fails.
struct RequestReader {
    /// The most bytes of a head.
    static let maximumHeadBytes = 128 * 1024
    /// The most bytes of a body.
    static let maximumBodyBytes = 16 * 1024 * 1024

    enum Reading {
        /// More bytes are needed.
        case incomplete
        /// A request, and how many bytes it took.
        case request(method: String, path: String, headers: [(name: String, value: String)], body: [UInt8], length: Int)
        /// The rule that was broken.
        case violation(String)
    }

    static func read(_ bytes: ArraySlice<UInt8>) -> Reading {
        if let first = bytes.first, !(0x41...0x5A).contains(first) {
            return .violation("the first byte is no method's")
        }
        guard let end = endOfHead(bytes) else {
            return bytes.count > maximumHeadBytes ? .violation("the head is too long") : .incomplete
        }
        let head = bytes[bytes.startIndex..<end]
        guard head.allSatisfy({ (0x20...0x7E).contains($0) || [0x09, 0x0D, 0x0A].contains($0) }) else {
            return .violation("a byte outside of visible ASCII in the head")
        }
        var lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: true)
        guard lines.allSatisfy({ !$0.contains("\r") && !$0.contains("\n") }) else {
            return .violation("a bare CR or LF in the head")
        }
        guard !lines.isEmpty else { return .violation("an empty head") }
        let parts = lines.removeFirst().split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[2] == "HTTP/1.1", parts[1].hasPrefix("/"), parts[0].allSatisfy(\.isUppercase)
        else {
            return .violation("the request line")
        }
        var headers: [(name: String, value: String)] = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), isToken(line[..<colon]) else {
                return .violation("a header line")
            }
            let value = line[line.index(after: colon)...]
            headers.append((String(line[..<colon]), String(value.drop { $0 == " " })))
        }
        return body(of: bytes, from: end, parts[0], parts[1], headers)
    }

    private static func body(
        of bytes: ArraySlice<UInt8>, from start: Int, _ method: String, _ path: String,
        _ headers: [(name: String, value: String)]
    ) -> Reading {
        func values(_ name: String) -> [String] {
            headers.filter { $0.name.lowercased() == name }.map(\.value)
        }
        guard values("host").count == 1 else { return .violation("not exactly one Host") }
        for name in ["transfer-encoding", "expect", "upgrade", "accept-encoding", "proxy-connection", "cookie"] {
            guard values(name).isEmpty else { return .violation("the header \(name)") }
        }
        let lengths = method == "GET" && values("content-length").isEmpty ? ["0"] : values("content-length")
        guard lengths.count == 1, let length = Int(lengths[0]), (0...maximumBodyBytes).contains(length) else {
            return .violation("not exactly one Content-Length")
        }
        guard bytes.endIndex - start >= length else { return .incomplete }
        let body = Array(bytes[start..<(start + length)])
        return .request(
            method: method, path: path, headers: headers, body: body, length: start + length - bytes.startIndex)
    }

    private static func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
        var index = bytes.startIndex
        while index + 4 <= bytes.endIndex {
            if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
                return index + 4
            }
            index += 1
        }
        return nil
    }

    private static func isToken(_ name: Substring) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
