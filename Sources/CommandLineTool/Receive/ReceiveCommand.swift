import ArgumentParser
import Outbox
import Settings
import Webhooks
import Worker

struct ReceiveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receive webhooks, verify their signatures and print them.",
        discussion: """
            Answers 200 to a POST with a valid signature, and 401 to one without. Without --secret, signatures are not \
            checked. It tells the scheme that the headers speak of, as source add --scheme names it. --answer says something else: a status for each request to come, ok for the usual answer, and the \
            last one repeats. --forward-to passes on what would be answered with 200, and answers what comes back: \
            the status, Retry-After, Location, and the beginning of the body. It ends when its output can no longer be \
            written.

            Example:
              postrider receive --answer 500,500,ok --delay 2s
            """)

    @Option(
        help: "The address to listen on, as HOST:PORT; port 0 takes any free port.", transform: ListenAddress.option)
    var listen = ListenAddress.loopback(port: 8081)

    @Option(help: "A secret to verify signatures with (whsec_…); repeat the option while a secret is being rotated.")
    var secret: [String] = []

    @Option(
        help: ArgumentHelp("Statuses and ok, with commas between, such as 500,ok.", valueName: "answers"),
        transform: AnswerPlan.init)
    var answer: AnswerPlan?

    @Option(
        help: ArgumentHelp("How long each answer waits, at most 10m.", valueName: "duration"),
        transform: Parsing.duration)
    var delay = Duration.zero

    @Option(
        help: ArgumentHelp("Pass requests on to this URL, as they came.", valueName: "url"), transform: Self.url)
    var forwardTo: EndpointURL?

    @OptionGroup var options: OutputOptions

    /// Longer than the longest timeout of an endpoint, so that one can be tried.
    private static let longestDelay = Duration.seconds(600)

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let delay = try Bounded.check(delay, of: "--delay", in: .zero...Self.longestDelay, DurationText.format)
        let responder = Responder(plan: answer, forwarder: try forwardTo.map { try Forwarder(to: $0) })
        let secrets = try secret.map { try WebhookSecret($0) }
        let (broken, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        var receiver = Receiver(
            address: listen, verifier: secrets.isEmpty ? nil : WebhookVerifier(secrets: secrets), now: context.now
        ) { request in
            if output.isJSON {
                // Encoding text and numbers cannot fail. If it did, one line would be missing.
                try? output.json(request.json)
            } else {
                context.writeOutput(request.text + "\n")
            }
            context.flushOutput()
            if context.isOutputBroken() { end.finish() }
        }
        receiver.choose = { await responder.reply(to: $0) }
        receiver.delay = delay
        try await withThrowingTaskGroup(of: Void.self) { [receiver] group in
            defer { group.cancelAll() }
            group.addTask {
                try await receiver.run { address in
                    output.remark("Listening on http://\(address). Press Ctrl-C to stop.")
                }
            }
            // A receiver whose requests no one sees would answer 200 for nothing.
            group.addTask { for await _ in broken {} }
            try await group.next()
        }
    }

    private static func url(_ text: String) throws -> EndpointURL {
        do { return try EndpointURL(text) } catch { throw ValidationError(error.message) }
    }
}
