internal import Foundation

/// Where the programs of a PostgreSQL server are installed.
struct PostgresBinaries: Sendable, Equatable {
    /// The directory that holds `initdb`, `pg_ctl` and `postgres`.
    let directory: String

    func path(_ program: String) -> String { "\(directory)/\(program)" }

    /// Looks through `PATH`, then through Debian's directories, the newest version first.
    static func find() throws(LocalPostgresError) -> PostgresBinaries {
        try find(path: ProcessInfo.processInfo.environment["PATH"] ?? "", debianRoot: "/usr/lib/postgresql")
    }

    static func find(path: String, debianRoot: String) throws(LocalPostgresError) -> PostgresBinaries {
        let files = FileManager.default
        let versions = ((try? files.contentsOfDirectory(atPath: debianRoot)) ?? [])
        let candidates =
            path.split(separator: ":").map(String.init) + newestFirst(versions).map { "\(debianRoot)/\($0)/bin" }
        let found = candidates.first { directory in
            programs.allSatisfy { files.isExecutableFile(atPath: "\(directory)/\($0)") }
        }
        guard let found else {
            throw LocalPostgresError(
                "No PostgreSQL server is installed here (looked for initdb, pg_ctl and postgres in PATH and in "
                    + "\(debianRoot)/*/bin). On Debian: apt-get install postgresql")
        }
        return PostgresBinaries(directory: found)
    }

    /// Versions as numbers: 9.6 comes before 15.
    static func newestFirst(_ versions: [String]) -> [String] {
        versions.sorted { $0.compare($1, options: .numeric) == .orderedDescending }
    }

    private static let programs = ["initdb", "pg_ctl", "postgres"]
}
