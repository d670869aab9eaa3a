import ArgumentParser
import Settings
import Webhooks
import Worker

struct ReceiveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receive webhooks, verify their signatures and print them.",
        discussion: """
            Answers 200 to a POST with a valid signature, and 401 to one without. Without --secret, signatures are not \
            checked. It ends when its output can no longer be written.

            Example:
              postrider receive --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
            """)

    @Option(help: "The address to listen on, as HOST:PORT; port 0 takes any free port.", transform: Self.address)
    var listen = ListenAddress.loopback(port: 8081)

    @Option(help: "A secret to verify signatures with (whsec_…); repeat the option while a secret is being rotated.")
    var secret: [String] = []

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        let secrets = try secret.map { try WebhookSecret($0) }
        let (broken, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let receiver = Receiver(
            address: listen, verifier: secrets.isEmpty ? nil : WebhookVerifier(secrets: secrets), now: context.now
        ) { request in
            if output.isJSON {
                // Encoding text and numbers cannot fail. If it did, one line would be missing.
                try? output.json(request.json)
            } else {
                context.writeOutput(request.text + "\n")
            }
            context.flushOutput()
            if context.outputFailure() != nil { end.finish() }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
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

    private static func address(_ text: String) throws -> ListenAddress {
        guard let address = ListenAddress(text, allowingAnyPort: true) else {
            throw ValidationError("It must be HOST:PORT; the host is an IP address (IPv6 in brackets).")
        }
        return address
    }
}
