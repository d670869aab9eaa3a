/// Names one transaction.
final class TransactionTicket: Sendable {}

/// The part an exchange plays in a transaction that holds the connection for itself.
enum TransactionRole {
    case none
    case begins(TransactionTicket)
    case within(TransactionTicket)
    case ends(TransactionTicket)

    /// Whether it ends the transaction, and must therefore not be left out.
    var isEnd: Bool { if case .ends = self { true } else { false } }
}
