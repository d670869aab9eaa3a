/// Lengths of time in JSON.
enum Seconds {
    /// Seconds, to the millisecond.
    static func number(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return (Double(seconds) * 1000 + (Double(attoseconds) / 1e15).rounded()) / 1000
    }
}
