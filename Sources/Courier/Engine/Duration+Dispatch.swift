internal import Dispatch

extension Duration {
    /// Whole milliseconds, rounded up and held between 0 and about 24 days, the longest time that libcurl takes.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        guard self > .zero else { return 0 }
        return Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// Whole microseconds, held within the range of the type.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? Int64.max : product &+ attoseconds / 1_000_000_000_000
    }

    var dispatchInterval: DispatchTimeInterval {
        .milliseconds(milliseconds)
    }
}
