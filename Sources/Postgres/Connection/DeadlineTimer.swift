internal import Dispatch

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

    /// Fires at this moment or earlier.
    func cover(_ deadline: Deadline) {
        guard deadline < setFor else { return }
        setFor = deadline
        source.schedule(deadline: DispatchTime(uptimeNanoseconds: deadline.uptimeNanoseconds))
    }

    /// To be called when it has fired.
    func fired() {
        setFor = .never
    }
}
