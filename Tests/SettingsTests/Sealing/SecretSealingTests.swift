import Settings
import Testing

@Suite("Sealing secrets")
struct SecretSealingTests {
    private static let hex = String(repeating: "0f", count: 32)
    private static let otherHex = String(repeating: "A5", count: 32)
    private static let base64 = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
    private let place = SealingContext(endpoint: "billing", tenant: "acme", purpose: .signingSecret)
    private let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test("what was sealed opens at its place", arguments: [hex, "k1:\(hex)", "k1:\(base64)\n", base64])
    func roundTrip(file: String) throws {
        let sealing = try sealing(file)
        for text in [secret, "", "é\0\n"] {
            let sealed = try sealing.seal(text, for: place)
            #expect(sealed.hasPrefix("sealed:v1:\(sealing.keyIDs[0]):"))
            #expect(SecretSealing.isSealed(sealed))
            #expect(!sealed.contains("MfKQ"))
            #expect(try sealing.open(sealed, for: place) == text)
        }
    }

    @Test("two seals of one secret differ")
    func nonce() throws {
        let sealing = try sealing("k1:\(Self.hex)")
        #expect(try sealing.seal(secret, for: place) != sealing.seal(secret, for: place))
    }

    @Test("at another place it does not open")
    func otherPlace() throws {
        let sealing = try sealing("k1:\(Self.hex)")
        let sealed = try sealing.seal(secret, for: place)
        for (endpoint, tenant, purpose) in [
            ("billin", "gacme", .signingSecret), ("billing", "", .signingSecret), ("other", "acme", .signingSecret),
            ("billing", "acme", .headers),
        ] as [(String, String, SealingPurpose)] {
            let other = SealingContext(endpoint: endpoint, tenant: tenant, purpose: purpose)
            #expect(code { try sealing.open(sealed, for: other) } == .notAuthentic)
        }
    }

    @Test("changed in any character it does not open")
    func tampering() throws {
        let sealing = try sealing("k1:\(Self.hex)")
        let sealed = Array(try sealing.seal(secret, for: place).utf8)
        for index in sealed.indices {
            var changed = sealed
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(throws: SealingError.self, "\(index)") {
                try sealing.open(String(decoding: changed, as: UTF8.self), for: place)
            }
        }
    }

    @Test(
        "what is not sealed",
        arguments: [
            "", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "sealed:v1:", "sealed:v1:k1", "sealed:v1:k1:",
            "sealed:v1:k1:AAAA",
            "sealed:v1:k1:!", "sealed:v2:k1:AAAA", "Sealed:v1:k1:AAAA",
        ])
    func notSealed(text: String) throws {
        let sealing = try sealing("k1:\(Self.hex)")
        #expect(code { try sealing.open(text, for: place) } == .notSealed)
    }

    @Test("rotation: the newest key seals, all open, a key taken out is missed")
    func rotation() throws {
        let old = try sealing("k1:\(Self.hex)")
        let both = try sealing("# newest first\nk2:\(Self.otherHex)\n\nk1:\(Self.hex)\n")
        let new = try sealing("k2:\(Self.otherHex)")
        #expect(both.keyIDs == ["k2", "k1"])
        let sealed = try old.seal(secret, for: place)
        #expect(try both.open(sealed, for: place) == secret)
        #expect(both.needsResealing(sealed))
        let again = try both.seal(secret, for: place)
        #expect(again.hasPrefix("sealed:v1:k2:"))
        #expect(!both.needsResealing(again))
        #expect(try new.open(again, for: place) == secret)
        #expect(code { try new.open(sealed, for: place) } == .unknownKey)
        #expect(code { try old.open(again.replacing("k2", with: "k1"), for: place) } == .notAuthentic)
    }

    @Test("a key without an id keeps the id it gets from itself when another line is added")
    func derivedID() throws {
        let alone = try sealing(Self.hex)
        let both = try sealing("k2:\(Self.otherHex)\n\(Self.hex)")
        #expect(try both.open(try alone.seal(secret, for: place), for: place) == secret)
    }

    @Test(
        "key files that are refused",
        arguments: [
            ("", .noKey), ("\n\n# nothing\n", .noKey), ("k1:\(hex)\r\n", .keyLine), ("\(hex)\r\n", .keyLine),
            ("k1:\(hex.dropLast(2))", .keyLine), ("k1:\(hex)00", .keyLine), ("k1:", .keyLine), (":\(hex)", .keyLine),
            ("k 1:\(hex)", .keyLine), (" \(hex)", .keyLine), ("k1:\(hex) ", .keyLine), ("k1:k1:\(hex)", .keyLine),
            ("k1:\(hex)\nk1:\(otherHex)", .repeatedID), ("\(hex)\n\(hex)", .repeatedID),
            ("k1:zz\(hex.dropLast(2))", .keyLine),
            ("\(String(repeating: "k", count: 33)):\(hex)", .keyLine),
            ("k1:MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .keyLine),
        ] as [(String, SealingError.Code)])
    func refused(file: String, expected: SealingError.Code) throws {
        let error = try #require(throws: SealingError.self) { try sealing(file) }
        #expect(error.code == expected)
        #expect(!error.message.contains("0f0f") && !error.message.contains("MfKQ"))
    }

    @Test("nothing shows a key")
    func hidden() throws {
        var dumped = ""
        dump(try sealing("k1:\(Self.base64)"), to: &dumped)
        #expect(dumped.contains("k1"))
        #expect(!dumped.contains("171") && !dumped.contains("q6ur"))
    }

    private func sealing(_ file: String) throws -> SecretSealing {
        try SecretSealing(keyFile: Array(file.utf8))
    }

    private func code(_ body: () throws -> String) -> SealingError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? SealingError)?.code
        }
    }
}
