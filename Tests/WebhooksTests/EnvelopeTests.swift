import Testing
import Webhooks

@Suite("Envelope")
struct EnvelopeTests {
    private let time = EventTime(microseconds: 1_667_507_170_344_522)

    @Test("the example of the specification")
    func example() {
        let data = #"{"id":"1f81eb52-5198-4599-803e-771906343485"}"#
        #expect(
            text(Envelope.body(type: "contact.created", time: time, payload: Array(data.utf8)))
                == #"{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z","data":\#(data)}"#)
    }

    @Test(
        "the payload is put in verbatim",
        arguments: [
            #"{"a":1.10,"a":9007199254740993, "z":-0,"b":1e400000}"#, #"{"a":"\u0000"}"#, "[1e131071]", " null ",
            "\u{feff}{}",
            "not JSON at all", "\"${jndi:x}\u{1b}[31m\"",
        ])
    func verbatim(payload: String) {
        let body = Envelope.body(type: "a", time: time, payload: Array(payload.utf8))
        #expect(text(body) == #"{"type":"a","timestamp":"2022-11-03T20:26:10.344522Z","data":\#(payload)}"#)
        #expect(body == Envelope.body(type: "a", time: time, payload: Array(payload.utf8)))
    }

    @Test("bytes that are no text stay as they are")
    func bytes() {
        let payload: [UInt8] = [0xff, 0xfe, 0xc0, 0x80, 0x00]
        let body = Envelope.body(type: "a", time: time, payload: payload)
        #expect(body.dropLast().suffix(payload.count).elementsEqual(payload))
    }

    @Test("no payload is null")
    func empty() {
        #expect(text(Envelope.body(type: "a", time: time, payload: [])).hasSuffix(#","data":null}"#))
    }

    @Test("a type of another writer cannot break the JSON")
    func escaped() {
        let body = text(Envelope.body(type: "a\"\\\n\u{1f}\0é", time: time, payload: [0x31]))
        #expect(body.hasPrefix(#"{"type":"a\"\\\u000a\u001f\u0000é","timestamp""#))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
