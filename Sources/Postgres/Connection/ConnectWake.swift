/// Why an attempt to connect goes on.
enum ConnectWake {
    /// The socket is ready.
    case ready
    /// The time is over.
    case late
    /// The task was cancelled.
    case cancelled
    /// The connection was closed.
    case closed
}
