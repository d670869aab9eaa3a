/// When a receiver that has not agreed is asked again: after 5 s, then twice as long each time up to an hour, ±20 %. The database ends it
/// after twenty times, about ten hours. Decides only.
enum VerificationPause {
    static let first = Duration.seconds(5)
    static let longest = Duration.seconds(3600)
    /// Where it could not be asked, or only by another worker.
    static let putOff = Duration.seconds(30)

    /// - Parameters:
    ///   - refusals: how often it was asked in vain before.
    ///   - random: from 0 up to, not including, 1.
    static func wait(after refusals: Int, random: Double) -> Duration {
        min(first * (1 << min(max(refusals, 0), 10)), longest) * (0.8 + 0.4 * random)
    }
}
