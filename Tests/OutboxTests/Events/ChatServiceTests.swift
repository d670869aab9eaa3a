import Formats
import Foundation
import TestSupport
import Testing

@testable import Outbox

@Suite("Messages for chat services")
struct ChatServiceTests {
    private func message(_ service: ChatService, _ template: String?, _ payload: String? = "{}") throws -> String {
        let body = service.body(
            try template.map { try TextTemplate($0) }, type: "order.paid",
            payload: payload.map { JSONText(Array($0.utf8)) })
        let json = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
        switch service {
        case .slack: return try #require(json["text"] as? String)
        case .discord:
            let mentions = try #require(json["allowed_mentions"] as? [String: [String]])
            #expect(mentions == ["parse": []])
            return try #require(json["content"] as? String)
        case .teams:
            let card = try #require(
                ((json["attachments"] as? [[String: Any]])?.first?["content"] as? [String: Any])?["body"]
                    as? [[String: Any]])
            return try #require(card.first?["text"] as? String)
        }
    }

    @Test("say what the template says, the operator's part as it is, the payload's escaped")
    func escaped() throws {
        let payload =
            #"{"order_id": 42, "total": 19.90, "who": {"name": "<!channel> *Bob* & @everyone [x](y)"}, "l": ["z"]}"#
        let template = "*Order* {order_id} <https://x|open> {total} {who.name} {l.0} {nothing} {{x}}"
        #expect(
            try message(.slack, template, payload)
                == "*Order* 42 <https://x|open> 19.90 &lt;!channel&gt; *Bob* &amp; @everyone [x](y) z  {x}")
        #expect(
            try message(.discord, template, payload)
                == #"*Order* 42 <https://x|open> 19.90 \<\!channel\> \*Bob\* \& \@everyone \[x\]\(y\) z  {x}"#)
        #expect(try message(.teams, "{who.name}", #"{"who":{"name":"{{DATE(x)}}_"}}"#) == #"\{\{DATE\(x\)\}\}\_"#)
    }

    @Test("a blank text becomes the type of the event, and so does none")
    func blank() throws {
        for service in [ChatService.slack, .discord, .teams] {
            #expect(try message(service, nil) == "order.paid")
            #expect(
                try message(service, " {a} ", #"{"a": "\n"}"#).trimmingCharacters(in: .whitespacesAndNewlines)
                    == "order.paid")
            #expect(try message(service, "{a}", nil) == "order.paid")
        }
    }

    @Test("any payload: within the limit, cut after a whole piece, nothing of it unescaped")
    func anyPayload() async throws {
        var generator = SeededGenerator(seed: 12)
        let pieces = ["a", "<", "&", ">", "*", "\\", "`", "@", "\n", "é", "😀", "👨‍👩‍👧", "\"", "{", "}", "]", "\u{1}"]
        for round in 0..<20 {
            // Others wait for answers while this computes.
            await Task.yield()
            let counts = round == 0 ? 20_000...20_000 : round % 2 == 0 ? 0...20 : 900...2_500
            let count = Int.random(in: counts, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            let payload = String(decoding: try JSONEncoder().encode(["t": text]), as: UTF8.self)
            for service in [ChatService.slack, .discord, .teams] {
                let message = try message(service, "{t}", payload)
                #expect(service.cost(message) <= service.limit)
                let whole = text.unicodeScalars.map(service.escaped).joined()
                if message != whole, !text.allSatisfy(\.isWhitespace) {
                    #expect(message.hasSuffix("…") && whole.hasPrefix(message.dropLast()))
                    // The piece that was left out did not fit: no text is cut early.
                    #expect(service.cost(message) > service.limit - 60)
                    let unfinished = message.dropLast().reversed().prefix { $0 == "\\" }.count
                    #expect(service == .slack || unfinished.isMultiple(of: 2))
                }
            }
        }
    }

    @Test(
        "a template is refused for a brace that means nothing",
        arguments: [
            "{", "}", "{}", "{a", "a}", "{a.}", "{.a}", "{a b}", "{{a}", "{a}}", "{é}", "\u{7}",
            String(repeating: "x", count: 4_001),
        ])
    func refused(template: String) {
        #expect(throws: InvalidText.self) { try TextTemplate(template) }
    }
}
