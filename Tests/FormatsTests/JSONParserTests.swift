import Testing

@testable import Formats

@Suite("A JSON text")
struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

    private func number(_ text: String) throws -> JSONNumber {
        guard case .number(let number) = try parse(text) else { throw JSONError(offset: 0) }
        return number
    }

    @Test(
        "is read as it is written",
        arguments: [
            ("null", JSONValue.null), (" \t\r\n true ", .bool(true)), ("[]", .array([])), ("{}", .object([])),
            (#""a\"\\\/\b\f\n\r\t""#, .string("a\"\\/\u{8}\u{c}\n\r\t")), (#""\u00e9\ud83d\ude00""#, .string("é😀")),
            (#""\ud83d""#, .string("\u{FFFD}")), (#""\ud83dx""#, .string("\u{FFFD}x")),
            (
                #"[1,"a",[false]]"#,
                .array([
                    .number(JSONNumber(isNegative: false, digits: [1], exponent: 0)), .string("a"),
                    .array([.bool(false)]),
                ])
            ),
        ])
    func values(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test(
        "that is not JSON says where",
        arguments: [
            ("", 0), ("nul", 3), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{a:1}", 1), ("{\"a\":1,}", 7), ("01", 2),
            ("1.", 2), ("-", 1),
            ("1e", 2), (".5", 0), ("+1", 0), ("NaN", 0), ("\"a", 2), ("\"\u{1}\"", 2), (#""\x""#, 3), (#""\u12g4""#, 5),
            ("1 1", 2),
            ("\u{FEFF}1", 0),
        ])
    func refused(text: String, offset: Int) {
        #expect(throws: JSONError(offset: offset), "\(text)") { try parse(text) }
    }

    @Test("that is no UTF-8, or nested without end, is refused")
    func hostile() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONError.self) { try JSONParser.parse(Array(repeating: UInt8(ascii: "["), count: 100_000)) }
        #expect(throws: Never.self) {
            try parse(String(repeating: "[", count: 127) + String(repeating: "]", count: 127))
        }
    }

    @Test("of a name that is there twice the last one counts; equality looks at neither order nor spelling")
    func objects() throws {
        #expect(try parse(#"{"a":1,"a":2}"#)["a"] == parse("2"))
        #expect(try parse(#"{"a":1.0,"b":[1e1]}"#) == parse(#"{"b":[10],"a":1}"#))
        #expect(try parse(#"{"a":1}"#) != parse(#"{"a":1,"b":2}"#))
        #expect(try parse("\"\u{E9}\"") != parse("\"e\u{301}\""))
    }

    @Test("has numbers that are exact, however large or fine")
    func numbers() throws {
        let ascending = [
            "-1e400", "-10", "-1.5", "-1", "-1e-400", "0", "1e-400", "0.1", "0.11", "1", "9", "10", "1e400",
        ]
        for (one, other) in zip(ascending, ascending.dropFirst()) {
            #expect(try number(one) < number(other), "\(one) \(other)")
            #expect(try !(number(other) < number(one)), "\(one) \(other)")
        }
        for (one, other) in [("1", "1.0"), ("10", "1e1"), ("0.1", "1E-1"), ("0", "-0.0e9"), ("1200", "12.00e+2")] {
            #expect(try number(one) == number(other), "\(one) \(other)")
        }
        #expect(try number("1e99999999999999999999") > number("1e400"))
        #expect(try number("1e2").isInteger && !number("1.5").isInteger)
        #expect(try number("12e1").count == 120 && number("-1").count == nil && number("1e30").count == nil)
        #expect(try number("1e9000").isMultiple(of: number("7")) == false)
        #expect(try number("4.35").isMultiple(of: number("0.01")))
    }
}
