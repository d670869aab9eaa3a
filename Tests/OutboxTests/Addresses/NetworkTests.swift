import Outbox
import Testing

@Suite("Networks")
struct NetworkTests {
    @Test("every case of the list")
    func vectors() throws {
        for vector in try VectorFile("networks.tsv", atLeast: 30).cases {
            let text = (try? Network(vector.input))?.description ?? "-"
            #expect(text == vector.expected, "\(vector.testDescription)")
        }
    }

    @Test(
        "the message says what to do",
        arguments: [
            ("127.0.0.1/8", "did you mean 127.0.0.0/8"), ("0.0.0.0/0", "switch the protection off"),
            ("10.0.0.5", "10.0.0.5/32"), ("10.0.0.0/33", "from 1 to 32"), ("nonsense", "10.0.0.0/8"),
        ])
    func messages(text: String, part: String) throws {
        let error = try #require(throws: InvalidText.self) { try Network(text) }
        #expect(error.concept == .network)
        #expect(error.message.contains(part), "\(error)")
    }

    @Test("the edges of a network")
    func edges() throws {
        let network = try Network("172.16.0.0/12")
        for (text, inside) in [
            ("172.15.255.255", false), ("172.16.0.0", true), ("172.31.255.255", true), ("172.32.0.0", false),
        ] {
            #expect(network.contains(try #require(IPAddress(text))) == inside, "\(text)")
        }
        let wide = try Network("2001:db8:0:8000::/49")
        for (text, inside) in [("2001:db8:0:7fff::", false), ("2001:db8:0:8000::1", true), ("2001:db8:1::", false)] {
            #expect(wide.contains(try #require(IPAddress(text))) == inside, "\(text)")
        }
        let narrow = try Network("2001:db8::8000:0:0:0/65")
        #expect(narrow.contains(try #require(IPAddress("2001:db8::8000:0:0:1"))))
        #expect(!narrow.contains(try #require(IPAddress("2001:db8::7fff:0:0:1"))))
        #expect(!network.contains(try #require(IPAddress("::ac10:0"))))
    }

    @Test("lists")
    func lists() throws {
        #expect(try Network.list("") == [])
        #expect(try Network.list("  ") == [])
        #expect(try Network.list("127.0.0.0/8, ::1/128").map(\.description) == ["127.0.0.0/8", "::1/128"])
        for text in [
            ",", "127.0.0.0/8,", ",::1/128", "127.0.0.0/8 ::1/128", "127.0.0.0/8;::1/128", "127.0.0.0/8,,::1/128",
        ] {
            #expect(throws: InvalidText.self, "\(text)") { try Network.list(text) }
        }
        let many = [String](repeating: "127.0.0.0/8", count: Limits.allowedNetworks + 1).joined(separator: ",")
        #expect(throws: InvalidText.self) { try Network.list(many) }
    }
}
