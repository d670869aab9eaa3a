import Logging
import Settings
import Telemetry

/// What the services of a worker share.
struct WorkerParts: Sendable {
    let configuration: WorkerConfiguration
    let identity: WorkerIdentity
    let permits: Permits
    let settleQueue: SettleQueue
    let lanes: BusyLanes
    let judge: EndpointJudge
    let builder: DeliveryBuilder
    let health: HealthState
    let metrics: DeliveryMetrics
    let log: Logger
    /// Microseconds since 1970 by this machine's clock.
    let wallClock: @Sendable () -> Int64
    /// A number from 0 up to 1.
    let random: @Sendable () -> Double
}
