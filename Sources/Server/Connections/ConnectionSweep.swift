import ServiceLifecycle

/// Ends connections whose time is over, until the door has closed.
struct ConnectionSweep: Service {
    static let pause = Duration.milliseconds(250)
    /// Between two looks. What is ended in one look keeps the event loops busy for a moment.
    static let breath = Duration.milliseconds(5)

    let connections: Connections

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                for _ in 0..<connections.sweeps {
                    connections.sweep(now: .now)
                    try? await Task.sleep(for: Self.breath)
                }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }
}
