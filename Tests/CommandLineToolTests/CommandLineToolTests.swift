import ArgumentParser
import Settings
import Testing
import Worker

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) struct CommandLineToolTests {
    private let recording = Recording()

    private func run(_ arguments: String...) async -> CommandStatus {
        await CommandLineTool.run(arguments, in: recording.context())
    }

    @Test(arguments: [["--help"], ["help"], ["receive", "--help"], ["help", "receive"]])
    func helpIsAResult(arguments: [String]) async {
        let status = await CommandLineTool.run(arguments, in: recording.context())
        #expect(status == .done)
        #expect(recording.output.contains("USAGE: postrider "))
        #expect(recording.error.isEmpty)
    }

    @Test func versionIsAResult() async {
        #expect(await run("--version") == .done)
        #expect(recording.output == "postrider \(PostriderVersion.current)\n")
    }

    @Test(arguments: [
        ["bogus"], ["--bogus"], ["receive", "--listen"], ["receive", "--listen", "x"], ["receive", "extra"],
        ["receive", "--listen", "127.0.0.1:99999"], ["endpoint", "bogus"], ["event", "show"],
        ["dead-letter", "replay"], [], ["endpoint"], ["dead-letter"],
    ])
    func mistakesOfUsageExit64AndSayWhy(arguments: [String]) async {
        let status = await CommandLineTool.run(arguments, in: recording.context())
        #expect(status == .usage)
        #expect(status.rawValue == 64)
        #expect(recording.output.isEmpty)
        #expect(recording.error.hasPrefix("Error: ") || recording.error.hasPrefix("postrider: "))
    }

    @Test func hostileArgumentsAreEscaped() async {
        #expect(await run("receive", "--\u{1b}[31m\u{9b}x") == .usage)
        #expect(recording.error.hasPrefix("Error: Unknown option '--\\u{1b}[31m\\u{9b}x'\n"))
        #expect(!recording.error.unicodeScalars.contains("\u{1b}"))
    }

    @Test func secretIsNotRepeated() async {
        #expect(await run("receive", "--secret", "whsec_canary!") == .badData)
        #expect(!recording.error.contains("canary"))
    }

    @Test func addressThatCannotBeHadIsAPlainFailure() async {
        #expect(await run("receive", "--listen", "192.0.2.1:8081") == .failure)
        #expect(recording.error.hasPrefix("postrider: cannot listen on 192.0.2.1:8081"))
    }

    @Test func configurationIsReadFromTheContext() throws {
        let context = recording.context(environment: ["POSTRIDER_MAX_IN_FLIGHT": "3", "HOME": "/"])
        #expect(try context.configuration().maxInFlight == 3)
    }

    @Test(arguments: [
        ["status"], ["endpoint", "add", "x", "ftp://x"], ["receive", "--secret", "x"], ["migrate", "--print-sql"],
    ])
    func brokenSettingComesFirst(arguments: [String]) async {
        let context = recording.context(environment: ["POSTRIDER_MAX_IN_FLIGHT": "canary"])
        #expect(await CommandLineTool.run(arguments, in: context) == .configuration)
        #expect(recording.error.contains("POSTRIDER_MAX_IN_FLIGHT"))
        #expect(!recording.error.contains("canary"))
        #expect(recording.output.isEmpty)
    }

    @Test func statusesAreThoseOfSysexits() {
        #expect(CommandStatus.done.rawValue == 0)
        #expect(CommandStatus.failure.rawValue == 1)
        #expect(CommandStatus.badData.rawValue == 65)
        #expect(CommandStatus.databaseUnavailable.rawValue == 69)
        #expect(CommandStatus.configuration.rawValue == 78)
    }
}
