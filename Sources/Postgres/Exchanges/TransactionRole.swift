/// Names one transaction.
final class TransactionTicket: Sendable {}

/// The part an exchange plays in a transaction that holds the connection for itself.
enum TransactionRole {
    case none
    case begins(TransactionTicket)
    case within(TransactionTicket)
    case ends(TransactionTicket)
}
