import Synchronization

/// What a command that takes long is doing, in a few words. ``Waiting`` shows it.
final class Progress: Sendable {
    private let state: Mutex<String>

    init(_ text: String) {
        state = Mutex(text)
    }

    var text: String { state.withLock { $0 } }

    func say(_ text: String) { state.withLock { $0 = text } }
}
