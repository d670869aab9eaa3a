import Logging
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry

/// What the registration asks of the database.
protocol RegistrationStore: LoopStore {
    /// Returns the worker's id.
    func register(name: String, version: String) async throws(PostgresError) -> Int32?
    /// Gives the connection back until it is needed again.
    func rest() async
}

/// Enters this worker in the list, however long the database takes to come, and again when the list has lost it. Nothing is
/// claimed without that.
final class Registration: Service {
    /// Between two tries.
    static let pause = Duration.milliseconds(500)
    /// Between two looks at whether the list still has this worker.
    static let idleWait = Duration.seconds(1)

    private let parts: WorkerParts
    private let store: any RegistrationStore
    private let name: String
    private let version: String
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)

    /// - Parameters:
    ///   - name: host and process, for people.
    ///   - version: of the product.
    init(_ parts: WorkerParts, store: any RegistrationStore, name: String, version: String) {
        self.parts = parts
        self.store = store
        self.name = name
        self.version = version
        wakeup = Wakeup(on: parts.time)
    }

    /// Stays until it is told to stop: a service that ends before that would end the worker.
    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            while !mustStop {
                if parts.state.id == nil {
                    await register()
                    await store.rest()
                }
                // The call to stop may have ended a wait within the registration.
                if !mustStop { await wakeup.wait(atMost: Self.idleWait) }
            }
            await store.close()
        } onCancelOrGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.store.closeSoon()
        }
    }

    private var mustStop: Bool { isStopping.load(ordering: .acquiring) }

    private func register() async {
        while !mustStop {
            do throws(PostgresError) {
                if let id = try await store.register(name: name, version: version) {
                    // Before the claimer knows the id: it takes this reason away, after its first look.
                    parts.health.set(.notLooked, true)
                    parts.state.registered(as: id)
                    parts.health.set(.starting, false)
                }
                return
            } catch {
                guard !mustStop else { return }
                parts.log.log(
                    .warning, "the worker could not be registered and tries again", with: [.error: "\(error)"])
                await wakeup.wait(atMost: Self.pause)
            }
        }
    }
}
