import Crypto
import Testing

@testable import Webhooks

@Suite("The keyed hash")
struct KeyedHashTests {
    @Test("is HMAC-SHA256 for keys and contents of any length, in one piece or two")
    func hmac() {
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) } }
        let lengths = [0, 1, 31, 32, 55, 56, 63, 64, 65, 127, 128, 129, 1_000]
        for keyLength in lengths.dropFirst() {
            let key = SymmetricKey(data: bytes(keyLength))
            let keyed = KeyedHash(key: key)
            for length in lengths {
                let content = bytes(length)
                let expected = HMAC<SHA256>.authenticationCode(for: content, using: key).map(\.self)
                for cut in Set([0, length / 2, length]) {
                    var hash = keyed
                    content[..<cut].withUnsafeBytes { hash.update($0) }
                    content[cut...].withUnsafeBytes { hash.update($0) }
                    #expect(Array(hash.finalized()) == expected, "key \(keyLength), content \(length), cut \(cut)")
                }
            }
        }
    }
}
