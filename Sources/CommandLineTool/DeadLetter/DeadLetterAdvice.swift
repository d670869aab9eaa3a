/// The command that helps with a dead letter. A test runs what it says.
enum DeadLetterAdvice {
    static func replay(_ id: Int64, isRemoved: Bool) -> String {
        isRemoved
            ? "postrider dead-letter replay \(id) --to NAME  (its endpoint was removed)"
            : "postrider dead-letter replay \(id)  (after you fix the cause)"
    }
}
