import Webhooks

/// Where the requests of a source say what they are, worked out once for all of them.
struct FactPlaces: Sendable {
    static let id = 0
    static let eventType = 1
    static let correlation = 2

    /// Which of them the operator has named: those must be readable. What a scheme usually has may be missing.
    let isWanted: [Bool]
    private let paths: [ValuePath?]
    /// Of those in the body.
    private let steps: [[ValuePath.Step]]
    private let mustRead: Bool

    init(_ scheme: SourceScheme, id: ValuePath?, eventType: ValuePath?, correlation: ValuePath?) {
        let usual = UsualPlaces(scheme)
        let wanted = [id, eventType, correlation]
        isWanted = wanted.map { $0 != nil }
        mustRead = wanted.contains { $0?.stepsInBody != nil }
        // No scheme that signs an id has a usual place for another one.
        paths = [id ?? usual.id, eventType ?? usual.eventType, correlation]
        steps = paths.compactMap { $0?.stepsInBody }
    }

    /// What stands at each place; nil for nothing.
    func values(_ headers: [(name: String, value: String)], _ body: [UInt8]) throws(Refusal) -> [String?] {
        var inBody: [String?] = []
        if !steps.isEmpty {
            do throws(JSONPathReader.Failure) {
                inBody = try JSONPathReader.read(body, at: steps)
            } catch {
                if mustRead { throw error == .tooDeep ? .tooDeep : .notJSON }
                inBody = steps.map { _ in nil }
            }
        }
        var next = 0
        return paths.map { place in
            switch place {
            case nil: return nil
            case .header(let name)?:
                let name = name.lowercased()
                return headers.first { $0.name.lowercased() == name }?.value
            case .body?:
                next += 1
                return inBody[next - 1]
            }
        }
    }
}

/// Where the senders of a scheme usually say what a webhook is.
private struct UsualPlaces {
    var id: ValuePath?
    var eventType: ValuePath?

    init(_ scheme: SourceScheme) {
        switch scheme {
        case .standard:
            eventType = .body([.member("type")])
        case .github:
            (id, eventType) = (.header("X-GitHub-Delivery"), .header("X-GitHub-Event"))
        case .stripe:
            (id, eventType) = (.body([.member("id")]), .body([.member("type")]))
        case .shopify:
            (id, eventType) = (.header("X-Shopify-Webhook-Id"), .header("X-Shopify-Topic"))
        case .slack:
            (id, eventType) = (.body([.member("event_id")]), .body([.member("event"), .member("type")]))
        case .hmac, .bearer, .basic, .jwt, .none: break
        }
    }
}

extension ValuePath {
    fileprivate var stepsInBody: [Step]? {
        if case .body(let steps) = self { steps } else { nil }
    }
}
