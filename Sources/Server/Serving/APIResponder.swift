import CustomerAPI
import Doors
import Logging
import Metrics
import Postgres
import Synchronization
import Telemetry

/// Answers requests of customers. What can be refused without the database is refused before it is asked, and what can be refused
/// without the body before it is read.
final class APIResponder: Doorkeeper {
    /// The longest body: the largest payload of an event with what stands around it.
    static let mostBodyBytes = 320 << 10

    private let desk: APIDesk
    private let budget: Mutex<TokenBudget>
    private let metrics: APIMetrics
    private let log: Logger

    init(_ desk: APIDesk, metrics: APIMetrics, log: Logger) {
        self.desk = desk
        self.metrics = metrics
        self.log = log
        budget = Mutex(TokenBudget(now: .now))
    }

    func judge(_ head: RequestHead) -> Verdict {
        let began = ContinuousClock.now
        do throws(APIProblem) {
            let asked = try APIHead(head)
            return .open(
                OpenAPIRequest(responder: self, asked: asked, verdict: try begin(asked.token), began: began))
        } catch {
            return .finished(noted(refused(error), since: began))
        }
    }

    /// Answers a request that has come to its end.
    func answer(_ request: OpenAPIRequest, _ body: [UInt8]) async -> Answer {
        let (answer, isGood) = await ask(request.asked, body)
        end(request.asked.token, request.verdict, isGood)
        return noted(answer, since: request.began)
    }

    /// Answers one that does not come to its end.
    func answer(_ request: OpenAPIRequest, _ problem: APIProblem) -> Answer {
        end(request.asked.token, request.verdict, nil)
        return noted(refused(problem), since: request.began)
    }

    /// - Returns: whether the database knows the token; nil where it did not say.
    private func ask(_ asked: APIHead, _ body: [UInt8]) async -> (Answer, isGood: Bool?) {
        guard let token = asked.token else { return (.openAPI, nil) }
        let problem: APIProblem
        var isGood: Bool?
        do {
            let answer = try await desk.answer(
                APIDesk.Ask(
                    route: asked.route, token: token, query: asked.query, match: asked.match, keys: asked.keys,
                    body: body))
            return (Answer(answer), true)
        } catch let found as APIProblem {
            problem = found
        } catch let error as PostgresError {
            problem = APIProblem(error)
            isGood = problem.isOurs ? nil : problem.code != .unauthorized
            if problem.isOurs { log.log(.warning, "the API could not ask the database", with: [.error: "\(error)"]) }
        } catch is SessionPool.Crowded {
            problem = APIProblem(.unavailable, "too many requests wait", retryAfter: APIProblem.usualWait)
        } catch {
            problem = APIProblem(.internalError, "this went wrong; the log of the service says how")
            log.log(.error, "the API could not do what was asked", with: [.error: "\(error)"])
        }
        return (refused(problem), isGood)
    }

    private func refused(_ problem: APIProblem) -> Answer {
        metrics.refused(problem.code.rawValue)
        log.log(.info, "a request to the API was refused", with: [.reason: "\(problem.code.rawValue)"])
        return .problem(problem)
    }

    private func noted(_ answer: Answer, since began: ContinuousClock.Instant) -> Answer {
        metrics.answered(answer.status, after: .now - began)
        return answer
    }
}

// MARK: - What a token may ask

extension APIResponder {
    private func begin(_ token: [UInt8]?) throws(APIProblem) -> TokenBudget.Verdict {
        guard let token else { return .stranger }
        let verdict = budget.withLock { $0.begin(token, now: .now) }
        guard case .wait(let wait) = verdict else { return verdict }
        throw APIProblem(
            .rateLimited, "more requests than a token may send", retryAfter: Int(wait.components.seconds) + 1)
    }

    private func end(_ token: [UInt8]?, _ verdict: TokenBudget.Verdict, _ isGood: Bool?) {
        guard let token else { return }
        budget.withLock { $0.end(token, verdict, isGood: isGood, now: .now) }
    }
}
