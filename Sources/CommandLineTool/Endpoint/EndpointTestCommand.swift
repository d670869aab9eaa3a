import ArgumentParser
import Courier
import Outbox
import OutboxStore

/// `postrider endpoint test`: sends a ping right now.
struct EndpointTestCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send a signed postrider.ping to an endpoint right now, from here.",
        discussion: """
            Nothing is stored. Exits with 0 if the answer is 2xx, otherwise with 1. The login needs the role \
            postrider_worker, since the signing secret is read.

            Example:
              postrider endpoint test billing
            """)

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let configuration = try context.configuration()
        let sealing = try SigningSecret.sealing(configuration)
        let stored = try await context.withDatabase { connection in
            try await connection.rows(LoadEndpoints(ids: try await connection.rows(Endpoints.find(name)))).first
        }
        guard let stored else { throw CommandError.unknownEndpoint(name) }
        let policy = EndpointPolicy(configuration)
        let probe = EndpointProbe(
            policy: policy, sealing: sealing, now: context.now(), randomBytes: context.randomBytes)
        let report: PingReport
        do {
            let ping = try probe.ping(stored)
            report = PingReport(endpoint: name, ping, try await Self.send(ping, policy.addresses))
        } catch let refusal as EndpointRefusal {
            report = PingReport(endpoint: stored, forbidden: refusal, .blockedAddress)
        } catch let error as EndpointURLError {
            report = PingReport(endpoint: stored, forbidden: error, .invalidURL)
        }
        if output.isJSON { try output.json(report) } else { report.show(on: output) }
        guard report.ok else { throw Unsuccessful() }
    }

    /// Sends it through a pool of its own; the endpoint's timeout ends it at the latest.
    private static func send(_ ping: PingRequest, _ addresses: AddressPolicy) async throws -> CourierResult {
        let (results, arrived) = AsyncStream.makeStream(of: CourierResult.self)
        var configuration = CourierConfiguration()
        configuration.couriers = 1
        configuration.maximumInFlight = 1
        let pool = try CourierPool(configuration: configuration, judge: { addresses.verdict($0).isAllowed }) { batch in
            for result in batch { arrived.yield(result) }
        }
        pool.submit([ping])
        var iterator = results.makeAsyncIterator()
        let result = await iterator.next()
        await pool.close()
        guard let result else { throw CommandError(.failure, "the ping was interrupted") }
        return result
    }
}
