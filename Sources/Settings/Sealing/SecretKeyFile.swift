import Crypto
import Formats
package import Telemetry

/// The file that `POSTRIDER_SECRET_KEY_FILE` names, with the keys that seal endpoint secrets at rest.
package enum SecretKeyFile {
    /// The most bytes that the file may have.
    package static let sizeLimit = 4096

    /// The content of the file at `path`. What the lines mean is for the sealing to say.
    ///
    /// - Throws: when the file is missing, empty, too large, no regular file, or readable by everybody on the machine.
    package static func read(from path: String) throws(ConfigurationError) -> Redacted<[UInt8]> {
        let file: BoundedFile
        do {
            file = try BoundedFile(path: path, limit: sizeLimit)
        } catch {
            throw unusable("names a file that \(error.reason)")
        }
        guard !file.isWorldReadable else { throw unusable("names a file that everybody may read; chmod 0400 it") }
        guard !file.bytes.isEmpty else { throw unusable("names a file that is empty") }
        return Redacted(file.bytes)
    }

    private static func unusable(_ rule: String) -> ConfigurationError {
        ConfigurationError(.unusableKeyFile, key: ConfigurationKey.secretKeyFile.rawValue, rule: rule)
    }
}

/// A key that seals secrets at rest: 32 bytes with an id by which sealed texts name it. Never printed.
package struct SealingKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// Names the key in sealed texts: 1 to 32 ASCII letters, digits, `_` and `-`.
    package let id: String
    let key: SymmetricKey

    package static let byteCount = 32
    private static let longestID = 32

    /// Reads a line of a key file: `id:key`, or the key alone, whose id is then the beginning of its SHA-256.
    ///
    /// - Parameter number: the number of the line, for the error message.
    init(line: ArraySlice<UInt8>, number: Int) throws(SealingError) {
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        let keyText = colon.map { line[($0 + 1)...] } ?? line
        guard let bytes = Self.bytes(keyText) else {
            throw SealingError(
                .keyLine,
                "line \(number) of the key file is not a key: \(Self.byteCount) bytes as 64 hexadecimal digits or as Base64, "
                    + "after an id and a colon if there are several, with Unix line ends")
        }
        if let colon {
            let name = line[..<colon]
            guard (1...Self.longestID).contains(name.count), name.allSatisfy(Self.isIDCharacter) else {
                throw SealingError(
                    .keyLine,
                    "the id in line \(number) of the key file is not 1 to \(Self.longestID) letters, digits, _ and -")
            }
            id = String(decoding: name, as: UTF8.self)
        } else {
            id = Hexadecimal.encode(SHA256.hash(data: bytes).prefix(4))
        }
        key = SymmetricKey(data: bytes)
    }

    package var description: String { "sealing key \(id)" }

    /// The id alone, so that `dump` does not show the key.
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }

    private static func bytes(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let bytes = text.count == 2 * byteCount ? Hexadecimal.decode(text) : Base64.decode(text)
        return bytes?.count == byteCount ? bytes : nil
    }

    private static func isIDCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default:
            false
        }
    }
}
