internal import Dispatch

/// A moment on the monotonic clock by which something must be over.
struct Deadline: Comparable, Sendable {
    /// In Dispatch's measure.
    let uptimeNanoseconds: UInt64

    /// Never.
    static let never = Deadline(uptimeNanoseconds: .max)

    /// So long after now; at once for zero and less.
    static func after(_ duration: Duration) -> Deadline {
        guard duration > .zero else { return Deadline(uptimeNanoseconds: 0) }
        let (seconds, attoseconds) = duration.components
        let nanoseconds = UInt64(clamping: attoseconds / 1_000_000_000)
        let (whole, overflow) = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let now = DispatchTime.now().uptimeNanoseconds
        let (sum, sumOverflow) = whole.addingReportingOverflow(now &+ nanoseconds)
        return overflow || sumOverflow ? never : Deadline(uptimeNanoseconds: sum)
    }

    var hasPassed: Bool { DispatchTime.now().uptimeNanoseconds >= uptimeNanoseconds }

    static func < (left: Deadline, right: Deadline) -> Bool { left.uptimeNanoseconds < right.uptimeNanoseconds }
}
