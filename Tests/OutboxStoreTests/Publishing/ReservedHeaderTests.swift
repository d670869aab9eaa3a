import Outbox
import Postgres
import TestSupport
import Testing

@Suite("Reserved headers", .timeLimit(.minutes(3)))
struct ReservedHeaderTests {
    @Test("are the same in Swift and in SQL")
    func oneList() async throws {
        try await TestOutbox.withOutbox { outbox in
            let list = try #require(try await outbox.query("SELECT postrider.reserved_headers()").first)
            let names = ReservedHeader.all.map { $0.isPrefix ? $0.name + ".*" : $0.name }
            #expect(list.split(separator: "|").map(String.init).sorted() == names.sorted())
        }
    }

    @Test("are refused in an event and in an endpoint, in any letter case")
    func refused() async throws {
        try await TestOutbox.withOutbox { outbox in
            for header in ReservedHeader.all {
                for name in [header.name, header.name.uppercased()].map({ header.isPrefix ? $0 + "x" : $0 }) {
                    for statement in [
                        "INSERT INTO postrider.outbox (event_type, payload, headers) VALUES ('x', '1', '{\"\(name)\": \"y\"}')",
                        "SELECT postrider.register_endpoint('x', 'https://x.example/', headers => '{\(name): y}')",
                    ] {
                        #expect(
                            await outbox.connection.refusal(of: statement)?.sqlState?.rawValue == "23514",
                            "\(statement)")
                    }
                }
            }
        }
    }
}
