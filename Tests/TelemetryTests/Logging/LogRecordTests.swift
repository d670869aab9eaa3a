import Foundation
import Logging
import Testing

@testable import Telemetry

@Suite struct LogRecordTests {
    private func record(
        _ data: KeyValuePairs<String, Logger.MetadataValue>, message: String = "Claimed", level: Logger.Level = .info
    ) -> LogRecord {
        LogRecord(
            time: Date(timeIntervalSince1970: 1_732_060_800.25), level: level, message: message,
            data: data.map { ($0.key, $0.value) })
    }

    @Test func textIsOneReadableLine() {
        let line = record([
            "count": .stringConvertible(3), "endpoint": "billing", "error": "no route", "empty": "", "pair": "a=b",
            "list": ["x", "y"], "map": ["k": "v"],
        ]).text
        #expect(
            line == """
                2024-11-20T00:00:00.250Z info     Claimed count=3 endpoint=billing error="no route" empty="" \
                pair="a=b" list=[x,y] map={k:v}
                """)
    }

    @Test func levelsAreAligned() {
        for level in Logger.Level.allCases {
            #expect(
                record([:], message: "M", level: level).text.dropFirst("2024-11-20T00:00:00.250Z ".count).hasSuffix(
                    " M"))
            #expect(record([:], message: "M", level: level).text.count == 24 + 1 + 8 + 1 + 1)
        }
    }

    @Test func jsonIsOneObject() throws {
        let line = record([
            "count": .stringConvertible(3), "endpoint": "Großhandel \"A\"", "ok": .stringConvertible(true),
            "ratio": .stringConvertible(0.5), "list": ["x", ["y": "z"]], "time": "mine",
        ]).json
        #expect(
            line == """
                {"time":"2024-11-20T00:00:00.250Z","level":"info","message":"Claimed","count":3,\
                "endpoint":"Großhandel \\"A\\"","ok":true,"ratio":"0.5","list":["x",{"y":"z"}],"data.time":"mine"}
                """)
    }

    private static let hostile = [
        "a\nfake 2024 line", "a\r\nb", "\u{1b}[2J\u{1b}]0;title\u{7}", "\u{0}", "\u{7f}\u{80}\u{9b}31m\u{85}",
        "\u{2028}\u{2029}", "\u{202e}desrever", "x\" level=error \"", "x\\\" fake=1", "\\", "\u{e0041}tag", "🙂 日本 é",
        "\u{fffd}", "a\tb",
    ]

    @Test(arguments: hostile.indices)
    func hostileTextCannotBreakALine(index: Int) throws {
        let text = Self.hostile[index]
        let entry = record([text: .string(text), "list": [.string(text)]], message: text)
        for line in [entry.text, entry.json] {
            #expect(!line.unicodeScalars.contains(where: PrintableText.mustEscape))
        }
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(entry.json.utf8)) as? [String: Any])
        #expect(object[text] as? String == text)
        #expect(object["message"] as? String == text)
        #expect(object["list"] as? [String] == [text])
    }

    @Test func quotesCannotBeEndedFromInside() {
        #expect(record(["k": #"x\" fake=1"#]).text.hasSuffix(#" k="x\\\" fake=1""#))
        #expect(record(["k": "\\"]).text.hasSuffix(#" k="\\""#))
    }

    @Test func everythingHasALimit() {
        let long = String(repeating: "x", count: 1_000_000)
        let nested = (0..<100).reduce(Logger.MetadataValue.string("deep")) { value, _ in .array([value]) }
        let many = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("k\($0)", Logger.MetadataValue.string("v")) })
        let entry = record(["long": .string(long), "nested": nested, "many": .dictionary(many)], message: long)
        #expect(entry.text.utf8.count < 8000)
        #expect(entry.json.utf8.count < 8000)
        #expect(entry.text.contains("nested=[[[[…]]]]"))
        #expect(entry.json.contains(#""nested":[[[["…"]]]]"#))
    }
}
