import NIOCore

/// The bytes of a body while it comes, in pieces of one size: to grow, nothing is copied, and no memory is taken for what may never
/// come. What the connection read stays shared with no one, so that a body of single bytes holds no buffer for each.
package struct BodyPieces: Sendable {
    /// The first piece. A body that is announced as shorter gets as much as it needs.
    static let firstRoom = 16 << 10
    /// Each other one. With larger ones, a body that stops holds more than it has; with smaller ones, more of them are to be joined.
    static let pieceRoom = 64 << 10

    package private(set) var count = 0
    private var pieces: [[UInt8]] = []
    /// Of the last piece, how many bytes still fit.
    private var left = 0

    /// How much memory the next bytes take that are not taken yet.
    ///
    /// - Parameter announced: how long the body is, where the head says so.
    func growth(for bytes: Int, announced: Int?) -> Int {
        guard bytes > left else { return 0 }
        let room = pieces.isEmpty ? min(announced ?? Self.firstRoom, Self.firstRoom) : Self.pieceRoom
        return max(room, bytes - left)
    }

    /// Adds bytes, with as much memory for them as ``growth(for:announced:)`` said.
    mutating func append(_ buffer: ByteBuffer, growth: Int) {
        let bytes = buffer.readableBytesView
        let fitting = bytes.prefix(left)
        if !fitting.isEmpty {
            pieces[pieces.count - 1].append(contentsOf: fitting)
            left -= fitting.count
        }
        if growth > 0 {
            var piece: [UInt8] = []
            piece.reserveCapacity(growth)
            piece.append(contentsOf: bytes.dropFirst(fitting.count))
            left = growth - piece.count
            pieces.append(piece)
        }
        count += bytes.count
    }

    /// The whole body. One that came in a single piece is that piece.
    package func joined() -> [UInt8] {
        guard pieces.count != 1 else { return pieces[0] }
        var body: [UInt8] = []
        body.reserveCapacity(count)
        for piece in pieces { body.append(contentsOf: piece) }
        return body
    }
}
