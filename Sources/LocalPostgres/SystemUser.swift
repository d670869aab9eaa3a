internal import Foundation
internal import Glibc

/// The user under which the server runs: PostgreSQL refuses root, who therefore runs it as `postgres`.
enum SystemUser: Sendable {
    /// The user of this process.
    case own
    /// The user that the Debian package makes.
    case postgres(user: uid_t, group: gid_t)

    static func suitable() throws(LocalPostgresError) -> SystemUser {
        guard geteuid() == 0 else { return .own }
        guard let entry = getpwnam("postgres") else {
            throw LocalPostgresError(
                "PostgreSQL refuses to run as root, and there is no user \"postgres\" to run it as. "
                    + "On Debian: apt-get install postgresql")
        }
        return .postgres(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
    }

    /// Makes the user the owner of a file or directory.
    func own(_ path: String) throws(LocalPostgresError) {
        guard case .postgres(let user, let group) = self else { return }
        guard chown(path, user, group) == 0 else {
            throw LocalPostgresError("Cannot give \(path) to the user postgres: \(String(cString: strerror(errno)))")
        }
    }

    /// The command, run as that user.
    func command(_ words: [String]) -> [String] {
        switch self {
        case .own: words
        case .postgres: ["runuser", "-u", "postgres", "--"] + words
        }
    }
}
