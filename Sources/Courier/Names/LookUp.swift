import Outbox

/// A look-up that ``NameService`` wants done: of this name, once.
struct LookUpOrder: Sendable {
    /// A host name without a trailing dot. It is absolute: no search domain may be appended.
    let name: String
    /// Tells this look-up from earlier ones of the name.
    let flight: UInt64
}

/// A look-up that runs. Used on one courier's queue only.
final class LookUp {
    let order: LookUpOrder
    /// When it ends with what it has by then.
    private(set) var deadline: ContinuousClock.Instant
    private var answers = FamilyAnswers()

    init(_ order: LookUpOrder, deadline: ContinuousClock.Instant) {
        self.order = order
        self.deadline = deadline
    }

    /// - Parameter patience: how long the other family is still waited for when this one has brought addresses.
    func take(
        _ answer: FamilyAnswers.Answer, for family: AddressFamily, now: ContinuousClock.Instant, patience: Duration
    ) {
        answers.take(answer, for: family)
        if answers.hasAddresses { deadline = min(deadline, now + patience) }
    }

    func isOver(at now: ContinuousClock.Instant) -> Bool { answers.isComplete || deadline <= now }

    var result: FamilyAnswers.Answer { answers.joined(prefersIPv6: IPv6Route.isUsable(to:)) }
}
