import ArgumentParser
import Courier
import Outbox
import OutboxStore
import Postgres
import Settings
import Worker

struct EndpointTestCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send a signed event to an endpoint now, from this machine.",
        discussion: """
            It is a postrider.ping, or what --event-type and --payload say, in the endpoint's payload format and whether \
            the endpoint subscribes to it or not. Nothing is stored. The exit code is 0 if the answer is 2xx, and 1 otherwise. The login needs the role \
            postrider_worker, because the command reads the signing secret.

            Example:
              postrider endpoint test billing --event-type order.paid --payload '{"n": 1}'
            """)

    @OptionGroup var endpoint: EndpointArgument

    @Option(help: ArgumentHelp("The event type; by default postrider.ping.", valueName: "type"))
    var eventType: String?

    @Option(help: ArgumentHelp("The payload, in JSON; - reads it from standard input.", valueName: "json"))
    var payload: String?

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let content = try PingContent(eventType: eventType, payload: payload, in: context)
        let sealing = try SigningSecret.sealing(configuration)
        let name = endpoint.name
        let reference = try endpoint.reference()
        guard let stored = try await stored(reference, context) else { throw CommandError.unknownEndpoint(reference) }
        let policy = EndpointPolicy(configuration)
        let judge = EndpointJudge(policy: policy, sealing: sealing, version: PostriderVersion.current)
        let report: PingReport
        do {
            let settings = try judge.settings(stored)
            let token = try await Self.token(settings, configuration)
            let ping = try PingRequest(
                content, to: name, settings, token: token.text, now: context.now(), randomBytes: context.randomBytes(8))
            let result =
                if let refusal = token.refusal {
                    CourierResult(request: ping, startedAt: .now, outcome: refusal)
                } else { try await Self.send(ping, policy.addresses, through: configuration.proxy) }
            report = PingReport(endpoint: name, ping, result)
        } catch let obstacle as SendingObstacle {
            report = try PingReport(endpoint: stored, obstacle)
        }
        if output.isJSON { try output.json(report) } else { report.show(on: output) }
        guard report.ok else { throw Unsuccessful() }
    }

    /// The endpoint with its signing secrets. An operator is told who may read them.
    private func stored(_ endpoint: EndpointReference, _ context: CommandContext) async throws -> EndpointRecord? {
        do {
            return try await context.withDatabase { try await EndpointRecord.read(endpoint, from: $0) }
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            throw CommandError(
                DatabaseFailure.status(error),
                "this login may not read the signing secret, so it cannot send a signed ping: use the login of a worker, which "
                    + "has the role postrider_worker. How real events fare: postrider event list --endpoint \(ShellWord(endpoint.name))"
            )
        }
    }

    /// The token of OAuth 2, where the endpoint wants one, or why there is none.
    private static func token(
        _ settings: SendingSettings, _ configuration: WorkerConfiguration
    ) async throws -> (text: String?, refusal: CourierOutcome?) {
        guard let request = settings.tokenRequest() else { return (nil, nil) }
        let result = try await send(
            request, AddressPolicy(allowed: configuration.allowedNetworks), through: configuration.proxy)
        return switch TokenAnswer(result.outcome) {
        case .token(let text, _): (text, nil)
        case .refused(let why): (nil, .failed(.tokenFailure, detail: why))
        case .proxyFailed(let why): (nil, .failed(.proxyError, detail: why))
        case .notAsked: (nil, .failed(.tokenFailure, detail: "the token server was not asked"))
        }
    }

    /// Sends it through its own pool. The endpoint's timeout limits how long this takes.
    static func send(
        _ request: any CourierRequest, _ addresses: AddressPolicy, through proxy: EgressProxy?
    ) async throws -> CourierResult {
        let (results, arrived) = AsyncStream.makeStream(of: CourierResult.self)
        var configuration = CourierConfiguration()
        configuration.couriers = 1
        configuration.maximumInFlight = 1
        configuration.proxy = proxy
        let judge = DialJudge(addresses)
        let pool = try CourierPool(configuration: configuration, judge: judge.allows) { batch in
            for result in batch { arrived.yield(result) }
        }
        pool.submit([request])
        var iterator = results.makeAsyncIterator()
        let result = await iterator.next()
        await pool.close()
        guard let result else { throw CommandError(.failure, "the request was interrupted") }
        return result
    }
}

extension EndpointRecord {
    /// An endpoint with its signing secrets, which only the role `postrider_worker` may read; nil when there is none.
    static func read(_ endpoint: EndpointReference, from connection: PostgresConnection) async throws -> EndpointRecord?
    {
        let ids = try await connection.rows(Endpoints.find(endpoint))
        guard ids.count <= 1 else { throw CommandError.ambiguousEndpoint(endpoint) }
        return try await connection.rows(LoadEndpoints(ids: ids)).first
    }
}
