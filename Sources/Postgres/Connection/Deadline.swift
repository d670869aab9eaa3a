internal import Dispatch

/// A moment on the monotonic clock by which something must be over.
struct Deadline: Comparable, Sendable {
    /// In Dispatch's measure.
    let uptimeNanoseconds: UInt64

    static let never = Deadline(uptimeNanoseconds: .max)

    /// The moment that comes this long after now; at once for zero and less.
    static func after(_ duration: Duration) -> Deadline {
        guard duration > .zero else { return Deadline(uptimeNanoseconds: 0) }
        let moment = Int128(DispatchTime.now().uptimeNanoseconds) + duration.attoseconds / 1_000_000_000
        return Deadline(uptimeNanoseconds: UInt64(clamping: moment))
    }

    var hasPassed: Bool { DispatchTime.now().uptimeNanoseconds >= uptimeNanoseconds }

    static func < (left: Deadline, right: Deadline) -> Bool { left.uptimeNanoseconds < right.uptimeNanoseconds }
}

/// One timer for all deadlines of a connection.
///
/// It is set only when a deadline comes before the one it is set for: statements that follow each other with equal
/// deadlines find it set early enough, and setting a timer, a system call, is rare. When it fires too early for anything,
/// its owner sets it again.
final class DeadlineTimer {
    private let source: any DispatchSourceTimer
    private var setFor = Deadline.never

    init(queue: DispatchQueue, onTime: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.setEventHandler(handler: onTime)
        source.activate()
    }

    deinit {
        source.cancel()
    }

    /// Has the timer fire at this moment or earlier.
    func cover(_ deadline: Deadline) {
        guard deadline < setFor else { return }
        setFor = deadline
        source.schedule(deadline: DispatchTime(uptimeNanoseconds: deadline.uptimeNanoseconds))
    }

    /// The owner calls this when the timer has fired.
    func fired() {
        setFor = .never
    }
}
