import Inbox
import Settings
import Testing

@testable import Server

@Suite("Sources as they are known")
struct SourceBookTests {
    private let book = SourceBook()
    private let opening = SourceOpening(sealing: nil)

    private func stored(_ name: String, secrets: [String] = ["a:secret"], rate: Double? = nil) -> StoredSource {
        var source = StoredSource(id: 1, name: name, scheme: "bearer")
        (source.secrets, source.rateLimit) = (secrets, rate)
        return source
    }

    private func update(_ all: [StoredSource]) -> [String] {
        book.update(all, now: .now) { one throws(UnusableSource) in try opening.open(one) }.map(\.name)
    }

    private func isUsable(_ name: String) -> Bool {
        if case .source = book.find(name) { true } else { false }
    }

    @Test("nothing is known before the first reading, then names are, or are not")
    func finding() {
        guard case .notRead = book.find("a") else { return #expect(Bool(false)) }
        #expect(update([stored("a")]).isEmpty)
        #expect(isUsable("a"))
        guard case .unknown = book.find("b") else { return #expect(Bool(false)) }
    }

    @Test("a source that cannot be opened harms itself alone, and is told of once")
    func unusable() {
        let sealed = stored("b", secrets: ["sealed:v1:k:AAAA", "a:secret"])
        #expect(update([stored("a"), sealed]) == ["b"])
        #expect(update([stored("a"), sealed]).isEmpty)
        #expect(isUsable("a") && book.counts == (1, 1))
        guard case .unusable = book.find("b") else { return #expect(Bool(false)) }
        #expect(update([stored("a"), stored("b", secrets: ["new:secret", "sealed:v1:k:AAAA"])]).isEmpty)
        #expect(isUsable("b"))
    }

    @Test("reading again does not fill the rate, changing a source does")
    func rates() throws {
        _ = update([stored("a", rate: 1)])
        guard case .source(let source) = book.find("a") else { return #expect(Bool(false)) }
        let now = ContinuousClock.now
        #expect(book.take(source, now: now) == nil)
        _ = update([stored("a", rate: 1)])
        #expect(book.take(source, now: now) != nil)
        #expect(book.wait(source, now: now) != nil)
        _ = update([stored("a", rate: 2)])
        #expect(book.take(source, now: now) == nil)
        _ = update([stored("a")])
        for _ in 0..<100 { #expect(book.take(source, now: now) == nil) }
    }
}
