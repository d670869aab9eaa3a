import Dispatch
import Synchronization

@testable import Courier

/// What a ``ScriptedNameServer`` has been told, and what it was asked.
final class NameScript: Sendable {
    private struct State {
        var answers: [String: [ScriptedNameServer.Answer]]
        /// How many questions of a type there were for a name.
        var asked: [String: Int] = [:]
        var names: [String] = []
        var streams = 0
    }

    private let state: Mutex<State>

    init(_ answers: [String: [ScriptedNameServer.Answer]]) {
        state = Mutex(State(answers: answers))
    }

    var names: [String] { state.withLock { $0.names } }
    var streams: Int { state.withLock { $0.streams } }

    /// - Parameter limit: the size from which on an answer is cut off; nil over TCP, where a question comes again.
    func reply(to question: NameQuestion, limit: Int?) -> (reply: [UInt8]?, delay: DispatchTimeInterval?) {
        let answer = state.withLock { state -> ScriptedNameServer.Answer in
            let answers = state.answers[question.name] ?? Self.wild(state.answers, question.name)
            let key = "\(question.type) \(question.name)"
            if limit == nil {
                state.streams += 1
                return answers[min(max(0, state.asked[key, default: 1] - 1), answers.count - 1)]
            }
            if question.type == AddressFamily.v4.recordType { state.names.append(question.name) }
            defer { state.asked[key, default: 0] += 1 }
            return answers[min(state.asked[key, default: 0], answers.count - 1)]
        }
        return Self.reply(answer, to: question, limit: limit)
    }

    private static func wild(
        _ answers: [String: [ScriptedNameServer.Answer]], _ name: String
    ) -> [ScriptedNameServer.Answer] {
        answers.first { $0.key.hasPrefix("*") && name.hasSuffix($0.key.dropFirst()) }?.value ?? [.notFound]
    }

    private static func reply(
        _ answer: ScriptedNameServer.Answer, to question: NameQuestion, limit: Int?
    ) -> (reply: [UInt8]?, delay: DispatchTimeInterval?) {
        switch answer {
        case .silence: return (nil, nil)
        case .noise: return (question.noise, nil)
        case .code(let code): return (question.reply(code: code), nil)
        case .late(let delay, let answer): return (reply(answer, to: question, limit: limit).reply, delay)
        case .families(let v4, let v6):
            return reply(question.type == AddressFamily.v4.recordType ? v4 : v6, to: question, limit: limit)
        case .addresses(let addresses, let timeToLive):
            return (question.reply(addresses, timeToLive: timeToLive, limit: limit), nil)
        case .alias(let name, let timeToLive, let addresses):
            return (question.reply(addresses, timeToLive: 60, alias: (name, timeToLive), limit: limit), nil)
        }
    }
}
