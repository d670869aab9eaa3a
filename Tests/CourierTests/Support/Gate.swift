import Dispatch
import Synchronization

/// Holds threads up until it is opened.
final class Gate: Sendable {
    private let group = DispatchGroup()
    private let isOpen = Mutex(false)

    init() {
        group.enter()
    }

    deinit {
        open()
    }

    func open() {
        isOpen.withLock { isOpen in
            if !isOpen { group.leave() }
            isOpen = true
        }
    }

    func pass() {
        group.wait()
    }
}
