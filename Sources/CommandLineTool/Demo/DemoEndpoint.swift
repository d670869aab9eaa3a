import FoundationEssentials
import Settings
import Synchronization
import Webhooks
import Worker

/// A receiver of the demo. It verifies each request, keeps it, and answers as its behaviour says.
final class DemoEndpoint: Sendable {
    /// How it answers requests whose signature is valid.
    enum Behaviour: Sendable {
        /// Always with 200.
        case accepts
        /// The first two attempts of each event with 503, then with 200.
        case failsTwice
        /// With 500 until it is fixed.
        case isBroken
    }

    /// A request that came.
    struct Receipt: Sendable {
        let request: ReceivedRequest
        /// The status code of the answer.
        let status: Int

        var webhookID: String? { request.headers["webhook-id"] }
        var isVerified: Bool { request.verification == .verified }

        /// The order that the payload names.
        var order: Int? {
            struct Body: Decodable {
                struct Payload: Decodable {
                    let order: Int
                }
                let data: Payload
            }
            return (try? JSONDecoder().decode(Body.self, from: Data(request.body)))?.data.order
        }
    }

    let name: String
    /// The event types that it subscribes to.
    let pattern: String
    let secret: WebhookSecret
    private let behaviour: Behaviour
    private let state = Mutex((receipts: [Receipt](), isFixed: false))

    init(name: String, pattern: String, _ behaviour: Behaviour) throws(WebhookSecretError) {
        self.name = name
        self.pattern = pattern
        self.behaviour = behaviour
        // The system's generator is a cryptographic one.
        secret = try WebhookSecret(
            bytes: (0..<WebhookSecret.generatedByteCount).map { _ in .random(in: .min ... .max) })
    }

    var receipts: [Receipt] { state.withLock { $0.receipts } }
    /// Those that it answered with 200.
    var accepted: [Receipt] { receipts.filter { $0.status == 200 } }

    /// From now on it answers with 200.
    func fix() {
        state.withLock { $0.isFixed = true }
    }

    /// Receives until the task is cancelled.
    func run(
        now: @escaping @Sendable () -> Double, listening: @escaping @Sendable (ListenAddress) -> Void
    ) async throws {
        let receiver = Receiver(
            address: .loopback(port: 0), verifier: WebhookVerifier(secrets: [secret]), now: now, tell: { _ in },
            choose: { Reply(status: self.answer($0)) })
        try await receiver.run(listening: listening)
    }

    private func answer(_ request: ReceivedRequest) -> Int {
        state.withLock { state in
            let id = request.headers["webhook-id"]
            let earlier = state.receipts.count { $0.webhookID == id }
            let status = request.status == 200 ? status(earlier: earlier, isFixed: state.isFixed) : request.status
            state.receipts.append(Receipt(request: request, status: status))
            return status
        }
    }

    private func status(earlier: Int, isFixed: Bool) -> Int {
        switch behaviour {
        case .accepts: 200
        case .failsTwice: earlier < 2 ? 503 : 200
        case .isBroken: isFixed ? 200 : 500
        }
    }
}
