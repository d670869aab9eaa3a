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
