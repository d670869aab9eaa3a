/// Finds the name that a person meant who made a slip.
package enum Spelling {
    /// Longer words get no suggestion: a comparison costs the product of the lengths.
    private static let longestWord = 64

    /// The name that is nearest to `word`; nil when none can be reached by `slips` letters put in, taken out or changed.
    package static func nearest(to word: String, among names: [String], within slips: Int) -> String? {
        guard word.utf8.count <= longestWord else { return nil }
        return names.map { (name: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
            .flatMap { $0.distance <= slips ? $0.name : nil }
    }

    /// Levenshtein's distance.
    private static func distance(_ one: String, _ other: String) -> Int {
        let columns = Array(other.utf8)
        var previous = Array(0...columns.count)
        for (row, left) in one.utf8.enumerated() {
            var current = [row + 1]
            for (column, right) in columns.enumerated() {
                let changed = previous[column] + (left == right ? 0 : 1)
                current.append(min(changed, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[columns.count]
    }
}
