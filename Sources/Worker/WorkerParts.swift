import CoreMetrics
import Logging
import OutboxStore
import Postgres
import Settings
import Telemetry

/// What the services of a worker share.
struct WorkerParts: Sendable {
    let configuration: WorkerConfiguration
    let state: WorkerState
    let permits: Permits
    let settleQueue: SettleQueue
    let judge: EndpointJudge
    let builder: DeliveryBuilder
    let health: HealthState
    let metrics: DeliveryMetrics
    let log: Logger
    /// Of the product.
    let version: String
    let time: any LoopClock
    /// Microseconds since 1970 by this machine's clock.
    let wallClock: @Sendable () -> Int64
    /// Nil where there is no proxy.
    var proxy: ProxyWatch?

    /// Does a step of the work and takes down whether it failed, for metrics and readiness.
    func perform<Result: Sendable>(
        _ step: WorkStep, _ body: () async throws(PostgresError) -> Result
    ) async throws(PostgresError) -> Result {
        do throws(PostgresError) {
            let result = try await body()
            health.succeeded(step)
            return result
        } catch {
            failed(step, error)
            throw error
        }
    }

    func failed(_ step: WorkStep, _ error: PostgresError) {
        // A loop that is told to stop closes its connection.
        guard !state.isDraining || !error.isOfConnection else { return }
        metrics.count(step)
        if !error.isOfConnection { health.failed(step, error.message) }
    }
}
