import ArgumentParser

/// What the answers to come are, as `--answer` says it: `500,500,ok`.
struct AnswerPlan: Equatable, Sendable {
    enum Answer: Equatable, Sendable {
        /// What the request deserves.
        case usual
        case status(Int)
    }

    /// Never empty.
    private let answers: [Answer]

    /// The most answers of a plan. Its last one repeats, so more are hardly meant.
    static let longest = 1000
    /// Final statuses (RFC 9110, section 15).
    private static let statuses = 200...599

    /// - Parameter text: statuses and `ok`, with commas between.
    init(_ text: String) throws {
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        guard words.count <= Self.longest else { throw ValidationError("It has more than \(Self.longest) answers.") }
        answers = try words.map { word in
            guard word != "ok" else { return .usual }
            guard let status = Int(word), Self.statuses.contains(status) else {
                throw ValidationError("It must be statuses from 200 to 599, or ok, with commas between.")
            }
            return .status(status)
        }
    }

    /// - Parameter number: how many requests came before.
    func answer(after number: Int) -> Answer { answers[min(max(number, 0), answers.count - 1)] }
}
