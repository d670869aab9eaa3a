import CoreMetrics
import Courier
import Logging
import Outbox
import Synchronization
import Telemetry

/// Watches how the proxy does, by what comes of requests, and tells the loops how much may be claimed. Only where there is a proxy.
final class ProxyWatch: Sendable {
    private let pace = Mutex(ProxyPace())
    private let health: HealthState
    private let metrics: DeliveryMetrics
    private let log: Logger

    init(health: HealthState, metrics: DeliveryMetrics, log: Logger) {
        self.health = health
        self.metrics = metrics
        self.log = log
    }

    /// Takes in what came of a request.
    ///
    /// - Returns: how long the lane of its endpoint rests, where the proxy has failed.
    func saw(_ outcome: CourierOutcome, _ now: ContinuousClock.Instant) -> Duration? {
        switch outcome {
        case .answered:
            pace.withLock { $0.served() }
            health.succeeded(.proxy)
        case .failed(.proxyError, let why):
            metrics.count(.proxy)
            health.failed(.proxy, why)
            log.log(.warning, "the proxy fails; requests wait until it works", with: [.error: "\(why)"])
            return pace.withLock { pace in
                pace.failed(now)
                return pace.rest(now)
            }
        case .failed, .notSent, .interrupted: break
        }
        return nil
    }

    /// Forgets a failure of long ago: nothing was due since.
    func expire(_ now: ContinuousClock.Instant) {
        let isOver = pace.withLock { pace in
            guard pace.isOver(now) else { return false }
            pace.served()
            return true
        }
        if isOver { health.succeeded(.proxy) }
    }

    /// How many deliveries may be claimed now.
    func room(_ now: ContinuousClock.Instant) -> Int { pace.withLock { $0.room(now) } }

    /// How long none may be.
    func pause(_ now: ContinuousClock.Instant) -> Duration { pace.withLock { $0.pause(now) } }
}
