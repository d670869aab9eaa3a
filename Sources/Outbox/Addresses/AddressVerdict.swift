/// Whether an address may be dialled.
package enum AddressVerdict: Hashable, Sendable {
    /// It may.
    case allowed
    /// It may not, for this reason.
    case blocked(BlockReason)

    /// Whether the address may be dialled.
    package var isAllowed: Bool { self == .allowed }
}
