import Glibc

/// This machine's clocks.
public enum SystemClock {
    /// Microseconds since 1970.
    @Sendable public static func wallMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
