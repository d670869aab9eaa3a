import Outbox

/// The head of an answer, read line by line within limits.
///
/// Informational heads (100, 103, …) may come before the final one. They are dropped, but they count: a server must not be
/// able to keep a courier busy with them.
struct AnswerHead: Equatable {
    /// The most bytes that all heads of one answer may take together, trailers included.
    static let maximumBytes = 32 * 1024
    /// The most informational heads before the final one.
    static let maximumInformationalHeads = 16
    /// The most `Retry-After` lines that are kept.
    static let maximumRetryAfterLines = 4
    /// The longest value of a `Retry-After` line that is kept; the longest meaningful one, a date, has 33 bytes.
    static let maximumRetryAfterBytes = 64

    /// The longest `Location` that is kept whole: one that is longer is cut.
    static let maximumLocationBytes = 500

    /// The longest origin that is kept.
    static let maximumOriginBytes = 253

    /// What to do after a line.
    enum Step: Equatable {
        /// Read on.
        case proceed
        /// The final head is complete and no body will follow that could be read.
        case finish
        /// The limit on bytes or on informational heads is exceeded.
        case tooLarge
        /// Not HTTP/1.
        case malformed
    }

    /// Whether the final head has ended.
    private(set) var isComplete = false
    /// The status of the head being read.
    private(set) var status: Int?
    private(set) var byteCount = 0
    private(set) var retryAfter: [String] = []
    /// Where a redirect points to; nothing follows it.
    private(set) var location: String?
    /// What the receiver asks for in `webhook-delivery`.
    private(set) var directive: ReceiverDirective?
    /// Whom the receiver lets send to it, and how often a minute (CloudEvents).
    private(set) var allowedOrigin: String?
    private(set) var allowedRate: String?
    private var informationalHeads = 0

    /// - Parameter line: with its line end.
    mutating func take(_ line: Span<UInt8>) -> Step {
        byteCount += line.count
        guard byteCount <= Self.maximumBytes else { return .tooLarge }
        guard !isComplete else { return .proceed }
        guard status != nil else {
            status = Self.status(in: line)
            return status == nil ? .malformed : .proceed
        }
        guard !Self.isBlank(line) else { return endHead() }
        takeRetryAfter(line)
        takeLocation(line)
        takeDirective(line)
        return .proceed
    }

    private mutating func endHead() -> Step {
        // 101 changes the protocol, which no request of ours asks for: what follows is no body and never ends.
        if status == 101 {
            isComplete = true
            return .finish
        }
        guard let status, (100...199).contains(status) else {
            isComplete = true
            return .proceed
        }
        informationalHeads += 1
        self.status = nil
        retryAfter = []
        location = nil
        directive = nil
        (allowedOrigin, allowedRate) = (nil, nil)
        return informationalHeads > Self.maximumInformationalHeads ? .tooLarge : .proceed
    }

    private mutating func takeRetryAfter(_ line: Span<UInt8>) {
        // Most lines differ in their first letter.
        guard line.count > 0, line[0] | 0x20 == 0x72, retryAfter.count < Self.maximumRetryAfterLines,
            let value = Self.value(of: "retry-after:", in: line), value.count <= Self.maximumRetryAfterBytes
        else { return }
        retryAfter.append(String(decoding: value, as: UTF8.self))
    }

    private mutating func takeLocation(_ line: Span<UInt8>) {
        guard line.count > 0, line[0] | 0x20 == 0x6C, location == nil,
            let value = Self.value(of: "location:", in: line), !value.isEmpty
        else { return }
        location = String(decoding: value.prefix(Self.maximumLocationBytes), as: UTF8.self)
    }

