import ArgumentParser
import Courier
import FoundationEssentials
import Outbox
import OutboxStore
import Postgres
import Settings
import Worker

struct SourceTestCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send a request to a source, signed as its sender would, from this machine.",
        discussion: """
            It is received like any other: a row is stored, or an event published. --url names the server; by default it is \
            on this machine. The exit code is 0 if the answer is 2xx, and 1 otherwise. The login needs the role \
            postrider_receiver, because the command reads the secret.

            Example:
              postrider source test github --url http://127.0.0.1:8090/in/github
            """)

    @Argument(help: "The name of the source.", completion: .sourceName)
    var name: String

    @Option(help: "Where it is received; by default http://127.0.0.1:8090/in/NAME.")
    var url: String?

    @Option(help: ArgumentHelp("The body, in JSON; - reads it from standard input.", valueName: "json"))
    var payload: String?

    @OptionGroup var options: OutputOptions

    private struct Report: Encodable {
        let source: String
        let url: String
        /// Whether the answer was 2xx.
        let ok: Bool
        let httpStatus: Int?
        let errorCode: String?
        let error: String?
        let responseBody: String?
        /// Absent when nothing was sent.
        let totalMs: Double?

        init(_ ping: PingReport) {
            source = ping.endpoint
            url = ping.url
            ok = ping.ok
            httpStatus = ping.httpStatus
            errorCode = ping.errorCode
            error = ping.error
            responseBody = ping.responseBody
            totalMs = ping.timings?.totalMs
        }
    }

    /// What is sent unless a body is given: no two are the same, so each is stored.
    private struct Sample: Encodable {
        let id: String
        let type = "postrider.ping"
    }

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let random = context.randomBytes(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        let sample = try JSONEncoder().encode(Sample(id: "test_" + random.joined()))
        let content = try PingContent(
            eventType: nil, payload: payload ?? String(decoding: sample, as: UTF8.self), in: context)
        let secrets = try SourceSecrets(in: context)
        guard let proof = try await context.run(WebhookSources.proof(name)).first else {
            throw CommandError.unknownSource(name)
        }
        let secret = try proof.secrets.first.map { try secrets.opened($0, source: name, tenant: proof.tenant) }
        let sender = try SampleSender(
            source: name, scheme: proof.scheme, secret: secret, url: url ?? "http://127.0.0.1:8090/in/\(name)")
        let report = Report(try await send(content, sender.record, Self.policy(configuration), in: context))
        if output.isJSON { try output.json(report) } else { show(report, on: output) }
        guard report.ok else { throw Unsuccessful() }
    }

    private func send(
        _ content: PingContent, _ record: EndpointRecord, _ policy: EndpointPolicy, in context: CommandContext
    ) async throws -> PingReport {
        let judge = EndpointJudge(policy: policy, sealing: nil, version: PostriderVersion.current)
        do {
            let ping = try PingRequest(
                content, to: name, try judge.settings(record), token: nil, now: context.now(),
                randomBytes: context.randomBytes(8))
            return PingReport(
                endpoint: name, ping, try await EndpointTestCommand.send(ping, policy.addresses, through: nil))
        } catch let obstacle as SendingObstacle {
            return try PingReport(endpoint: record, obstacle)
        }
    }

    /// What endpoints may be, and this machine: the server is ours.
    private static func policy(_ configuration: WorkerConfiguration) throws -> EndpointPolicy {
        let own = [try Network("127.0.0.0/8"), try Network("::1/128")]
        return EndpointPolicy(
            allowHTTP: true, addresses: AddressPolicy(allowed: configuration.allowedNetworks + own))
    }

    private func show(_ report: Report, on output: Output) {
        let verdict = report.httpStatus.map { "\($0)" } ?? report.errorCode ?? "failed"
        let total = report.totalMs.map { "  \($0) ms" } ?? ""
        output.line(
            "\(report.ok ? "ok" : "failed")  \(report.source)  \(verdict)\(total)", report.ok ? .good : .bad)
        output.fields([
            ("URL", report.url), ("Error", report.error),
            ("Answer", report.responseBody.map { String($0.prefix(500)) }),
        ])
    }
}
