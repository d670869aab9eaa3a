import CustomerAPI
import HTTPTypes
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import OutboxStore
import Postgres
import Synchronization
import Telemetry

/// Answers requests of customers. What can be refused without the database is refused before it is asked, and what can be refused
/// without the body before it is read.
final class APIResponder: Sendable {
    /// The longest body: the largest payload of an event with what stands around it.
    static let mostBodyBytes = 320 << 10

    let connections: Connections
    private let desk: APIDesk
    private let budget: Mutex<TokenBudget>
    private let metrics: APIMetrics
    private let log: Logger

    init(_ desk: APIDesk, connections: Connections, metrics: APIMetrics, log: Logger) {
        self.desk = desk
        self.connections = connections
        self.metrics = metrics
        self.log = log
        budget = Mutex(TokenBudget(now: .now))
    }

    // Concurrent, as all of Hummingbird's functions are that it lends its writer and its bodies to.
    @concurrent func respond(
        to request: Request, _ writer: consuming ResponseWriter, over channel: any Channel
    ) async throws {
        // It ended before its request was looked at.
        guard let connection = connections.find(channel) else { throw Closing() }
        defer { connections.release(connection) }
        var body = request.body.makeAsyncIterator()
        let began = ContinuousClock.now
        var answer: Answer
        do {
            let asked = try APIHead(request.head)
            let verdict = try begin(asked.token)
            var isGood: Bool?
            defer { end(asked.token, verdict, isGood) }
            if request.head.headerFields[.expect]?.lowercased() == "100-continue" {
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            let bytes = try await read(&body, of: connection)
            (answer, isGood) = await self.answer(asked, bytes)
        } catch let problem as APIProblem {
            answer = .problem(problem)
            note(problem)
        }
        metrics.answered(answer.status, after: .now - began)
        try await connections.give(answer, isHead: request.head.method == .head, over: connection, writer, &body)
    }

    @concurrent private func read(
        _ body: inout RequestBody.AsyncIterator, of connection: Connection
    ) async throws -> [UInt8] {
        do {
            return try await connections.read(&body, limit: Self.mostBodyBytes, of: connection)
        } catch let fault as BodyFault {
            throw switch fault {
            case .tooLarge: APIProblem.tooLarge
            case .noRoom: APIProblem(.unavailable, "too many bodies are held", retryAfter: APIProblem.usualWait)
            case .incomplete: APIProblem(.incompleteBody, "the connection ended within the body")
            }
        }
    }

    /// - Returns: whether the database knows the token; nil where it did not say.
    private func answer(_ asked: APIHead, _ body: [UInt8]) async -> (Answer, isGood: Bool?) {
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
        note(problem)
        return (.problem(problem), isGood)
    }

    private func note(_ problem: APIProblem) {
        metrics.refused(problem.code.rawValue)
        log.log(.info, "a request to the API was refused", with: [.reason: "\(problem.code.rawValue)"])
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

extension APIProblem {
    fileprivate static var tooLarge: APIProblem {
        APIProblem(.bodyTooLarge, "a body has at most \(APIResponder.mostBodyBytes) bytes")
    }
}

/// The head of a request to the API, checked.
struct APIHead: Sendable {
    let route: APIRoute
    let query: Substring
    /// The SHA-256 of the token; nil where none is asked for.
    let token: [UInt8]?
    let match: Precondition
    let keys: [String]

    init(_ head: HTTPRequest) throws(APIProblem) {
        let target = head.path ?? ""
        let path = target.prefix { $0 != "?" }
        query = target.dropFirst(path.count + 1)
        route = try APIRoute.find(head.method.rawValue, path)
        guard route != .openAPI else {
            (token, match, keys) = (nil, try Precondition(ifMatch: []), [])
            return
        }
        let proofs = head.headerFields[values: .authorization]
        guard proofs.count == 1, let found = proofs.first.flatMap({ APIToken(authorization: $0) }) else {
            throw APIProblem(.unauthorized, "give a token: Authorization: Bearer prt_…")
        }
        token = found.hash
        match = try Precondition(ifMatch: head.headerFields[values: .ifMatch])
        keys = Self.idempotencyKey.map { head.headerFields[values: $0] } ?? []
        if let encoding = head.headerFields[.contentEncoding], encoding.lowercased() != "identity" {
            throw APIProblem(.unsupportedMediaType, "the body must not be compressed")
        }
        if let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length > APIResponder.mostBodyBytes {
            throw .tooLarge
        }
        guard route.hasBody else { return }
        guard let type = head.headerFields[.contentType].map(Self.mediaType),
            type == "application/json" || type == "application/merge-patch+json" && head.method == .patch
        else { throw APIProblem(.unsupportedMediaType, "the body must be application/json") }
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")

    /// Without its parameters.
    private static func mediaType(_ value: String) -> String {
        String(value.prefix { $0 != ";" && $0 != " " && $0 != "\t" }).lowercased()
    }
}

extension Answer {
    static func problem(_ problem: APIProblem) -> Answer {
        var answer = Answer(status: problem.status, body: problem.json, contentType: APIProblem.contentType)
        if problem.status == 401 { answer.fields.append((.wwwAuthenticate, "Bearer")) }
        if let seconds = problem.retryAfter { answer.fields.append((.retryAfter, String(seconds))) }
        if !problem.allowed.isEmpty {
            answer.fields.append((.allow, problem.allowed.joined(separator: ", ")))
        }
        return answer
    }

    static var openAPI: Answer { Answer(status: 200, body: OpenAPIDocument.text) }

    init(_ answer: CustomerAnswer) {
        self.init(status: Int(answer.status), body: answer.body.isEmpty ? "" : answer.body + "\n")
        if let etag = answer.etag { fields.append((.eTag, etag)) }
    }
}
