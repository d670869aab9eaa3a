import FoundationEssentials
package import Settings
package import Telemetry
import Worker

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a command gets from its process. Tests make their own.
package struct CommandContext: Sendable {
    package var environment: [String: String]
    /// What `--database-url` says; it may hold a password.
    var databaseURL: Redacted<String>?
    package var writeOutput: @Sendable (String) -> Void
    /// Writes what was collected for standard output, when a reader waits for it.
    package var flushOutput: @Sendable () -> Void = {}
    /// Why standard output could not be written whole; nil as long as it could.
    package var outputFailure: @Sendable () -> StreamFailure? = { nil }
    /// Whether standard output takes nothing more: also when its reader has ended and nothing was written since.
    package var isOutputBroken: @Sendable () -> Bool = { false }
    package var writeError: @Sendable (String) -> Void
    /// The columns of the terminal; nil when standard output is not one.
    package var terminalWidth: Int?
    /// The columns and rows that the terminal has now; nil when standard output is not one.
    var terminalSize: @Sendable () -> TerminalSize? = { nil }
    /// Single keys of the terminal, as they are struck; ends at once where there is none.
    var keys: @Sendable () -> AsyncStream<UInt8> = { AsyncStream { $0.finish() } }
    /// Whether colours may be used on standard output: on a terminal that has them, unless NO_COLOR is set
    /// (https://no-color.org).
    package var isColoured = false
    /// Whether standard error is a terminal.
    package var errorIsTerminal: Bool
    /// The time in seconds since 1970.
    package var now: @Sendable () -> Double
    /// Reads standard input to its end, or one byte more than the limit.
    package var readStandardInput: @Sendable (_ limit: Int) throws(StreamFailure) -> [UInt8] = { _ in [] }
    /// Reads one line of standard input, for an answer to a question; nil at its end.
    package var readAnswer: @Sendable () -> String? = { nil }
    /// Whether standard input is a terminal, so that a person can be asked.
    package var inputIsTerminal = false
    /// Fresh random bytes of a cryptographic source.
    package var randomBytes: @Sendable (_ count: Int) -> [UInt8] = Self.systemRandomBytes

    package init(
        environment: [String: String], writeOutput: @escaping @Sendable (String) -> Void,
        writeError: @escaping @Sendable (String) -> Void, terminalWidth: Int? = nil, errorIsTerminal: Bool = false,
        now: @escaping @Sendable () -> Double
    ) {
        self.environment = environment
        self.writeOutput = writeOutput
        self.writeError = writeError
        self.terminalWidth = terminalWidth
        self.errorIsTerminal = errorIsTerminal
        self.now = now
    }

    /// The settings, from the environment and the file that it names. Every command reads the same ones.
    package func configuration() throws(ConfigurationError) -> WorkerConfiguration {
        try WorkerConfiguration(reading: ConfigurationSources(environment: environment))
    }

    /// Standard input to its end, or one byte more than the limit. What was read in part is not used.
    func input(limit: Int) throws(CommandError) -> [UInt8] {
        do {
            return try readStandardInput(limit)
        } catch {
            throw CommandError(.failure, "standard input could not be read to its end: \(error)")
        }
    }

    /// Where the loggers of a command write.
    package func makeLogSink(_ configuration: WorkerConfiguration) -> LogSink {
        LogSink(format: configuration.logFormat ?? (errorIsTerminal ? .text : .json), writer: LogWriter())
    }
}

extension CommandContext {
    package static func live() -> Self {
        let output = StandardOutput()
        var context = Self(
            environment: ProcessInfo.processInfo.environment,
            writeOutput: { output.write($0) },
            writeError: { text in
                // Both may go to one file, and stay in order there.
                output.flush()
                // There is no other place that could say why this one failed.
                _ = StandardStreams.write(text, to: STDERR_FILENO)
            },
            terminalWidth: TerminalSize.of(STDOUT_FILENO)?.columns,
            errorIsTerminal: isatty(STDERR_FILENO) == 1,
            now: { Date().timeIntervalSince1970 })
        context.isColoured =
            isatty(STDOUT_FILENO) == 1 && context.environment["NO_COLOR", default: ""].isEmpty
            && context.environment["TERM", default: "dumb"] != "dumb"
        context.terminalSize = { TerminalSize.of(STDOUT_FILENO) }
        context.keys = { isatty(STDOUT_FILENO) == 1 ? Keyboard.keys() : AsyncStream { $0.finish() } }
        context.flushOutput = { output.flush() }
        context.outputFailure = { output.failure }
        context.isOutputBroken = { output.isBroken }
        context.readStandardInput = { limit throws(StreamFailure) in
            try StandardStreams.read(STDIN_FILENO, limit: limit)
        }
        context.readAnswer = { readLine() }
        context.inputIsTerminal = isatty(STDIN_FILENO) == 1
        return context
    }

    static func systemRandomBytes(_ count: Int) -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &source) }
    }
}
