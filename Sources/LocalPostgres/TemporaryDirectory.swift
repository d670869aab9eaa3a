internal import Foundation
internal import Glibc

/// A fresh directory that only its owner can enter.
enum TemporaryDirectory {
    /// The path of a Unix socket has room for 107 bytes; the name of PostgreSQL's takes about twenty.
    private static let maximumLength = 80

    static func make() throws(LocalPostgresError) -> String {
        let wanted = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let parent = wanted.hasPrefix("/") && wanted.utf8.count <= maximumLength - 32 ? wanted : "/tmp"
        var template = Array("\(parent)/throw-away-postgres-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw LocalPostgresError("Cannot make a directory in \(parent): \(String(cString: strerror(errno)))")
        }
        return template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? parent }
    }
}
