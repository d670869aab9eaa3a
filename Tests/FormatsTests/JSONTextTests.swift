import Formats
import Foundation
import Testing

@Suite("Values within JSON text")
struct JSONTextTests {
    private func text(_ json: String, _ path: String...) -> String? {
        JSONText(Array(json.utf8)).value(at: path)?.plainText
    }

    @Test("are found by names and places, and stay as they were written")
    func found() {
        let json =
            #" { "a" : {"b":[10, 19.90 ,{"c":"x"}]}, "e":1e400,"n":null, "t":true,"s":"q\"\\\/\b\f\n\r\té😀\ud800" , "o": { "k" : [ ] } } "#
        #expect(text(json, "a", "b", "1") == "19.90")
        #expect(text(json, "a", "b", "2", "c") == "x")
        #expect(text(json, "a", "b") == #"[10, 19.90 ,{"c":"x"}]"#)
        #expect(text(json, "e") == "1e400" && text(json, "n") == "" && text(json, "t") == "true")
        #expect(text(json, "s") == "q\"\\/\u{8}\u{c}\n\r\té😀\u{FFFD}")
        #expect(text(json, "o") == #"{ "k" : [ ] }"#)
        #expect(text(json, "x") == nil && text(json, "a", "b", "3") == nil && text(json, "a", "b", "-1") == nil)
        #expect(text(json, "e", "f") == nil && text(json, "a", "b", "c") == nil)
        #expect(
            text("\"a\"") == "a" && text(" 1 ") == "1" && text("[1]", "0") == "1" && text("{}", "a") == nil
                && text("[]", "0") == nil)
    }

    @Test("of two members with one name the last counts")
    func repeated() {
        #expect(text(#"{"a":1,"a":2}"#, "a") == "2")
    }

    @Test(
        "what is no JSON ends somewhere",
        arguments: ["", "{", "[", "\"", "{\"a\"", "{\"a\":", "{\"a\":1", "[1,", "}", ",", "\\", "{\"a\\"])
    func broken(json: String) {
        _ = text(json, "a")
        _ = text(json, "0")
        _ = text(json)
    }

    @Test("nesting costs no stack")
    func deep() {
        let depth = 20_000
        let json = #"{"d":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + #","a":7}"#
        #expect(text(json, "a") == "7")
    }

    @Test("any value is found as Foundation finds it")
    func anyValue() throws {
        var generator = SystemRandomNumberGenerator()
        func value(_ depth: Int) -> Any {
            switch Int.random(in: 0..<(depth > 3 ? 3 : 5), using: &generator) {
            case 0: Int.random(in: -1_000...1_000, using: &generator)
            case 1: ["", "a", "\"\\\u{1}é😀", "{[,:]}", " "].randomElement(using: &generator) ?? ""
            case 2: NSNull()
            case 3: (0..<Int.random(in: 0...3, using: &generator)).map { _ in value(depth + 1) }
            default:
                Dictionary(
                    uniqueKeysWithValues: (0..<Int.random(in: 0...3, using: &generator)).map {
                        ("k\($0)\"", value(depth + 1))
                    })
            }
        }
        func compare(_ found: JSONText?, _ value: Any) throws {
            let found = try #require(found)
            switch value {
            case let number as Int: #expect(found.plainText == "\(number)")
            case let text as String: #expect(found.plainText == text)
            case is NSNull: #expect(found.plainText == "")
            case let list as [Any]:
                for (place, element) in list.enumerated() { try compare(found.value(at: ["\(place)"]), element) }
                #expect(found.value(at: ["\(list.count)"]) == nil)
            case let members as [String: Any]:
                for (name, member) in members { try compare(found.value(at: [name]), member) }
            default: Issue.record("an unknown value")
            }
        }
        for _ in 0..<200 {
            let value = value(0)
            let options: JSONSerialization.WritingOptions =
                Bool.random() ? [.fragmentsAllowed] : [.fragmentsAllowed, .prettyPrinted]
            let json = try JSONSerialization.data(withJSONObject: value, options: options)
            try compare(JSONText(Array(json)), value)
        }
    }
}
