import ArgumentParser
import Outbox
import OutboxStore
import Postgres
import Settings
import Telemetry

struct ApplyCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make the endpoints as a file says: add, change and, if asked, remove.",
        discussion: """
            Shows what it does, and does it in one transaction: all or nothing. A setting that the file leaves out has its \
            default; headers and secrets, which may not be in the file, stay as they are. A new endpoint gets a new signing \
            secret, which is shown once, or the one that the file names: secret: {env: NAME} or {file: PATH}. With --prune \
            endpoints that are not in the file are removed, if they are of a tenant that is in the file. \
            postrider endpoint export prints such a file.

            Example:
              postrider apply -f endpoints.yaml --dry-run
            """)

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp("The file, in YAML or JSON; - for standard input.", valueName: "path"), completion: .file())
    var file: String

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Remove endpoints that are not in the file, of the tenants that are.")
    var prune = false

    @OptionGroup var confirmation: ConfirmationOptions

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let name = file == "-" ? "standard input" : file
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        let outside = OutsideTexts(environment: context.environment, folder: folder)
        do {
            let entries = try EndpointFile(outside: outside, policy: EndpointPolicy(configuration))
                .entries(try content(in: context))
            let change = EndpointChange(entries: entries, prunes: prune, configuration: configuration, outside: outside)
            let plan = try await context.withDatabase(progress: Progress("comparing endpoints")) {
                try await change.plan(on: $0)
            }
            // Before anything is made, and by a dry run too: a secret that is not there is a fault of the file.
            let secrets = try change.secrets(for: plan, in: context)
            guard !dryRun, !plan.isEmpty else { return try PlanReport(plan, isDone: false).show(on: output) }
            try confirm(plan, output, context)
            let progress = Progress("waiting for the database")
            try await context.withDatabase(progress: progress) {
                try await change.make(plan, secrets, in: context, on: $0, progress)
            }
            defer { for (endpoint, secret) in secrets { secret.tellIfUnseen(of: endpoint.name, in: context) } }
            try PlanReport(plan, isDone: true, secrets: secrets).show(on: output)
        } catch let fault as FileFault {
            throw fault.error(in: name)
        }
    }

    private func content(in context: CommandContext) throws -> [UInt8] {
        guard file != "-" else { return try context.input(limit: YAMLValue.sizeLimit) }
        do {
            return try BoundedFile(path: file, limit: YAMLValue.sizeLimit).bytes
        } catch {
            throw FileFault("it \(error.reason)")
        }
    }

    /// What is removed cannot be brought back.
    private func confirm(_ plan: EndpointPlan, _ output: Output, _ context: CommandContext) throws {
        guard plan.removals > 0 else { return }
        guard confirmation.yes || context.inputIsTerminal && file != "-" else {
            throw CommandError(
                .usage, "this removes endpoints, which cannot be undone: without a terminal to ask on, give --yes")
        }
        if !confirmation.yes, !output.isJSON { PlanReport(plan, isDone: false).showChanges(on: output) }
        try Confirmation(confirmation, output, in: context).ask(
            "Remove \(Plural.of("endpoint", plan.removals)), and cancel what is owed to them?")
    }
}
