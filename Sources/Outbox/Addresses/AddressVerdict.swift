/// Whether an address may be dialled.
public enum AddressVerdict: Hashable, Sendable {
    /// It may.
    case allowed
    /// It may not, for this reason.
    case blocked(BlockReason)

    /// Whether the address may be dialled.
    public var isAllowed: Bool { self == .allowed }
}
