import ServiceLifecycle

/// Ends connections whose time is over, until the door has closed.
struct ConnectionSweep: Service {
    static let pause = Duration.milliseconds(250)

    let connections: Connections

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                connections.sweep(now: .now)
                try? await Task.sleep(for: Self.pause)
            }
        }
    }
}
