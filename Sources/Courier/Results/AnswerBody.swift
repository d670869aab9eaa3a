/// The body of an answer: its beginning is kept, and reading stops after a limit.
struct AnswerBody: Equatable {
    /// How much of a body is kept for the record.
    static let keptBytes = 4 * 1024
    /// How much of a body is read before the transfer is cut and the connection closed. Reading small bodies to their end
    /// keeps the connection; reading large ones would serve nobody.
    static let readBytes = 64 * 1024

    private(set) var kept: [UInt8] = []
    private(set) var byteCount = 0

    /// Whether more came than is kept.
    var isTruncated: Bool { byteCount > kept.count }

    /// Takes a piece of the body. False when enough was read.
    mutating func take(_ piece: Span<UInt8>) -> Bool {
        byteCount += piece.count
        let room = min(Self.keptBytes - kept.count, piece.count)
        for index in 0..<room { kept.append(piece[index]) }
        return byteCount <= Self.readBytes
    }
}
