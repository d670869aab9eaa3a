package import Courier
package import Outbox
import OutboxStore

/// An address as text. It remembers the last one: most results of a batch are from one endpoint.
struct AddressText: Sendable {
    private var last: IPAddress?
    private var text: String?

    mutating func text(of address: IPAddress?) -> String? {
        if address != last { (last, text) = (address, address?.description) }
        return text
    }
}

/// Reads a courier's result into a settlement. No I/O; the random number and the clocks are given.
struct OutcomeReader: Sendable {
    func read(
        _ result: CourierResult, of outgoing: OutgoingDelivery, now: ContinuousClock.Instant, wallClock: Int64,
        random: @autoclosure () -> Double, texts: inout AddressText
    ) -> Settlement {
        var settlement = Settlement(
            outgoing.delivery, to: outgoing.endpoint, after: DeliveryObservation(result.outcome),
            expiresIn: outgoing.expiresAt.map { $0 - now }, now: now, wallClock: wallClock, random: random())
        settlement.startedAt = result.startedAt
        settlement.duration = Int32(clamping: result.timings.total)
        settlement.remoteAddress = texts.text(of: result.remoteAddress)
        settlement.firstByte = Int32(clamping: result.timings.firstByte)
        if !result.timings.reusedConnection {
            settlement.nameLookup = Int32(clamping: result.timings.nameLookup)
            settlement.connect = Int32(clamping: result.timings.connect)
            settlement.tls = result.timings.tls > 0 ? Int32(clamping: result.timings.tls) : nil
        }
        guard case .answered(let answer) = result.outcome else {
            settlement.allowed = outgoing.allowedMilliseconds
            return settlement
        }
        if !answer.bodyPrefix.isEmpty { settlement.responseBody = StorableText.text(answer.bodyPrefix) }
        if settlement.errorCode != nil {
            settlement.allowed = outgoing.allowedMilliseconds
            settlement.retryAfter = answer.retryAfter.isEmpty ? nil : answer.retryAfter.joined(separator: ", ")
            settlement.location = answer.location
        }
        return settlement
    }
}

extension DeliveryObservation {
    package init(_ outcome: CourierOutcome) {
        self =
            switch outcome {
            case .answered(let answer):
                .answered(status: answer.status, retryAfter: answer.retryAfter, directive: answer.directive)
            case .failed(let code, let detail): .failed(code, detail: detail)
            case .notSent: .notSent
            case .interrupted: .interrupted
            }
    }
}

extension Settlement {
    /// What is to be recorded of a delivery after what a worker saw of it: as ``DeliveryDecision`` decides.
    ///
    /// - Parameters:
    ///   - expiresIn: the time until the event expires; nil when it never does.
    ///   - now: when it was seen.
    ///   - wallClock: microseconds since 1970.
    init(
        _ delivery: ClaimedDelivery, to endpoint: Endpoint, after observation: DeliveryObservation,
        expiresIn: Duration? = nil, now: ContinuousClock.Instant, wallClock: Int64,
        random: @autoclosure () -> Double = 0.5
    ) {
        let decision = DeliveryDecision(
            after: observation, attempt: delivery.attemptInSchedule, policy: endpoint.policy, expiresIn: expiresIn,
            now: wallClock / 1_000_000, random: random())
        self.init(delivery, decision.outcome)
        signal = decision.signal
        startedAt = now
        url = endpoint.urlID
        httpStatus = observation.httpStatus
        errorCode = decision.errorCode
        error = observation.message.map { StorableText.text(Array($0.utf8)) }
    }
}

/// Bytes from outside as text that PostgreSQL takes: recording must never fail because of them.
enum StorableText {
    /// Invalid UTF-8 and zero bytes become the replacement character.
    static func text(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.contains(0) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }
}
