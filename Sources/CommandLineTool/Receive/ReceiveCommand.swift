import ArgumentParser
import Settings
import Webhooks
import Worker

/// `postrider receive`: an endpoint for trying things out.
struct ReceiveCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receive webhooks, verify their signatures and print them.",
        discussion: """
            Answers 200 to a POST that verifies and 401 to one that does not. Without --secret nothing is verified.

            Example:
              postrider receive --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
            """)

    @Option(help: "Where to listen, as HOST:PORT; port 0 takes any free one.", transform: Self.address)
    var listen = ListenAddress.loopback(port: 8081)

    @Option(help: "A secret to verify signatures with (whsec_…); repeat it while a secret is being rotated.")
    var secret: [String] = []

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let output = Output(options, in: context)
        var secrets: [WebhookSecret] = []
        for text in secret {
            secrets.append(try WebhookSecret(text))
        }
        let receiver = Receiver(
            address: listen, verifier: secrets.isEmpty ? nil : WebhookVerifier(secrets: secrets), now: context.now
        ) { request in
            if output.isJSON {
                // Encoding text and numbers cannot fail; a line less would be all there is to do about it.
                try? output.json(request.json)
            } else {
                context.writeOutput(request.text + "\n")
            }
        }
        try await receiver.run { address in
            output.remark("Listening on http://\(address). End with Ctrl-C.")
        }
    }

    private static func address(_ text: String) throws -> ListenAddress {
        guard let address = ListenAddress(text, allowingAnyPort: true) else {
            throw ValidationError("It must be HOST:PORT, the host an IP address (IPv6 in brackets).")
        }
        return address
    }
}
