import ArgumentParser
import Outbox
import Postgres

struct DoctorCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check configuration, database, schema, roles, clocks, vacuum, partitions; say how to fix them.",
        discussion: """
            Changes nothing. Exits with 0 when no check failed; warnings do not count. Connects to the hosts of the \
            endpoints, under the same rules as deliveries, and sends nothing over these connections.

            Example:
              postrider doctor
            """)

    @Option(
        help: ArgumentHelp("A transaction that is open for longer is a failure.", valueName: "duration"),
        transform: Parsing.duration)
    var oldestTransaction = Duration.seconds(3600)

    @Flag(help: "Do not connect to the hosts of the endpoints.")
    var offline = false

    @OptionGroup var options: OutputOptions

    private static let indent = String(repeating: " ", count: 9)

    private struct Report: Encodable {
        let ok: Bool
        let failures: Int
        let warnings: Int
        let findings: [Finding]
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let snapshot: DoctorSnapshot
        do {
            snapshot = try await context.withDatabase {
                try await Examination(
                    context: context, configuration: configuration, oldestTransaction: oldestTransaction,
                    isOffline: offline
                ).snapshot($0)
            }
        } catch let error as PostgresError {
            // This is a finding too, and the exit code says more than 1.
            try show(
                [
                    .failure(
                        "database", error.description,
                        DatabaseFailure.remedy(error, context.databaseSource) ?? "see the server's log")
                ], output)
            throw error
        }
        let diagnosis = Diagnosis(snapshot)
        try show(diagnosis.findings, output)
        guard !diagnosis.hasFailures else { throw Unsuccessful() }
    }

    func show(_ findings: [Finding], _ output: Output) throws {
        let failures = findings.count { $0.level == .failure }
        let warnings = findings.count { $0.level == .warning }
        guard !output.isJSON else {
            return try output.json(
                Report(ok: failures == 0, failures: failures, warnings: warnings, findings: findings))
        }
        // What must be fixed comes last: that is where a person looks first.
        for finding in findings.filter({ $0.level == .ok }) + findings.filter({ $0.level == .warning })
            + findings.filter({ $0.level == .failure })
        {
            let level = finding.level.rawValue.padded(to: 9)
            for line in Folded.lines(
                "\(finding.check): \(finding.finding)", width: output.width, first: level, rest: Self.indent)
            {
                output.line(line, Tone(finding.level.rawValue))
            }
            // Not folded: it is there to be copied.
            if let remedy = finding.remedy { output.line("\(Self.indent)  → \(remedy)") }
        }
        let sum = "\(Plural.of("failure", failures)), \(Plural.of("warning", warnings)), "
        output.line(
            sum + "\(findings.count - failures - warnings) ok.",
            failures > 0 ? .bad : warnings > 0 ? .warning : .good)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
