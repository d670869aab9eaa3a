import Crypto

/// The hash of an HMAC (RFC 2104).
enum HMACAlgorithm: String, Sendable {
    /// For receivers that know nothing newer.
    case sha1
    case sha256
    case sha384
    case sha512

    /// The HMAC over three pieces, one behind the other.
    func code(
        key: SymmetricKey, _ before: [UInt8], _ body: UnsafeRawBufferPointer, _ after: [UInt8]
    ) -> [UInt8] {
        switch self {
        case .sha1: Self.code(Insecure.SHA1.self, key, before, body, after)
        case .sha256: Self.code(SHA256.self, key, before, body, after)
        case .sha384: Self.code(SHA384.self, key, before, body, after)
        case .sha512: Self.code(SHA512.self, key, before, body, after)
        }
    }

    private static func code<Hash: HashFunction>(
        _: Hash.Type, _ key: SymmetricKey, _ before: [UInt8], _ body: UnsafeRawBufferPointer, _ after: [UInt8]
    ) -> [UInt8] {
        let block = key.withUnsafeBytes { bytes in
            // Padded with zeros to a block; a key that is longer is hashed.
            var block = bytes.count <= Hash.blockByteCount ? Array(bytes) : digest(Hash.self, [bytes])
            block.append(contentsOf: repeatElement(0, count: Hash.blockByteCount - block.count))
            return block
        }
        return before.withUnsafeBytes { before in
            after.withUnsafeBytes { after in
                let inner = block.map { $0 ^ 0x36 }.withUnsafeBytes { digest(Hash.self, [$0, before, body, after]) }
                return inner.withUnsafeBytes { inner in
                    block.map { $0 ^ 0x5c }.withUnsafeBytes { digest(Hash.self, [$0, inner]) }
                }
            }
        }
    }

    private static func digest<Hash: HashFunction>(_: Hash.Type, _ pieces: [UnsafeRawBufferPointer]) -> [UInt8] {
        var hash = Hash()
        for piece in pieces { hash.update(bufferPointer: piece) }
        return Array(hash.finalize())
    }
}
