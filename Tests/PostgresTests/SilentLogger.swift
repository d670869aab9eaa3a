import Logging

extension Logger {
    /// Says nothing.
    static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}
