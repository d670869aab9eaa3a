import Foundation
import LocalPostgres
import TestSupport

/// Debian's psql, which ends after 30 seconds at the latest.
enum PSQL {
    static func run(
        _ script: String, at url: String, options: [String] = []
    ) async throws -> (status: Int32?, output: String) {
        try await TemporaryFolder.with { folder in
            let file = folder.appending(path: "script.sql")
            try Data(script.utf8).write(to: file)
            let words = ["timeout", "30", "psql", "-X", "-q", "-d", url] + options + ["-f", file.path]
            let ending = try await Program(words, in: folder.path).run()
            return (ending.status, ending.output)
        }
    }
}
