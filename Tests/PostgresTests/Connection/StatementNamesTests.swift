import Testing

@testable import Postgres

@Suite("The names of kept statements") struct StatementNamesTests {
    private func alone() -> StatementNames {
        let names = StatementNames()
        names.learned(process: 7, saidBefore: 7)
        return names
    }

    @Test("the server is asked first, and one behind a pooler keeps nothing")
    func shared() {
        let names = StatementNames()
        #expect(names.step(for: "SELECT 1") == .ask)
        names.learned(process: 7, saidBefore: 8)
        #expect(names.step(for: "SELECT 1") == .plain)
    }

    @Test("a statement is kept once, and again under another name when it could not be or was lost")
    func kept() {
        let names = alone()
        #expect(names.step(for: "SELECT 1") == .keep("postrider_1"))
        #expect(names.step(for: "SELECT 1") == .keep("postrider_2"))
        names.kept("SELECT 1", as: "postrider_2")
        #expect(names.step(for: "SELECT 1") == .use("postrider_2"))
        #expect(names.step(for: "SELECT 2") == .keep("postrider_3"))
        names.refused("SELECT 1")
        #expect(names.step(for: "SELECT 1") == .keep("postrider_4"))
    }

    @Test("only so many are kept")
    func bounded() {
        let names = alone()
        for number in 0..<StatementNames.most { names.kept("\(number)", as: "\(names.step(for: "\(number)"))") }
        #expect(names.step(for: "one more") == .plain)
    }
}