    private mutating func takeDirective(_ line: Span<UInt8>) {
        guard line.count > 0, line[0] | 0x20 == 0x77 else { return }
        if let origin = Self.text(of: "webhook-allowed-origin:", in: line) { allowedOrigin = origin }
        if let rate = Self.text(of: "webhook-allowed-rate:", in: line) { allowedRate = rate }
        guard let value = Self.value(of: "webhook-delivery:", in: line) else { return }
        let word = String(decoding: value.prefix(Self.maximumRetryAfterBytes), as: UTF8.self).lowercased()
        directive = ReceiverDirective.stronger(directive, ReceiverDirective(rawValue: word))
    }

    /// What follows a name in a line, when it is of visible ASCII. The name is in lower case, with its colon.
    private static func value(of name: String, in line: Span<UInt8>) -> [UInt8]? {
        let name = Array(name.utf8)
        guard line.count > name.count else { return nil }
        let bytes = line.indices.map { line[$0] }
        guard bytes.prefix(name.count).map({ $0 | 0x20 }).elementsEqual(name.map { $0 | 0x20 }) else { return nil }
        let value = bytes.dropFirst(name.count).trimming { [0x20, 0x09, 0x0D, 0x0A].contains($0) }
        return value.allSatisfy { (0x20...0x7E).contains($0) } ? Array(value) : nil
    }

    /// The same as text, unless it is longer than a name of DNS.
    private static func text(of name: String, in line: Span<UInt8>) -> String? {
        guard let value = value(of: name, in: line), value.count <= maximumOriginBytes else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    /// The status in `HTTP/1.1 200 OK`: exactly three digits, 100 or more.
    static func status(in line: Span<UInt8>) -> Int? {
        let digits = 9..<12
        guard line.count >= digits.upperBound, hasVersionOne(line) else { return nil }
        if line.count > digits.upperBound {
            let next = line[digits.upperBound]
            guard next == 0x20 || next == 0x0D || next == 0x0A else { return nil }
        }
        var status = 0
        for index in digits {
            guard (0x30...0x39).contains(line[index]) else { return nil }
            status = status * 10 + Int(line[index] - 0x30)
        }
        return status >= 100 ? status : nil
    }

    private static func hasVersionOne(_ line: Span<UInt8>) -> Bool {
        // "HTTP/1.", a digit, a space.
        line[0] == 0x48 && line[1] == 0x54 && line[2] == 0x54 && line[3] == 0x50 && line[4] == 0x2F && line[5] == 0x31
            && line[6] == 0x2E && (0x30...0x39).contains(line[7]) && line[8] == 0x20
    }

    private static func isBlank(_ line: Span<UInt8>) -> Bool {
        (line.count == 1 && line[0] == 0x0A) || (line.count == 2 && line[0] == 0x0D && line[1] == 0x0A)
    }
}

extension Collection<UInt8> where SubSequence: BidirectionalCollection {
    /// Without the bytes at both ends that `isPadding` names.
    fileprivate func trimming(_ isPadding: (UInt8) -> Bool) -> some BidirectionalCollection<UInt8> {
        var rest = drop(while: isPadding)
        while let last = rest.last, isPadding(last) { rest = rest.dropLast() }
        return rest
    }
}

/// The body of an answer: its beginning is kept, and reading stops after a limit.
struct AnswerBody: Equatable {
    /// How much of a body is kept for the record.
    static let keptBytes = 4 * 1024
    /// How much of a body is read before the transfer is cut and the connection closed. Reading small bodies to their end
    /// keeps the connection; reading large ones has no use.
    static let readBytes = 64 * 1024

    /// How much of this one is kept.
    var limit = keptBytes
    private(set) var kept: [UInt8] = []
    private(set) var byteCount = 0

    /// Whether more came than is kept.
    var isTruncated: Bool { byteCount > kept.count }

    /// Takes a piece of the body. False when enough was read.
    mutating func take(_ piece: Span<UInt8>) -> Bool {
        byteCount += piece.count
        let room = min(limit - kept.count, piece.count)
        for index in 0..<room { kept.append(piece[index]) }
        return byteCount <= Self.readBytes
    }
}
