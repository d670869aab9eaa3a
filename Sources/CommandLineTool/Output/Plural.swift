/// Numbers of things in a sentence.
enum Plural {
    /// `1 delivery`, `2 deliveries`.
    static func deliveries(_ count: some BinaryInteger) -> String { count == 1 ? "1 delivery" : "\(count) deliveries" }

    /// `1 dead letter`, `2 dead letters`.
    static func deadLetters(_ count: some BinaryInteger) -> String {
        count == 1 ? "1 dead letter" : "\(count) dead letters"
    }

    /// Of a word that takes an s.
    static func of(_ word: String, _ count: some BinaryInteger) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
}
