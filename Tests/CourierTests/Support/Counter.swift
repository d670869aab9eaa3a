import Synchronization

/// A number that threads share.
final class Counter: Sendable {
    private let value: Mutex<Int>

    init(_ value: Int) {
        self.value = Mutex(value)
    }

    func decrement() -> Int {
        value.withLock { value in
            value -= 1
            return value
        }
    }
}
