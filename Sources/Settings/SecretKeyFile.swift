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
