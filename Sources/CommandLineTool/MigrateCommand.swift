import ArgumentParser
import OutboxStore

struct MigrateCommand: ContextCommand {
    private struct Report: Encodable {
        struct Step: Encodable {
            let version: Int32
            let name: String
        }

        let applied: [Step]
        let putBack: [String]
        let version: Int32
    }

    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create or update the schema; safe to run again, and from several machines at once.",
        discussion: """
            The role that runs this owns the schema. The roles postrider_producer, postrider_worker, \
            postrider_operator, postrider_registrar and postrider_transform are created unless they exist.

            Example:
              postrider migrate
            """)

    @Flag(name: .customLong("print-sql"), help: "Print the SQL instead of running it; needs no database.")
    var printSQL = false

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        guard !printSQL else { return context.writeOutput(Migrator.script) }
        let output = Output(options, in: context)
        let (applied, putBack) = try await context.withDatabase { connection in
            let migrator = Migrator(connection)
            return (try await migrator.migrate(), try await migrator.putBackRows())
        }
        if output.isJSON {
            try output.json(
                Report(
                    applied: applied.map { .init(version: $0.version, name: $0.name) }, putBack: putBack,
                    version: Migration.newest))
        } else if applied.isEmpty, putBack.isEmpty {
            output.line("The schema is already at version \(Migration.newest); there is nothing to do.")
        } else {
            for migration in applied { output.line("applied \(migration.version) \(migration.name)") }
            for row in putBack { output.line("put back: \(row)") }
            output.line("The schema is at version \(Migration.newest).")
        }
    }
}
