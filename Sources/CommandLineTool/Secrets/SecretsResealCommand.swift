import ArgumentParser
import OutboxStore
import Postgres
import Settings

struct SecretsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "What is sealed at rest: seal it again.",
        discussion: """
            Example:
              postrider secrets reseal
            """,
        subcommands: [SecretsResealCommand.self])
}

struct SecretsResealCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "reseal",
        abstract: "Seal everything with the newest key of the key file.",
        discussion: """
            Signing secrets, what auth holds, client keys, and the secrets of sources; those too that were stored before there was a \
            key file. First put the new key on top of the key file of every worker and server and restart them; afterwards the old \
            key can be taken out. It can be run again, and while workers send. The login needs the roles postrider_worker, and \
            postrider_receiver where there are sources, to read, and postrider_operator, to write.

            Example:
              postrider secrets reseal
            """)

    @OptionGroup var options: OutputOptions

    /// How many endpoints are sealed in one transaction. More keep their rows locked for longer.
    private static let slice: Int32 = 100

    private struct Report: Encodable {
        let key: String
        var resealed: Int64 = 0
        var endpoints: Int64 = 0
        var sources: Int64 = 0
        var unreadable: Int64 = 0
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        guard let sealing = try SigningSecret.sealing(try context.configuration()), let key = sealing.keyIDs.first
        else {
            throw CommandError(
                .configuration, "POSTRIDER_SECRET_KEY_FILE is not set: there is no key to seal with")
        }
        let report = try await context.withDatabase { connection in
            var report = Report(key: key)
            var last: Int32 = 0
            while true {
                let endpoints = try await connection.rows(SealedTexts.next(after: last, limit: Self.slice))
                guard let end = endpoints.last else { break }
                last = end.id
                let resealing = endpoints.map { Resealing(of: $0, sealing) }
                report.unreadable += Int64(resealing.reduce(0) { $0 + $1.unreadable })
                let changes = resealing.flatMap(\.changes)
                guard !changes.isEmpty else { continue }
                report.endpoints += Int64(resealing.count { !$0.changes.isEmpty })
                report.resealed += Int64(try await connection.rows(SealedTexts.replace(changes)).first ?? 0)
            }
            try await resealSources(connection, sealing, &report)
            return report
        }
        if output.isJSON {
            try output.json(report)
        } else {
            output.line(
                "Sealed \(Plural.of("secret", report.resealed)) of \(Plural.of("endpoint", report.endpoints))"
                    + (report.sources > 0 ? " and \(Plural.of("source", report.sources))" : "") + " with key \(key)."
            )
            if report.unreadable > 0 {
                output.line(
                    "\(Plural.of("secret", report.unreadable)) could not be opened with the keys of the key file.")
            }
        }
        guard report.unreadable == 0 else { throw Unsuccessful() }
    }

    /// There are few of them, so they are sealed in one transaction.
    private func resealSources(
        _ connection: PostgresConnection, _ sealing: SecretSealing, _ report: inout Report
    ) async throws {
        guard try await connection.rows(SealedTexts.hasSources).first == true else { return }
        let resealing = try await connection.rows(SealedTexts.sources).map { SourceResealing(of: $0, sealing) }
        report.unreadable += Int64(resealing.reduce(0) { $0 + $1.unreadable })
        report.sources = Int64(resealing.count { !$0.changes.isEmpty })
        let changes = resealing.flatMap(\.changes)
        guard !changes.isEmpty else { return }
        report.resealed += Int64(try await connection.rows(SealedTexts.replace(changes)).first ?? 0)
    }
}
