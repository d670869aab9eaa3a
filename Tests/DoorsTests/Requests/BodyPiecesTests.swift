import NIOCore
import Testing

@testable import Doors

@Suite("A body while it comes")
struct BodyPiecesTests {
    /// Puts a body together from parts of a size, and says how much memory was asked for.
    private func collect(_ body: [UInt8], parts size: Int, announced: Int?) -> (bytes: [UInt8], held: Int) {
        var pieces = BodyPieces()
        var held = 0
        for start in stride(from: 0, to: body.count, by: size) {
            let part = ByteBuffer(bytes: body[start..<min(start + size, body.count)])
            let growth = pieces.growth(for: part.readableBytes, announced: announced)
            pieces.append(part, growth: growth)
            held += growth
            #expect(held >= pieces.count)
        }
        return (pieces.joined(), held)
    }

    @Test("what came is what is joined, however it came")
    func bytes() {
        for count in [0, 1, 499, 16 << 10, (16 << 10) + 1, 100_000, 1 << 20] {
            let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            for size in [1_000, 16 << 10, 200_000] {
                for announced in [nil, count] {
                    #expect(collect(body, parts: size, announced: announced).bytes == body)
                }
            }
        }
    }

    @Test("it takes the memory of what came and one piece, and a short one that is announced no more than it is")
    func memory() {
        for count in [1 << 20, 3 << 20, 100_000] {
            let held = collect([UInt8](repeating: 1, count: count), parts: 4_096, announced: nil).held
            #expect((count...count + BodyPieces.pieceRoom).contains(held))
        }
        #expect(collect([UInt8](repeating: 1, count: 500), parts: 1, announced: 500).held == 500)
        #expect(collect([1], parts: 1, announced: 1 << 30).held == BodyPieces.firstRoom)
    }
}
