import Outbox
import Testing

@testable import CustomerAPI

@Suite("What customers ask")
struct AskingTests {
    private static let policy = EndpointPolicy()

    private func problem<Value>(_ body: () throws(APIProblem) -> Value) -> APIProblem? {
        do throws(APIProblem) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "each path has its methods, and no other",
        arguments: [
            ("GET", "/v1/webhooks", APIRoute.list), ("HEAD", "/v1/webhooks", .list),
            ("POST", "/v1/webhooks/register", .register), ("GET", "/v1/webhooks/a", .show("a")),
            ("PATCH", "/v1/webhooks/a", .update("a")), ("DELETE", "/v1/webhooks/a", .remove("a")),
            ("GET", "/v1/webhooks/a%2Fb%20%C3%A9", .show("a/b é")), ("GET", "/v1/webhooks/a+b", .show("a+b")),
            ("POST", "/v1/webhooks/a/rotate-secret", .rotateSecret("a")), ("POST", "/v1/webhooks/a/test", .test("a")),
            ("POST", "/v1/webhooks/a/pause", .pause("a")), ("POST", "/v1/webhooks/a/resume", .resume("a")),
            ("GET", "/v1/webhooks/a/deliveries", .deliveries("a")), ("GET", "/v1/deliveries/d", .delivery("d")),
            ("POST", "/v1/deliveries/d/replay", .replay("d")), ("POST", "/v1/events", .publish),
            ("GET", "/v1/event-types", .eventTypes), ("GET", "/v1/openapi.json", .openAPI),
        ])
    func routes(method: String, path: String, route: APIRoute) throws {
        #expect(try APIRoute.find(method, path) == route)
        let refused = problem { () throws(APIProblem) in try APIRoute.find("TRACE", path) }
        #expect(refused?.code == .methodNotAllowed && refused?.allowed.contains(method) == true)
    }

    @Test(
        "anything else is nowhere",
        arguments: [
            "", "/", "v1/webhooks", "/v1", "/v2/webhooks", "/v1/webhooks/", "/v1/webhooks/a/", "/v1/webhooks/a/x",
            "/v1/webhooks/a/test/x", "//v1/webhooks", "/v1/webhooks/%00", "/v1/webhooks/%ff", "/v1/webhooks/%",
            "/v1/webhooks/%4", "/v1/webhooks/%zz", "/v1/deliveries", "/V1/webhooks", "/v1/webhooks%2Fa", "/livez",
        ])
    func nowhere(path: String) {
        #expect(problem { () throws(APIProblem) in try APIRoute.find("GET", path) }?.code == .notFound)
    }

