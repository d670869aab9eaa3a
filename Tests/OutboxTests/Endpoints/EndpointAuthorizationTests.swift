import Outbox
import Testing

@Suite("What the Authorization header is made of")
struct EndpointAuthorizationTests {
    @Test("forms")
    func forms() throws {
        #expect(try EndpointAuthorization("none") == .none)
        #expect(try EndpointAuthorization("jwt") == .jwt)
        #expect(try EndpointAuthorization("bearer:a:b,c") == .bearer("a:b,c"))
        #expect(try EndpointAuthorization("basic:u:p:ä") == .basic(user: "u", password: "p:ä"))
        guard case .oauth2(let client) = try EndpointAuthorization("oauth2:https://a.example/t?x=1,id,s3cr:t,a b")
        else {
            return #expect(Bool(false))
        }
        #expect(
            client.tokenURL == "https://a.example/t?x=1" && client.id == "id" && client.secret == "s3cr:t"
                && client.scope == "a b")
    }

    @Test(
        "what is refused never shows what was given",
        arguments: [
            "", "canary", "none:", "jwt:canary", "Bearer:canary", "bearer", "bearer:", "bearer:ca nary",
            "bearer:sealed:v1:canary",
            "basic:canary", "basic::canary", "basic:u:ca\u{1}nary", "oauth2:canary", "oauth2:https://a.example/,canary",
            "oauth2:https://u:canary@a.example/,a,b", "oauth2:ftp://canary/,a,b", "oauth2:https://a.example/,a,b,",
            "oauth2:https://a.example/,a,canary,b,c", "oauth2:https://a.example/,a,b, c",
            "bearer:" + String(repeating: "x", count: 4_001),
        ])
    func refused(text: String) throws {
        let error = try #require(throws: InvalidText.self) { try EndpointAuthorization(text) }
        #expect(!error.message.contains("canary"))
    }

    @Test("nothing prints credentials")
    func hidden() throws {
        for text in ["bearer:canary", "basic:u:canary", "oauth2:https://a.example/,id,canary"] {
            let authorization = try EndpointAuthorization(text)
            var dumped = ""
            dump(authorization, to: &dumped)
            #expect(!"\(authorization) \(String(reflecting: authorization)) \(dumped)".contains("canary"))
        }
    }
}
