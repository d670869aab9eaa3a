/// When the lane of an endpoint that fails closes, for how long, and how it opens again. No I/O; the random number is given.
///
/// The database keeps it for each lane and follows the same rules, so that all workers agree (`judge_lane` in the migrations); the
/// pauses it gets from here.
package struct Breaker: Hashable, Sendable {
    /// So many failures in a row close the lane. Fewer, and a restart of the receiver does; more, and each costs an attempt.
    package static let strikesToClose = 5
    /// Until the first probe; each further pause is twice as long.
    package static let firstPause = Duration.seconds(5)
    /// With more, a receiver that works again waits long; with less, thousands that are gone for good cost requests.
    package static let longestPause = Duration.seconds(600)
    /// How far a pause is moved at random, as a part of it: endpoints of one machine fail at one time.
    package static let jitter = 0.2
    /// From this window on the lane is as it was before.
    package static let widestWindow = 64

    /// Failures in a row that speak against the endpoint.
    package private(set) var strikes = 0
    /// How often in a row it has closed the lane; 0 while it does not hold it.
    package private(set) var closures = 0
    /// How many deliveries may be in flight at once; nil when that is not its business.
    package private(set) var window: Int?

    package init() {}

    /// A failure that speaks against the endpoint.
    ///
    /// - Parameter isProbe: whether the attempt began after the lane opened. Others were in flight when it closed, and say nothing new.
    /// - Returns: for how long the lane closes now; nil when it stays as it is.
    package mutating func struck(isProbe: Bool = true, random: Double) -> Duration? {
        strikes += 1
        if closures > 0 {
            guard isProbe else { return nil }
        } else {
            if window != nil { window = 1 }
            guard strikes >= Self.strikesToClose else { return nil }
        }
        closures += 1
        window = 1
        return Self.pause(closures, random: random)
    }

    /// An answer that does not speak against the endpoint: it opens the lane, and widens it step by step.
    package mutating func answered() {
        strikes = 0
        closures = 0
        guard let width = window else { return }
        window = width + 1 > Self.widestWindow ? nil : width + 1
    }

    /// The pauses before the first probe, the second and so on; the last one repeats.
    package static func pauses(random: () -> Double) -> [Duration] {
        var pauses: [Duration] = []
        repeat {
            pauses.append(pause(pauses.count + 1, random: random()))
        } while plainPause(pauses.count) < longestPause
        return pauses
    }

    /// The pause before probe `number`, moved at random, in whole microseconds.
    ///
    /// - Parameter random: a random number from 0 up to, not including, 1. Anything else counts as the nearer end.
    package static func pause(_ number: Int, random: Double) -> Duration {
        let share = random.isNaN ? 0.5 : min(max(random, 0), 1)
        let microseconds = plainPause(number) / .microseconds(1) * (1 - jitter + 2 * jitter * share)
        return Int64(exactly: microseconds.rounded()).map { .microseconds($0) } ?? firstPause
    }

    private static func plainPause(_ number: Int) -> Duration {
        min(firstPause * (1 << min(max(number, 1) - 1, 20)), longestPause)
    }
}