    @Test("a token has its form and shows itself nowhere")
    func token() throws {
        let token = APIToken(bytes: [UInt8](repeating: 0xfb, count: 32))
        #expect(token.revealed == "prt_" + String(repeating: "-_v7", count: 10) + "-_s")
        let read = try #require(APIToken(authorization: "bEARER  \(token.revealed)"))
        #expect(read.hash == token.hash && read.hash.count == 32)
        #expect(!"\(token) \(String(reflecting: token)) \(Mirror(reflecting: token).children.count)".contains("-_v7"))
        let wrong = [
            "", "Bearer", token.revealed, "Basic \(token.revealed)", "Bearer \(token.revealed)A", "Bearer prt_",
            "Bearer \(token.revealed) x", "Bearer \(token.revealed.dropLast())", "Bearer \(token.revealed.dropLast())=",
            "Bearer prt_" + String(repeating: "é", count: 43),
        ]
        for text in wrong { #expect(APIToken(authorization: text) == nil, "\(text)") }
    }

    @Test("a registration is read strictly, by the rules of endpoint add")
    func registration() throws {
        func read(_ text: String) throws(APIProblem) -> WebhookBody {
            try WebhookBody.registered(Array(text.utf8), policy: Self.policy)
        }
        let body = try read(
            #"{"webhook_url": "https://Example.com/x", "event_types": ["order.*", "*", "order.*"], "name": "shop", "description": "d"}"#
        )
        #expect(body.url == "https://example.com/x" && body.eventTypes == ["order.*", "*"] && body.name == "shop")
        #expect(body.description == "d" && body.describes)
        let least = try read(#"{"webhook_url": "https://example.com/"}"#)
        #expect(least.eventTypes == nil && least.name == nil && !least.describes)
        let refused: [(String, APIProblem.Code, String?)] = [
            ("", .invalidJSON, nil), ("{", .invalidJSON, nil), ("[]", .invalid, nil), ("null", .invalid, nil),
            (#"{"webhook_url": "https://a.example", "webhook_url": "https://b.example"}"#, .invalidJSON, nil),
            (#"{"webhook_url": {"a": 1, "a": 2}}"#, .invalidJSON, nil),
            (String(repeating: "[", count: 100_000), .invalidJSON, nil),
            (#"{"webhook_url": "https://example.com", "tenant": "other"}"#, .invalid, "tenant"),
            (
                #"{"webhook_url": "https://example.com", "\#(String(repeating: "é", count: 999))": 1}"#, .invalid,
                String(repeating: "é", count: 32)
            ),
            ("{}", .invalid, "webhook_url"), (#"{"webhook_url": null}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://example.com/\u0000"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "http://example.com/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://127.0.0.1/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://169.254.169.254/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://localhost/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://db.internal/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://u:p@example.com/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://example.com:5432/"}"#, .invalid, "webhook_url"),
            (#"{"webhook_url": "https://example.com", "event_types": []}"#, .invalid, "event_types"),
            (#"{"webhook_url": "https://example.com", "event_types": "*"}"#, .invalid, "event_types"),
            (#"{"webhook_url": "https://example.com", "event_types": [1]}"#, .invalid, "event_types"),
            (#"{"webhook_url": "https://example.com", "event_types": ["a b"]}"#, .invalid, "event_types"),
            (#"{"webhook_url": "https://example.com", "name": "register"}"#, .invalid, "name"),
            (#"{"webhook_url": "https://example.com", "name": ".."}"#, .invalid, "name"),
            (#"{"webhook_url": "https://example.com", "name": "a/b"}"#, .invalid, "name"),
            (#"{"webhook_url": "https://example.com", "name": ""}"#, .invalid, "name"),
            (
                #"{"webhook_url": "https://example.com", "description": "\#(String(repeating: "é", count: 513))"}"#,
                .invalid, "description"
            ),
        ]
        for (text, code, field) in refused {
            let found = problem { () throws(APIProblem) in try read(text) }
            #expect(found?.code == code && found?.field == field, "\(text.prefix(80)): \(String(describing: found))")
            // Names of settings are nothing for customers.
            #expect(found?.detail.contains("POSTRIDER") == false)
        }
        let bytes = Array(#"{"webhook_url": "https://example.com/"#.utf8) + [0xff] + Array(#""}"#.utf8)
        let found = problem { () throws(APIProblem) in try WebhookBody.registered(bytes, policy: Self.policy) }
        #expect(found?.code == .invalidJSON)
    }

    @Test("a change says what changes, and cannot rename")
    func change() throws {
        func read(_ text: String) throws(APIProblem) -> WebhookBody {
            try WebhookBody.changed(Array(text.utf8), policy: Self.policy)
        }
        let none = try read("{}")
        #expect(none.url == nil && none.eventTypes == nil && !none.describes)
        let cleared = try read(#"{"description": null}"#)
        #expect(cleared.describes && cleared.description == nil)
        #expect(problem { () throws(APIProblem) in try read(#"{"name": "other"}"#) }?.code == .invalid)
    }

    @Test("a payload stays as it was written")
    func event() throws {
        func read(_ text: String, _ keys: [String] = []) throws(APIProblem) -> EventBody {
            try EventBody(Array(text.utf8), keys: keys)
        }
        let event = try read(
            #"{"event_type": "order.paid", "payload":  {"b": 1.50,  "a": "é\u00e9"} , "ordering_key": "42"}"#, ["k"])
        #expect(event.payload == #"{"b": 1.50,  "a": "é\u00e9"}"# && event.orderingKey == "42" && event.key == "k")
        #expect(try read(#"{"event_type":"a","payload":null}"#).payload == "null")
        #expect(try read(#"{"event_type":"a","payload":"x}"}"#).payload == #""x}""#)
        let refused: [(String, [String], String?)] = [
            (#"{"payload": 1}"#, [], "event_type"), (#"{"event_type": "a..b", "payload": 1}"#, [], "event_type"),
            (#"{"event_type": "a"}"#, [], "payload"),
            (#"{"event_type": "a", "payload": 1, "tenant": "b"}"#, [], "tenant"),
            (#"{"event_type": "a", "payload": 1}"#, ["a", "b"], "Idempotency-Key"),
            (#"{"event_type": "a", "payload": 1}"#, [""], "Idempotency-Key"),
            (#"{"event_type": "a", "payload": 1}"#, [String(repeating: "k", count: 513)], "Idempotency-Key"),
        ]
        for (text, keys, field) in refused {
            let found = problem { () throws(APIProblem) in try read(text, keys) }
            #expect(found != nil && found?.field == field, "\(text)")
        }
    }

    @Test("a list is cut by its query, read strictly")
    func query() throws {
        let names: Set = ["limit", "cursor", "status", "since"]
        func read(_ text: String) throws(APIProblem) -> ListQuery { try ListQuery(text, allowing: names) }
        #expect(try read("").limit == 50)
        let query = try read("limit=7&status=dead&since=2024-11-20T12%3A00%3A00.5%2B01:00&cursor=3044c59113263_2")
        #expect(query.limit == 7 && query.status == "dead" && query.since == "2024-11-20T12:00:00.5+01:00")
        #expect(try query.cursorEvent == "3044c59113263_2")
        #expect(try read("cursor=73686f70").cursorName == "shop")
        let refused = [
            "limit", "limit=", "limit=0", "limit=101", "limit=1.0", "limit=+5", "limit=5&limit=6", "status=Dead",
            "status=no_subscriber", "since=now", "since=2024-11-20", "since=2024-11-20T12:00:00",
            "since=2024-11-20T12:00:00Zx", "since=2024-11-20T12:00:00+0100", "since=2024-11-20T12:00:00+01:0a",
            "since=2024-11-20T12:00:00.Z", "cursor=", "other=1", "limit=%ff", "cursor=%00",
        ]
        for text in refused {
            #expect(problem { () throws(APIProblem) in try read(text) }?.code == .invalidRequest, "\(text)")
        }
        #expect(problem { () throws(APIProblem) in try read("limit=5&statsu=dead") }?.field == "statsu")
        #expect(problem { () throws(APIProblem) in try read("%ff=1") }?.field == "%ff")
        for text in ["7", "zz", "ff", "00"] {
            let query = try read("cursor=\(text)")
            #expect(problem { () throws(APIProblem) in try query.cursorName }?.field == "cursor", "\(text)")
        }
        for text in [
            "x", "3044c59113263_0", "3044C59113263_2", "3044c59113263_", "3044c5911326_2", "3044c59113263_2_3",
        ] {
            let query = try read("cursor=\(text)")
            #expect(problem { () throws(APIProblem) in try query.cursorEvent }?.field == "cursor", "\(text)")
        }
    }

    @Test("If-Match demands what it says")
    func precondition() throws {
        #expect(try Precondition(ifMatch: []).tags == nil)
        #expect(try Precondition(ifMatch: ["*"]).tags == ["*"])
        #expect(try Precondition(ifMatch: [#""a" ,W/"b""#, #""c""#]).tags == [#""a""#, "", #""c""#])
        for text in [
            "", "a", "\"", "*, \"a\"", "W/", #""a b""#, Array(repeating: "\"a\"", count: 17).joined(separator: ","),
        ] {
            #expect(
                problem { () throws(APIProblem) in try Precondition(ifMatch: [text]) }?.code == .invalidRequest,
                "\(text)")
        }
    }
}
