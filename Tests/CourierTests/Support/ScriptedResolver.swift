import Courier
import Outbox
import Synchronization

/// Answers look-ups as it is told, one after another, the last answer for ever.
final class ScriptedResolver: NameResolver {
    /// What a look-up gets.
    enum Answer: Sendable {
        case addresses([IPAddress])
        case error(NameResolutionError.Code)
        /// Blocks until `release` is called.
        case hang
    }

    private let answers: Mutex<[String: [Answer]]>
    private let lookUps = Mutex<[String]>([])
    private let gate = Gate()

    init(_ answers: [String: [Answer]]) {
        self.answers = Mutex(answers)
    }

    /// The names that were asked for.
    var names: [String] { lookUps.withLock { $0 } }

    /// Lets look-ups that hang fail.
    func release() { gate.open() }

    func addresses(of name: String) throws(NameResolutionError) -> [IPAddress] {
        lookUps.withLock { $0.append(name) }
        let answer = answers.withLock { answers -> Answer in
            guard var list = answers[name], let first = list.first else { return .error(.notFound) }
            if list.count > 1 { list.removeFirst() }
            answers[name] = list
            return first
        }
        switch answer {
        case .addresses(let addresses): return addresses
        case .error(let code): throw NameResolutionError(code)
        case .hang:
            gate.pass()
            throw NameResolutionError(.temporary)
        }
    }
}
