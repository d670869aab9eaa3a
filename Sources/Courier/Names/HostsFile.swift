import CLibCurl
import Glibc
import Outbox

/// What `/etc/hosts` says, see hosts(5). Read again when the file has changed.
///
/// c-ares could read this file, but would do so from its beginning for every name.
struct HostsFile {
    /// How much of the file is read: some tens of thousands of lines.
    static let maximumBytes = 1024 * 1024
    /// How long an answer from the file is used, as it says nothing about that. Longer, and a change is seen later.
    static let lifetime = Duration.seconds(10)

    private let path: String
    private var addresses: [String: [IPAddress]] = [:]
    private var version: Version?

    /// What changes when a file is written or replaced.
    private struct Version: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    init(path: String) {
        self.path = path
    }

    /// The addresses that the file gives to `name`, in its order. A file that cannot be read counts as empty.
    ///
    /// The name `localhost` and all below it are this machine even if the file does not say so (RFC 6761, section 6.3).
    mutating func addresses(of name: String) -> [IPAddress] {
        refresh()
        let name = name.lowercased()
        if let written = addresses[name] { return written }
        guard name == "localhost" || name.hasSuffix(".localhost") else { return [] }
        return [.v4(0x7F00_0001), .v6(high: 0, low: 1)]
    }

    private mutating func refresh() {
        let newest = Self.version(of: path)
        guard newest != version else { return }
        version = newest
        addresses = newest == nil ? [:] : Self.parse(Self.read(path))
    }

    /// The addresses of each name in the text of a hosts file. Lines that hold no address are skipped.
    static func parse(_ text: [UInt8]) -> [String: [IPAddress]] {
        var addresses: [String: [IPAddress]] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.prefix { $0 != UInt8(ascii: "#") }.split { $0 == 0x20 || (0x09...0x0D).contains($0) }
            guard let first = fields.first, fields.count > 1,
                let address = IPAddress(String(decoding: first, as: UTF8.self))?.unmapped
            else { continue }
            for field in fields.dropFirst() {
                let name = String(decoding: field, as: UTF8.self).lowercased()
                if addresses[name]?.contains(address) != true { addresses[name, default: []].append(address) }
            }
        }
        return addresses
    }

    private static func version(of path: String) -> Version? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Version(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private static func read(_ path: String) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < Self.maximumBytes {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: piece.prefix(count))
        }
        return bytes
    }
}
