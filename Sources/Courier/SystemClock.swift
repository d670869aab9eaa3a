import CLibCurl
import Glibc

/// The wall clock of this machine.
package enum SystemClock {
    /// Microseconds since 1970.
    @Sendable package static func wallMicroseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

extension Duration {
    /// Whole microseconds, without the division of 128-bit numbers that `attoseconds` would cost on every request.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, isBeyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return isBeyond ? (seconds < 0 ? .min : .max) : sum
    }
}
