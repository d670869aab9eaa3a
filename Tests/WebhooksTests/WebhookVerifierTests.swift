import Testing
import Webhooks

@Suite("Verifying")
struct WebhookVerifierTests {
    private let vector: SignatureVector
    private let verifier: WebhookVerifier

    init() throws {
        vector = try #require(try SignatureVector.all().first)
        verifier = WebhookVerifier(secrets: [try WebhookSecret(vector.secret)])
    }

    @Test("every published vector")
    func vectors() throws {
        for vector in try SignatureVector.all() {
            let verified = try WebhookVerifier(secrets: [try vector.key()]).verify(
                headers: headers(vector), body: vector.body, now: vector.timestamp)
            #expect(verified.id == vector.id)
            #expect(verified.timestamp == vector.timestamp)
        }
    }

    @Test("header names are compared without regard to case, other headers are ignored")
    func headerCase() throws {
        let shouted =
            headers(vector).map { (name: $0.name.uppercased(), value: $0.value) } + [(name: "Host", value: "x")]
        #expect(try verifier.verify(headers: shouted, body: vector.body, now: vector.timestamp).id == vector.id)
    }

    @Test("each header has to be there, once", arguments: ["webhook-id", "webhook-timestamp", "webhook-signature"])
    func required(name: String) {
        #expect(code(headers(vector).filter { $0.name != name }) == .missingHeader)
        #expect(code(headers(vector) + headers(vector).filter { $0.name == name }) == .repeatedHeader)
        #expect(code([]) == .missingHeader)
    }

    @Test(
        "signatures that do not fit",
        arguments: [
            "", "v1,", "v1", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlN",
            "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=",
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        ])
    func wrongSignature(text: String) {
        #expect(code(headers(vector, signature: text)) == .noMatchingSignature)
    }

    @Test(
        "any fitting signature passes",
        arguments: [
            "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,",
            "v2,xyz  v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1a,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v3,y",
        ])
    func anySignature(text: String) throws {
        #expect(code(headers(vector, signature: text)) == nil)
    }

    @Test("more signatures than a sender has use for are not looked at")
    func manySignatures() {
        let many = [String](repeating: vector.signature, count: WebhookVerifier.maximumSignatures)
        #expect(code(headers(vector, signature: many.joined(separator: " "))) == nil)
        #expect(code(headers(vector, signature: (many + ["v1,x"]).joined(separator: " "))) == .tooManySignatures)
    }

    @Test("the tolerance reaches 300 s both ways and no further")
    func tolerance() {
        for (offset, expected) in [
            (-300, nil), (-301, .tooNew), (300, nil), (301, .tooOld), (0, nil),
        ] as [(Int64, WebhookVerificationError.Code?)] {
            #expect(code(headers(vector), now: vector.timestamp + offset) == expected, "\(offset)")
        }
        #expect(code(headers(vector), now: .max) == .tooOld)
        #expect(code(headers(vector), now: .min) == .tooNew)
    }

    @Test(
        "timestamps that are no number of seconds",
        arguments: [
            "hello", "", " 1614265330", "1614265330 ", "+1614265330", "-1", "01614265330", "1614265330.0", "1e9",
            "Infinity",
            "99999999999999999999", "١",
        ])
    func timestamp(text: String) {
        #expect(code(headers(vector, timestamp: text)) == .invalidTimestamp)
    }

    @Test("an id that holds a dot is refused, even when the signed bytes are the same")
    func dottedID() throws {
        // {id}.{timestamp}.{body} with the first dot of the content moved into the id.
        #expect(code(headers(vector, id: "")) == .invalidID)
        #expect(code(headers(vector, id: "msg.1")) == .invalidID)
    }

    @Test("another id, timestamp, body or secret does not fit")
    func tampering() throws {
        #expect(code(headers(vector, id: vector.id + "x")) == .noMatchingSignature)
        #expect(code(headers(vector, timestamp: "\(vector.timestamp + 1)")) == .noMatchingSignature)
        #expect(code(headers(vector), body: vector.body + [0x20]) == .noMatchingSignature)
        #expect(code(headers(vector), body: []) == .noMatchingSignature)
        let foreign = WebhookVerifier(secrets: [try WebhookSecret(bytes: [UInt8](repeating: 0xef, count: 32))])
        #expect(code(headers(vector), by: foreign) == .noMatchingSignature)
        #expect(code(headers(vector), by: WebhookVerifier(secrets: [])) == .noMatchingSignature)
    }

    @Test("JSON that was parsed and written again does not fit")
    func reserialised() throws {
        let vector = try #require(try SignatureVector.all().last)
        let verifier = WebhookVerifier(secrets: [try WebhookSecret(vector.secret)])
        let spaced = Array(#"{"type": "test.hello", "data": {"key": "value"}}"#.utf8)
        #expect(code(headers(vector), by: verifier, body: spaced, now: vector.timestamp) == .noMatchingSignature)
    }

    @Test("during a rotation both secrets are accepted")
    func rotation() throws {
        let new = try WebhookSecret(bytes: [UInt8](repeating: 0x56, count: 32))
        let both = WebhookVerifier(secrets: [new, try WebhookSecret(vector.secret)])
        #expect(code(headers(vector), by: both) == nil)
        let signed = try WebhookSigner(secrets: [new]).signature(
            id: vector.id, timestamp: vector.timestamp, body: vector.body)
        #expect(code(headers(vector, signature: signed), by: both) == nil)
    }

    private typealias Headers = [(name: String, value: String)]

    private func headers(
        _ vector: SignatureVector, id: String? = nil, timestamp: String? = nil, signature: String? = nil
    ) -> Headers {
        [
            (name: "webhook-id", value: id ?? vector.id),
            (name: "webhook-timestamp", value: timestamp ?? "\(vector.timestamp)"),
            (name: "webhook-signature", value: signature ?? vector.signature),
        ]
    }

    private func code(
        _ headers: Headers, by other: WebhookVerifier? = nil, body: [UInt8]? = nil, now: Int64? = nil
    ) -> WebhookVerificationError.Code? {
        do throws(WebhookVerificationError) {
            _ = try (other ?? verifier).verify(
                headers: headers, body: body ?? vector.body, now: now ?? vector.timestamp)
            return nil
        } catch {
            return error.code
        }
    }
}
