import OutboxStore
import Postgres

/// What happens next to a delivery, in words, and the command that helps. No I/O.
struct Prospect: Equatable {
    let text: String
    /// What an operator can do; nil when nothing is needed.
    let remedy: String?

    init(_ delivery: EventDelivery, _ prospect: DeliveryProspect?, _ ending: DeliveryEnding? = nil) {
        (text, remedy) = Self.words(delivery, prospect, ending)
    }

    private static func words(
        _ delivery: EventDelivery, _ prospect: DeliveryProspect?, _ ending: DeliveryEnding?
    ) -> (String, String?) {
        let finished = delivery.finishedAt.map { " at \($0)" } ?? ""
        switch delivery.status {
        case "delivered": return ("delivered\(finished), by attempt \(delivery.attempts)", nil)
        case "no_subscriber":
            return (
                "no endpoint subscribed to \(delivery.eventType ?? "it") when it was published",
                "postrider endpoint list  (endpoints that are added later do not get it)"
            )
        case "dead":
            let remedy = prospect?.deadLetter.map {
                DeadLetterAdvice.replay($0, isRemoved: prospect?.state == "removed")
            }
            return ("given up\(finished), after attempt \(delivery.attempts)" + why(ending), remedy)
        case "expired": return ("expired\(finished): it was not delivered before expires_at", nil)
        case "cancelled": return ("cancelled\(finished)" + why(ending), nil)
        case "filtered": return ("filtered\(finished)" + why(ending), nil)
        case "superseded": return ("superseded\(finished)" + why(ending), nil)
        default: break
        }
        guard let prospect else { return (delivery.status, nil) }
        guard ending?.reason == nil else { return ("in flight, the last attempt" + why(ending), nil) }
        return living(delivery, prospect)
    }

    /// `: attempts_exhausted`, `; discarded by alice: too old`, ` by alice: sent by hand`. The reason begins with what was done.
    private static func why(_ ending: DeliveryEnding?) -> String {
        guard let reason = ending?.reason else { return "" }
        let by = ending?.by.map { " by \($0)" } ?? ""
        if reason.hasPrefix("cancelled by ") { return "; \(reason)" }
        if reason.hasPrefix("discarded: ") { return "; discarded\(by)\(reason.dropFirst("discarded".count))" }
        return ": \(reason)"
    }

    private static func living(_ delivery: EventDelivery, _ prospect: DeliveryProspect) -> (String, String?) {
        if let other = prospect.waitsFor {
            return (
                "waits for event \(other), which has the same ordering key and comes first",
                "postrider event show \(other)"
            )
        }
        if delivery.status == "held" {
            let why = prospect.stateReason.map { " (\($0))" } ?? ""
            return (
                "held: the endpoint is \(prospect.state)\(why)",
                "postrider endpoint resume \(ShellWord(prospect.endpoint))"
            )
        }
        if delivery.status == "in_flight" {
            let worker = prospect.worker.map { ", by worker \($0)" } ?? ""
            let lease = prospect.leaseUntil.map { "; its lease ends at \($0)" } ?? ""
            return ("in flight: attempt \(prospect.attempts) of \(prospect.maxAttempts)\(worker)\(lease)", nil)
        }
        if let leaseUntil = prospect.leaseUntil {
            let worker = prospect.worker.map { " \($0)" } ?? ""
            return (
                "attempt \(prospect.attempts): worker\(worker) did not report, and its lease ended at \(leaseUntil); "
                    + "the next worker takes it up", "postrider status  (is a worker running?)"
            )
        }
        let next = "attempt \(prospect.attempts + 1) of \(prospect.maxAttempts)"
        guard let dueIn = prospect.dueIn, let dueAt = delivery.dueAt else {
            return ("\(next), after other deliveries", nil)
        }
        if dueIn > .zero { return ("\(next) at \(dueAt), \(Age.text(.zero - dueIn))", nil) }
        return (
            "\(next), due \(Age.text(.zero - dueIn))",
            dueIn < .seconds(-5) ? "postrider status  (is a worker running?)" : nil
        )
    }
}
