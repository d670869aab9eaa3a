import Foundation

/// The executable under test, and how it is started: with an environment of its own, so that nothing leaks in.
struct Executable: Sendable {
    /// How a command ended.
    struct Ending: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    let url: URL
    /// Where the files of this test go.
    let folder: URL

    /// The one that `POSTRIDER_BIN` names, or else the newest build beside the sources.
    init(folder: URL) throws {
        self.folder = folder
        let root = Self.root
        let builds = [".build/release/postrider", ".build/debug/postrider"].map { root.appending(path: $0) }
        let given = ProcessInfo.processInfo.environment["POSTRIDER_BIN"].map { URL(filePath: $0) }
        let found = (given.map { [$0] } ?? builds).first { FileManager.default.isExecutableFile(atPath: $0.path) }
        guard let found else {
            throw TimedOut(description: "there is no executable to test: build it, or name it in POSTRIDER_BIN")
        }
        url = found
    }

    /// The directory of the package.
    static var root: URL {
        URL(filePath: #filePath).appending(path: "../../../..").standardized
    }

    /// What a program needs of our environment, and nothing else.
    static var cleanEnvironment: [String: String] {
        ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"].contains($0.key) }
    }

    /// Runs a command to its end.
    func run(
        _ arguments: [String], settings: [String: String], within limit: Duration = .seconds(30)
    ) async throws -> Ending {
        let name = "command-\(UUID().uuidString)"
        let output = folder.appending(path: "\(name).out")
        let program = try RunningProgram(
            url, arguments, environment: Self.cleanEnvironment.merging(settings) { $1 }, folder: folder, name: name,
            output: output)
        let status = try await program.status(within: limit)
        return Ending(status: status, output: try String(contentsOf: output, encoding: .utf8), errors: program.said)
    }

    /// Starts a command that goes on until it is told to stop.
    func start(_ arguments: [String], settings: [String: String], name: String) throws -> RunningProgram {
        try RunningProgram(
            url, arguments, environment: Self.cleanEnvironment.merging(settings) { $1 }, folder: folder, name: name)
    }
}
