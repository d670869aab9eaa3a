import Courier
import Synchronization

@testable import Worker

/// Takes requests, as the couriers do, and keeps them.
final class FakeTaker: RequestTaker {
    let taken = Mutex<[any CourierRequest]>([])
    let queued = 0

    func submit(_ batch: [any CourierRequest]) { taken.withLock { $0 += batch } }
    func cancelAll() {}

    func all<Request: CourierRequest>(_ kind: Request.Type) -> [Request] {
        taken.withLock { $0.compactMap { $0 as? Request } }
    }
}
