import Outbox
import Settings
import Worker

extension EndpointPolicy {
    /// The policy of this installation.
    init(_ configuration: WorkerConfiguration) {
        self.init(
            allowHTTP: configuration.allowHTTP, addresses: AddressPolicy(allowed: configuration.allowedNetworks))
    }
}
