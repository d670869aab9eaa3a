import Testing

@testable import Postgres

@Suite("The names of kept statements") struct StatementNamesTests {
    private func alone() -> StatementNames {
        let names = StatementNames()
        names.learned(process: 7, saidBefore: 7)
        return names
    }

    private func name(_ step: StatementNames.Step) throws -> String {
        guard case .keep(let name) = step else { throw Unkept() }
        return name
    }

    private struct Unkept: Error {}

    @Test("the server is asked first, and one behind a pooler keeps nothing")
    func shared() {
        let names = StatementNames()
        #expect(names.step(for: "SELECT 1", types: []) == .ask)
        names.learned(process: 7, saidBefore: 8)
        #expect(names.step(for: "SELECT 1", types: []) == .plain)
    }

    @Test("a statement is kept once, and again under another name when it could not be or was lost")
    func kept() throws {
        let names = alone()
        let first = try name(names.step(for: "SELECT 1", types: []))
        let second = try name(names.step(for: "SELECT 1", types: []))
        #expect(first.hasPrefix("postrider_1_"))
        #expect(second.hasPrefix("postrider_2_"))
        names.kept("SELECT 1", as: second)
        #expect(names.step(for: "SELECT 1", types: []) == .use(second))
        #expect(try name(names.step(for: "SELECT 2", types: [])).hasPrefix("postrider_3_"))
        names.refused("SELECT 1")
        #expect(try name(names.step(for: "SELECT 1", types: [])).hasPrefix("postrider_4_"))
    }

    @Test("clients that give the first name have one only for the same statement")
    func digest() throws {
        func first(_ sql: String, _ types: [UInt32]) throws -> String { try name(alone().step(for: sql, types: types)) }
        let same = try first("SELECT $1", [23])
        #expect(try first("SELECT $1", [23]) == same)
        #expect(try first("SELECT $1 ", [23]) != same)
        #expect(try first("SELECT $1", [20]) != same)
    }

    @Test("only so many are kept")
    func bounded() {
        let names = alone()
        for number in 0..<StatementNames.most {
            names.kept("\(number)", as: "\(names.step(for: "\(number)", types: []))")
        }
        #expect(names.step(for: "one more", types: []) == .plain)
    }
}
