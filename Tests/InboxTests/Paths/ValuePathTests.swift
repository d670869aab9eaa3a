import Testing

@testable import Inbox

@Suite("Paths")
struct ValuePathTests {
    @Test(
        "paths", arguments: ["$.a", "$.a.b-c.d_1", "$[0]", "$.items[12].id", "header:X-Event", "header:content-type"])
    func valid(text: String) throws {
        #expect("\(try #require(ValuePath(text)))" == text)
    }

    @Test(
        "texts that are no paths",
        arguments: [
            "", "$", "a", "a.b", "$a", "$.", "$..a", "$.a.", "$.a b", "$[", "$[]", "$[x]", "$[-1]", "$[01]", "$[0",
            "$[10000]", "$.ä",
            "$.a[0]b", "header:", "header:a b", "Header:x", "$.a*", "$.*", "$.a" + String(repeating: ".a", count: 16),
            "$." + String(repeating: "a", count: 256),
        ])
    func invalid(text: String) {
        #expect(ValuePath(text) == nil)
    }

    private func read(_ text: String, _ paths: String...) throws -> [String?] {
        let steps = try paths.map { path in
            guard case .body(let steps)? = ValuePath(path) else { throw Refusal.invalidValue }
            return steps
        }
        return try JSONPathReader.read(Array(text.utf8), at: steps)
    }

    @Test("values of every kind")
    func values() throws {
        let text =
            #" {"a" : {"b":["x", {"c":"\u00e9\n\"" }], "n":-1.50e+3, "t":true, "f":false, "z":null, "o":{}}, "b":9007199254740993} "#
        #expect(
            try read(text, "$.a.b[0]", "$.a.b[1].c", "$.a.n", "$.a.t", "$.a.f", "$.b")
                == ["x", "é\n\"", "-1.50e+3", "true", "false", "9007199254740993"])
        #expect(
            try read(text, "$.a.z", "$.a.o", "$.a.b", "$.a.b[2]", "$.x", "$[0]", "$.a.b.c")
                == Array(repeating: nil, count: 7))
        #expect(try read("[[1,2],[3]]", "$[0][1]", "$[1][0]") == ["2", "3"])
        #expect(try read(#""x""#, "$.a") == [nil])
    }

    @Test("of two members with one name the last counts, on the way too")
    func duplicates() throws {
        #expect(try read(#"{"a":1,"a":2}"#, "$.a") == ["2"])
        #expect(try read(#"{"a":{"b":1},"a":{}}"#, "$.a.b") == [nil])
        #expect(try read(#"{"a":{"b":1},"a":[{"b":2}],"a":{"b":3}}"#, "$.a.b") == ["3"])
        #expect(try read(#"{"\u0061":1}"#, "$.a") == ["1"])
        #expect(try read(#"{"b":{"a":1},"a":2,"c":{"a":3}}"#, "$.a", "$.c.a", "$.b.a") == ["2", "3", "1"])
    }

    @Test(
        "texts that are not JSON",
        arguments: [
            "", " ", "{", "}", "[1,]", "[,1]", "[1 2]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", "01", "1.", ".5",
            "1e", "+1", "-",
            "tru", "nul", "NaN", #""x"#, "\"\u{1}\"", #""\x""#, #""\u12g4""#, "1 1", "[1]]", "{\"a\":1}x", "\u{feff}1",
            "'a'",
        ])
    func malformed(text: String) {
        #expect(throws: JSONPathReader.Failure.notJSON) { try read(text, "$.a") }
    }

    @Test("a depth of 100,000 costs nothing, and is refused")
    func depth() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONPathReader.Failure.tooDeep) { try read(deep, "$.a") }
        let allowed = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(try read(allowed, "$.a") == [nil])
        #expect(throws: JSONPathReader.Failure.tooDeep) { try read("[" + allowed + "]", "$.a") }
    }
}
