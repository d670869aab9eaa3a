import Foundation
import TestSupport
import Testing

@testable import CommandLineTool

/// A command whose output does not arrive is not done, and says what was lost.
@Suite(.timeLimit(.minutes(1))) struct BrokenOutputTests {
    private let recording = Recording()

    private func run(_ arguments: [String], database: String = "postgresql:///none", failure code: Int32) async
        -> CommandStatus
    {
        var context = recording.context(
            environment: Installation.trusting.merging(["POSTRIDER_DATABASE_URL": database]) { $1 }, now: { 0 })
        context.outputFailure = { StreamFailure(code: code) }
        context.isOutputBroken = { true }
        return await CommandLineTool.run(arguments, in: context)
    }

    @Test(arguments: [
        ["--help"], ["--version"], ["migrate", "--print-sql"], ["--generate-completion-script", "bash"],
    ])
    func fullDiskIsAFailureThatIsNamed(arguments: [String]) async {
        #expect(await run(arguments, failure: ENOSPC) == .failure)
        #expect(recording.error == "postrider: the output could not be written whole: No space left on device\n")
    }

    @Test func readerThatHasEndedIsTold() async {
        #expect(await run(["--help"], failure: EPIPE) == .failure)
        #expect(recording.error.isEmpty)
    }

    /// `postrider status | head -n 1` under `pipefail`, when `head` ends before the command does.
    @Test func readerThatHadEverythingIsNoFailure() async {
        var context = recording.context(environment: [:], now: { 0 })
        context.isOutputBroken = { true }
        #expect(await CommandLineTool.run(["--version"], in: context) == .done)
    }

    @Test func otherFailuresKeepTheirStatus() async {
        #expect(await run(["bogus"], failure: ENOSPC) == .usage)
    }

    @Test func secretThatWasNotSeenCanBeReplaced() async throws {
        try await Installation.with { (installation) async throws in
            let add = ["endpoint", "add", "my endpoint", "http://127.0.0.1:9999/hook"]
            #expect(await run(add, database: installation.database.url, failure: ENOSPC) == .failure)
            #expect(
                recording.error.contains("postrider: endpoint my endpoint has a new signing secret, which could not be")
            )
            #expect(recording.error.contains("postrider endpoint rotate-secret 'my endpoint'\n"))
            #expect(!recording.error.contains("whsec_"))
            #expect(try await installation.sql("SELECT count(*) FROM postrider.endpoint_secrets") == "1")
        }
    }

    @Test func secretThatWasGivenIsNotLost() async throws {
        try await Installation.with { (installation) async throws in
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            let add = ["endpoint", "add", "a", "http://127.0.0.1:9999/hook", "--secret", secret]
            #expect(await run(add, database: installation.database.url, failure: EPIPE) == .failure)
            #expect(!recording.error.contains("rotate-secret"))
        }
    }

    @Test func watchEndsWithItsReader() async throws {
        try await Installation.with { (installation) async throws in
            let watch = ["status", "--watch", "--json", "--interval", "1h"]
            let status = await run(watch, database: installation.database.url, failure: EPIPE)
            #expect(status == .failure)
            #expect(recording.error.isEmpty)
        }
    }

    @Test func inputThatCannotBeReadPublishesNothing() async throws {
        try await Installation.with { (installation) async throws in
            var context = recording.context(
                environment: ["POSTRIDER_DATABASE_URL": installation.database.url], now: { 0 })
            context.readStandardInput = { _ throws(StreamFailure) in throw StreamFailure(code: EIO) }
            let status = await CommandLineTool.run(["event", "publish", "a.b", "-"], in: context)
            #expect(status == .failure)
            #expect(
                recording.error == "postrider: standard input could not be read to its end: Input/output error\n")
            #expect(try await installation.sql("SELECT count(*) FROM postrider.outbox") == "0")
        }
    }
}

@Suite struct ProcessArgumentsTests {
    @Test(arguments: [
        ("", []), ("postrider\0", ["postrider"]), ("postrider\0status\0--json\0", ["postrider", "status", "--json"]),
        ("postrider\0\0b\0", ["postrider", "", "b"]), ("postrider\0a\0\0", ["postrider", "a", ""]),
        ("cut off", ["cut off"]),
    ])
    func wordsEndWithAZeroByte(content: String, words: [String]) {
        #expect(ProcessArguments.parse(Array(content.utf8)) == words)
    }

    @Test func theseAreOurs() {
        #expect(ProcessArguments.current() == Array(CommandLine.arguments.dropFirst()))
    }
}
