import ArgumentParser
import Settings
import Testing
import Worker

@testable import CommandLineTool

@Suite struct ErrorReportTests {
    private struct Unforeseen: Error, CustomStringConvertible {
        let description = "it broke\nbadly"
    }

    private func report(_ error: any Error) -> (CommandStatus, output: String, error: String) {
        let recording = Recording()
        let status = CommandLineTool.report(error, in: recording.context())
        return (status, recording.output, recording.error)
    }

    @Test func everyErrorGetsItsStatusAndOneLine() throws {
        let unknown = try #require(throws: ConfigurationError.self) {
            try ConfigurationSources(environment: ["POSTRIDER_LOGLEVEL": "info"])
        }
        #expect(
            report(unknown) == (
                .configuration, "",
                "postrider: POSTRIDER_LOGLEVEL is not a setting of Postrider; did you mean POSTRIDER_LOG_LEVEL? "
                    + "(set in the environment)\n"
            ))
        #expect(
            report(CommandError(.databaseUnavailable, "no\u{1b}[0m route")) == (
                .databaseUnavailable, "", "postrider: no\\u{1b}[0m route\n"
            ))
        #expect(report(CommandError(.badData, "x")).0 == .badData)
        #expect(report(Unforeseen()) == (.failure, "", "postrider: it broke\\nbadly\n"))
        #expect(report(ValidationError("x")).0 == .usage)
        #expect(report(CleanExit.message("bye")) == (.done, "bye\n", ""))
    }
}
