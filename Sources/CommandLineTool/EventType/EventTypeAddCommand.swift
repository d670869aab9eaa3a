import ArgumentParser
import Outbox
import OutboxStore
import Settings

struct EventTypeAddCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Describe an event type, or describe it better.",
        discussion: """
            What is not given stays as it is. The schema is a JSON Schema of draft 2020-12 for the payload: postrider event \
            publish refuses a payload that does not fit. Programs that insert into postrider.outbox are not checked. An example \
            has to fit the schema.

            Example:
              postrider event-type add order.paid --schema order-paid.schema.json
            """)

    @Argument(help: "The event type, such as order.paid.")
    var type: String

    @Option(help: ArgumentHelp("What it means, for people.", valueName: "text"))
    var description: String?

    @Option(help: ArgumentHelp("A file with a JSON Schema of the payload.", valueName: "file"), completion: .file())
    var schema: String?

    @Option(help: ArgumentHelp("A file with a payload as an example.", valueName: "file"), completion: .file())
    var example: String?

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let eventType: String
        let hasSchema: Bool
        let hasExample: Bool
    }

    /// The longest description, in bytes.
    private static let longestDescription = 4096

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let type = try EventType(type).text
        guard (description?.utf8.count ?? 0) <= Self.longestDescription else {
            throw CommandError(.badData, "--description must be at most \(Self.longestDescription) bytes")
        }
        let schema = try schema.map { try Self.file($0, of: "--schema") }
        let example = try example.map { try Self.file($0, of: "--example") }
        let known = try await context.withDatabase { connection in
            let before = try await connection.rows(Catalogue.find(type)).first
            try Self.check(schema: schema ?? before?.schema, example: example ?? before?.example)
            _ = try await connection.rows(
                Catalogue.describe(type, description: description, schema: schema, example: example))
            return try await connection.rows(Catalogue.find(type)).first
        }
        let report = Report(
            eventType: type, hasSchema: known?.schema != nil, hasExample: known?.example != nil)
        guard !output.isJSON else { return try output.json(report) }
        output.line(
            "Described \(type)" + (report.hasSchema ? ", with a schema" : "")
                + (report.hasExample ? ", with an example." : "."))
    }

    private static func file(_ path: String, of option: String) throws(CommandError) -> [UInt8] {
        do throws(BoundedFile.Failure) {
            return try BoundedFile(path: path, limit: Limits.payloadBytes).bytes
        } catch {
            throw CommandError(.badData, "\(option): \(path.prefix(500)) \(error.reason)")
        }
    }

    private static func check(schema: [UInt8]?, example: [UInt8]?) throws(CommandError) {
        do throws(SchemaError) {
            let schema = try schema.map { (text) throws(SchemaError) in try JSONSchema(parsing: text) }
            if let example { try PayloadCheck.run(example, against: schema, what: "the example") }
        } catch {
            throw CommandError(.badData, "\(error)")
        }
    }
}
