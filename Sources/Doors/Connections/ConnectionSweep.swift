/// Ends connections whose time is over.
struct ConnectionSweep {
    static let pause = Duration.milliseconds(250)
    /// Between two looks: at most 1,000 connections are ended a second. With more, they and those who come again keep the event loops
    /// from others; with less, a full house stays beyond its time.
    static let breath = Duration.milliseconds(8)

    let connections: Connections

    /// Until it is cancelled.
    func run() async {
        while !Task.isCancelled {
            for _ in 0..<connections.sweeps {
                connections.sweep(now: .now)
                try? await Task.sleep(for: Self.breath)
            }
            try? await Task.sleep(for: Self.pause)
        }
    }
}
