package import Courier

/// A request of a worker that is no delivery, and takes its own result.
package protocol SideRequest: CourierRequest {
    /// Takes the result; returns those of the deliveries that cannot be sent for it.
    var end: @Sendable (CourierResult) -> [CourierResult] { get }
}
