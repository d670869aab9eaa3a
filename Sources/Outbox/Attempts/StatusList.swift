/// Statuses of answers after which no further attempt is made: `400,404,422`, or `4xx` for all of a kind.
package struct StatusList: Hashable, Sendable {
    /// None.
    package static let none = StatusList(checked: [])

    /// Each a status, or `3xx`, `4xx`, `5xx`.
    package let entries: [String]
    private let statuses: Set<Int>
    private let kinds: Set<Int>

    /// What says "later" by itself: `4xx` and `5xx` leave them out, so that such an answer still is tried again. Each can be named.
    private static let transient: Set<Int> = [408, 425, 429, 502, 503, 504]

    private init(checked entries: [String]) {
        self.entries = entries
        statuses = Set(entries.compactMap { Int($0) })
        kinds = Set(entries.filter { $0.hasSuffix("xx") }.compactMap { Int($0.prefix(1)) })
    }

    package init(entries: [String]) throws(InvalidText) {
        guard entries.count <= Limits.permanentStatuses else {
            throw InvalidText(
                .permanentStatus,
                "a list of \(entries.count) statuses is longer than the \(Limits.permanentStatuses) allowed")
        }
        for entry in entries where !Self.isEntry(entry) {
            throw InvalidText(
                .permanentStatus,
                "\(Excerpt(entry)) is not a status from 300 to 599, nor 3xx, 4xx or 5xx for all of a kind")
        }
        self.init(checked: entries)
    }

    /// - Parameter text: entries with commas between them, or `none`.
    package init(text: String) throws(InvalidText) {
        guard text != "none" else {
            self = .none
            return
        }
        try self.init(entries: text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }

    private static func isEntry(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 3, (0x33...0x35).contains(bytes[0]) else { return false }
        return text.hasSuffix("xx") || bytes.allSatisfy { (0x30...0x39).contains($0) }
    }

    package func contains(_ status: Int) -> Bool {
        statuses.contains(status) || kinds.contains(status / 100) && !Self.transient.contains(status)
    }
}
