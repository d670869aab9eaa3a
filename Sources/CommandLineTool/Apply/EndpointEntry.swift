import Outbox
import OutboxStore

/// An endpoint as a file wants it.
struct EndpointEntry: Sendable {
    let name: String
    /// Where the name stands.
    let line: Int
    let tenant: String
    /// What the file says; what it leaves out has its default.
    let settings: EndpointSettings
    /// The secret, should the endpoint be new.
    let secret: OutsideText?

    var reference: EndpointReference { EndpointReference(name, tenant: tenant) }

    /// A text that does not stand in the file, because it may be a credential.
    struct OutsideText: Sendable, Equatable {
        enum Place: Sendable, Equatable {
            /// The name of an environment variable.
            case environment(String)
            /// A path, from the folder of the file on.
            case file(String)
        }

        let place: Place
        let line: Int
        let key: String
    }
}
