import Foundation
import Testing
import Webhooks

@Suite("Verifying what senders of many kinds send")
struct RequestVerifierTests {
    private func headers(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "||").map(String.init).compactMap { line in
            line.firstIndex(of: ":").map { colon in
                (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
            }
        }
    }

    private func outcome(
        _ verifier: RequestVerifier, _ headers: [(name: String, value: String)], _ body: String, _ now: Int64
    ) -> String {
        do {
            _ = try verifier.verify(headers: headers, body: Array(body.utf8), now: now)
            return "ok"
        } catch {
            return error.code.rawValue
        }
    }

    @Test("every vector, and none that fits does with one byte more or another secret")
    func vectors() throws {
        let vectors = try TabVectors.read("sources.tsv", fields: 6)
        #expect(vectors.count == 104)
        for vector in vectors {
            let secrets = vector[1].split(separator: " ").map { $0.replacingOccurrences(of: "␠", with: " ") }
            let scheme = try SourceScheme(vector[0])
            let verifier = try RequestVerifier(scheme: scheme, secrets: secrets)
            let (given, now) = (headers(vector[4]), try #require(Int64(vector[2])))
            #expect(outcome(verifier, given, vector[3], now) == vector[5], "\(vector)")
            guard vector[5] == "ok", scheme != .none else { continue }
            let other =
                scheme == .standard ? ["whsec_7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+8="] : ["foreign:secret"]
            let foreign = try RequestVerifier(scheme: scheme, secrets: other)
            #expect(outcome(foreign, given, vector[3], now) != "ok", "\(vector)")
            guard ![.bearer, .basic].contains(scheme) else { continue }
            #expect(outcome(verifier, given, vector[3] + " ", now) != "ok", "\(vector)")
        }
        let words = Set(vectors.map { $0[5] }).subtracting(["ok"])
        #expect(words == Set(WebhookVerificationError.Code.allCases.map(\.rawValue)), "a word without a vector")
    }

    @Test("what a head proves wrong by itself is said before there is a body, and nothing else is")
    func heads() throws {
        let ofHeads: Set<String> = [
            "missing_header", "repeated_header", "invalid_id", "invalid_timestamp", "too_old", "too_new",
            "too_many_signatures", "wrong_credentials",
        ]
        var said: Set<String> = []
        for vector in try TabVectors.read("sources.tsv", fields: 6) {
            let secrets = vector[1].split(separator: " ").map { $0.replacingOccurrences(of: "␠", with: " ") }
            let verifier = try RequestVerifier(scheme: try SourceScheme(vector[0]), secrets: secrets)
            var word = "ok"
            do {
                let proof = try verifier.proof(in: headers(vector[4]), now: try #require(Int64(vector[2])))
                #expect(!"\(proof) \(String(reflecting: proof))".contains(secrets.first ?? "whsec_"))
            } catch {
                word = (error as? WebhookVerificationError)?.code.rawValue ?? "\(error)"
                #expect(word == vector[5], "\(vector)")
                said.insert(word)
            }
            // The times of a token stand in what is signed.
            guard vector[0] != "jwt", ofHeads.contains(vector[5]) else { continue }
            #expect(word == vector[5], "\(vector)")
        }
        #expect(said.isSuperset(of: ofHeads))
    }

    @Test("what a scheme signs is known: ids, and times")
    func facts() throws {
        let vectors = try TabVectors.read("sources.tsv", fields: 6)
        func verified(_ scheme: String) throws -> VerifiedRequest {
            let vector = try #require(vectors.first { $0[0] == scheme && $0[5] == "ok" })
            return try RequestVerifier(
                scheme: try SourceScheme(scheme),
                secrets: [vector[1].replacingOccurrences(of: "␠", with: " ")]
            ).verify(headers: headers(vector[4]), body: Array(vector[3].utf8), now: try #require(Int64(vector[2])))
        }
        #expect(try verified("standard").id == "msg_p5jXN8AQM9LWM0D4loKWxJek")
        #expect(try verified("standard").timestamp == 1_614_265_330)
        #expect(try verified("stripe").timestamp == 1_614_265_330)
        #expect(try verified("jwt").id == "evt_1")
        #expect(try verified("github").id == nil)
    }

    @Test(
        "schemes that are none",
        arguments: [
            "", "Standard", "v1", "hmac:", "hmac:X,md5,hex", "hmac:X,sha256,hex,{timestamp}",
            "hmac:X,sha256,hex,,{timestamp}.{body}",
            "hmac:X Y,sha256,hex", "bearer:token", "svix",
        ])
    func unknown(text: String) {
        #expect(throws: SignatureSchemeError.self) { try SourceScheme(text) }
    }

    @Test("each scheme's text is read as it was written")
    func texts() throws {
        for text in ["standard", "github", "stripe", "shopify", "slack", "bearer", "basic", "jwt", "none"] {
            #expect("\(try SourceScheme(text))" == text)
        }
        #expect(
            try SourceScheme("\(try SourceScheme("hmac:X-Sig,sha512,base64,v1="))")
                == SourceScheme("hmac:X-Sig,sha512,base64,v1="))
    }

    @Test("without a secret nothing is accepted, and a secret is never shown")
    func secrets() throws {
        #expect(throws: WebhookSecretError.self) { try RequestVerifier(scheme: .github, secrets: []) }
        #expect(throws: WebhookSecretError.self) { try RequestVerifier(scheme: .bearer, secrets: [""]) }
        #expect(throws: WebhookSecretError.self) { try RequestVerifier(scheme: .standard, secrets: ["secret"]) }
        let verifier = try RequestVerifier(scheme: .bearer, secrets: ["canary-one", "canary-two"])
        #expect(verifier.isSecret(Array("canary-two".utf8)))
        #expect(!verifier.isSecret(Array("canary-tw".utf8)))
        var dumped = ""
        dump(verifier, to: &dumped)
        #expect(!dumped.contains("canary") && !"\(verifier)".contains("canary"))
    }
}
