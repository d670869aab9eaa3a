internal import Outbox

/// What is known about a host name.
enum NameAnswer: Sendable {
    /// Every address is allowed.
    case vetted(VettedAddresses)
    /// This address of it is forbidden, and so the name is.
    case blocked(IPAddress)
    case failed(NameResolutionError)
}
