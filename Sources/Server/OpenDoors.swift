import Doors
import ServiceLifecycle

/// Doors that close at the same time, so that none takes requests while another drains.
struct OpenDoors: Service {
    let doors: [Door]

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for door in doors { group.addTask { try await door.run() } }
        }
    }
}
