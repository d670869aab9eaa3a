import CustomerAPI
import Doors
import OutboxStore

/// What customers are answered.
extension Answer {
    static func problem(_ problem: APIProblem) -> Answer {
        var answer = Answer(status: problem.status, body: problem.json, contentType: APIProblem.contentType)
        if problem.status == 401 { answer.fields.append(("WWW-Authenticate", "Bearer")) }
        if let seconds = problem.retryAfter { answer.fields.append(("Retry-After", String(seconds))) }
        if !problem.allowed.isEmpty {
            answer.fields.append(("Allow", problem.allowed.joined(separator: ", ")))
        }
        return answer
    }

    static var openAPI: Answer { Answer(status: 200, body: OpenAPIDocument.text) }

    init(_ answer: CustomerAnswer) {
        self.init(status: Int(answer.status), body: answer.body.isEmpty ? "" : answer.body + "\n")
        if let etag = answer.etag { fields.append(("ETag", etag)) }
    }
}
