/// A value that must never be shown: printing, interpolating, dumping or logging it gives only a mark.
///
/// The content is reached by ``reveal()`` alone, so that every place where a secret is used can be found by that word.
package struct Redacted<Value: Sendable>: Sendable {
    package static var mark: String { "[redacted]" }

    private let content: Value

    package init(_ content: Value) {
        self.content = content
    }

    package func reveal() -> Value {
        content
    }
}

extension Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.mark }

    package var debugDescription: String { Self.mark }

    /// A mirror without children, so that `dump` and `String(reflecting:)` of an enclosing type show nothing either.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Redacted: Equatable where Value: Equatable {}
