import Courier
import Outbox
import Synchronization

/// Between the claimer and the couriers: deliveries to endpoints with OAuth 2 get their token here.
///
/// A token is fetched once, by the same couriers and under the same rules for addresses, however many deliveries wait for it.
/// When it cannot be had, they fail with a code of their own, and the receiver has no part in it.
final class TokenDesk: Couriers {
    private typealias Shelf = TokenShelf<OutgoingDelivery>

    private let shelf = Mutex(Shelf())
    private let couriers: any RequestTaker

    init(_ couriers: any RequestTaker) {
        self.couriers = couriers
    }

    var queued: Int { couriers.queued }

    /// Those that wait for a token end with its request.
    func cancelAll() { couriers.cancelAll() }

    func submit(_ batch: [OutgoingDelivery]) {
        guard batch.contains(where: \.needsToken) else { return couriers.submit(batch as [any CourierRequest]) }
        var requests: [any CourierRequest] = []
        for delivery in batch {
            guard let source = delivery.tokenSource else {
                requests.append(delivery)
                continue
            }
            let key = Shelf.Key(endpoint: delivery.endpoint.id, client: source.client)
            let now = ContinuousClock.now
            switch shelf.withLock({ $0.take(delivery, key, now: now) }) {
            case .send(let token): requests.append(delivery.with(self.token(token, key)))
            case .fetch: requests.append(request(source, key, now))
            case .wait: break
            }
        }
        couriers.submit(requests)
    }

    /// When a receiver does not take it, another one is fetched for the next attempt.
    private func token(_ text: String, _ key: Shelf.Key) -> DeliveryToken {
        DeliveryToken(text: text) { [self] in shelf.withLock { $0.refused(text, key) } }
    }

    private func request(
        _ source: TokenSource, _ key: Shelf.Key, _ now: ContinuousClock.Instant
    ) -> TokenRequest {
        TokenRequest(source, now: now) { [self] result in ended(result, key, askedAt: now) }
    }

    private func ended(
        _ result: CourierResult, _ key: Shelf.Key, askedAt: ContinuousClock.Instant
    ) -> [CourierResult] {
        let answer = TokenAnswer(result.outcome)
        let waiting = shelf.withLock { $0.answered(answer, key, askedAt: askedAt) }
        func all(_ outcome: CourierOutcome) -> [CourierResult] {
            waiting.map { delivery in
                CourierResult(
                    request: delivery, startedAt: result.startedAt, outcome: outcome,
                    blockedAddress: result.blockedAddress)
            }
        }
        switch answer {
        case .token(let text, _):
            let token = token(text, key)
            couriers.submit(waiting.map { $0.with(token) })
            return []
        case .refused(let why): return all(.failed(.tokenFailure, detail: why))
        case .proxyFailed(let why): return all(.failed(.proxyError, detail: why))
        case .notAsked: return all(.notSent(.cancelled))
        }
    }
}

/// What the desk asks of the couriers.
protocol RequestTaker: Sendable {
    func submit(_ batch: [any CourierRequest])
    var queued: Int { get }
    func cancelAll()
}

extension CourierPool: RequestTaker {}
