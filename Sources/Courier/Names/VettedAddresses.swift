internal import Outbox

/// Addresses of one host that the address policy has let through, all of them.
///
/// `generation` is the identity of the set: another look-up with the same addresses gives the same generation, one with
/// other addresses a new one. Connections are kept apart by it.
final class VettedAddresses: Sendable {
    let addresses: [IPAddress]
    let generation: UInt64

    init(_ addresses: [IPAddress], generation: UInt64) {
        self.addresses = addresses
        self.generation = generation
    }

    func contains(_ address: IPAddress) -> Bool {
        addresses.contains(address)
    }
}
