import FoundationEssentials
public import Telemetry

/// A key that seals endpoint secrets at rest, and the name by which a sealed secret says which key it needs.
public struct SealingKey: Sendable {
    /// Letters, digits, `-` and `_`; at most 32 of them. Never reused for another key.
    public let id: String
    /// The 32 bytes of the key.
    public let bytes: Redacted<[UInt8]>
}

extension SealingKey {
    /// How many bytes a key has.
    public static let length = 32
    /// The most keys that a file may hold: the one in use and those it replaced.
    public static let countLimit = 16

    private static let fileSizeLimit = 4096

    /// Reads the file that `POSTRIDER_SECRET_KEY_FILE` names: one `ID:BASE64` a line, the key that seals first, the keys
    /// that only open what was sealed earlier after it.
    ///
    /// - Throws: when the file is missing or readable by everybody, or a line breaks the format.
    public static func read(from path: String) throws(ConfigurationError) -> [SealingKey] {
        let file: BoundedFile
        do {
            file = try BoundedFile(path: path, limit: fileSizeLimit)
        } catch {
            throw unusable("names a file that \(error.reason)")
        }
        guard !file.isWorldReadable else {
            throw unusable("names a file that everybody may read; chmod 0400 it")
        }
        guard let text = String(validating: file.bytes, as: UTF8.self), !file.bytes.contains(UInt8(ascii: "\r")) else {
            throw unusable(
                "names a file with carriage returns or bytes that are not UTF-8 in it; it must be plain text")
        }
        var keys: [SealingKey] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            guard let key = SealingKey(line: line) else {
                throw unusable(
                    "names a file whose line \(index + 1) is not ID:BASE64, the base64 of \(length) bytes "
                        + "(make one with: openssl rand -base64 \(length))")
            }
            guard !keys.contains(where: { $0.id == key.id }) else {
                throw unusable("names a file whose line \(index + 1) uses the id of an earlier line")
            }
            keys.append(key)
        }
        guard (1...countLimit).contains(keys.count) else {
            throw unusable("names a file with \(keys.count) keys; it must hold 1 to \(countLimit)")
        }
        return keys
    }

    private init?(line: Substring) {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let id = String(line[..<colon])
        guard (1...32).contains(id.utf8.count), id.utf8.allSatisfy(Self.isIdentifierByte),
            let data = Data(base64Encoded: String(line[line.index(after: colon)...])), data.count == Self.length
        else { return nil }
        self.init(id: id, bytes: Redacted(Array(data)))
    }

    private static func isIdentifierByte(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || character == "-" || character == "_")
    }

    private static func unusable(_ rule: String) -> ConfigurationError {
        ConfigurationError(.unusableKeyFile, key: ConfigurationKey.secretKeyFile.rawValue, rule: rule)
    }
}
