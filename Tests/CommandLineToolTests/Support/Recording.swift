import Synchronization

@testable import CommandLineTool

/// What a command wrote, in place of a terminal.
final class Recording: Sendable {
    private let texts = Mutex((output: "", error: ""))

    var output: String { texts.withLock { $0.output } }
    var error: String { texts.withLock { $0.error } }

    func context(
        environment: [String: String] = [:], width: Int? = nil, input: String = "",
        now: @escaping @Sendable () -> Double = { 1_732_060_800 }
    ) -> CommandContext {
        var context = CommandContext(
            environment: environment,
            writeOutput: { text in self.texts.withLock { $0.output += text } },
            writeError: { text in self.texts.withLock { $0.error += text } },
            terminalWidth: width, now: now)
        context.readStandardInput = { Array(input.utf8.prefix($0 + 1)) }
        return context
    }
}
