import Crypto

/// HMAC-SHA256 (RFC 2104) whose key was hashed once.
///
/// Crypto has an HMAC too, but for any hash and any kind of data: for a body of 500 bytes, getting through its protocols
/// costs more than the hashing.
struct KeyedHash: Sendable {
    /// Has taken the key for the inner hash, then the content.
    private var inner = SHA256()
    /// Has taken the key for the outer hash.
    private var outer = SHA256()

    init(key: SymmetricKey) {
        key.withUnsafeBytes { bytes in
            // Padded with zeros to a block; a key that is longer is hashed.
            var block = bytes.count <= SHA256.blockByteCount ? Array(bytes) : Array(SHA256.hash(data: bytes))
            block.append(contentsOf: repeatElement(0, count: SHA256.blockByteCount - block.count))
            block.map { $0 ^ 0x36 }.withUnsafeBytes { inner.update(bufferPointer: $0) }
            block.map { $0 ^ 0x5c }.withUnsafeBytes { outer.update(bufferPointer: $0) }
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        inner.update(bufferPointer: bytes)
    }

    /// The hash of what this has taken.
    func finalized() -> SHA256.Digest {
        var outer = outer
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}
