import Courier
import Logging
import Outbox
import OutboxStore
import Postgres
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry

/// What the poller asks of the database.
protocol PollStore: LoopStore {
    /// Ends what is due and not polled for; returns how many it had.
    func endDue(_ limit: Int32) async throws(PostgresError) -> Int32?
    /// Polls for this worker alone to make, until the lease is over.
    func takePolls(_ limit: Int32, lease: Duration) async throws(PostgresError) -> [DuePoll]
    /// Returns the state of the expectation; nil when the poll means nothing any more.
    func record(_ end: PollEnd) async throws(PostgresError) -> String?
}

/// Sees to callbacks that have not come: tells of missed ones, and has the couriers ask where there is someone to ask.
final class Poller: Service {
    static let loop = "poller"
    /// How many polls one worker has out at once. Fewer, and a crowd of mute ones delays the others; more, and deliveries feel it.
    static let limit = 256
    /// How many of each kind end in one transaction.
    static let portion: Int32 = 200
    /// How often it looks for what is due.
    static let pause = Duration.seconds(1)

    private let parts: WorkerParts
    private let store: any PollStore
    private let couriers: any RequestTaker
    private let wakeup: Wakeup
    private let isStopping = Atomic(false)
    private let desk = Mutex(PollDesk(limit: limit))

    init(_ parts: WorkerParts, store: any PollStore, couriers: any RequestTaker) {
        self.parts = parts
        self.store = store
        self.couriers = couriers
        wakeup = Wakeup(on: parts.time)
    }

    func run() async throws {
        parts.health.watch(Self.loop, limit: WorkerServices.silence)
        defer { parts.health.unwatch(Self.loop) }
        await withGracefulShutdownHandler {
            await work()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .releasing)
            self.wakeup.call()
            self.store.closeSoon()
        }
        await giveBack()
        await store.close()
    }

    private func work() async {
        var nextLook = parts.time.now
        var pace = FailurePace()
        while !isStopping.load(ordering: .acquiring), !Task.isCancelled {
            parts.health.beat(Self.loop)
            do throws(PostgresError) {
                let wasFull = desk.withLock { $0.room == 0 }
                try await record()
                if parts.time.now >= nextLook || wasFull {
                    nextLook = parts.time.now + (try await look() ? .zero : Self.pause)
                }
                pace.succeeded()
                await wakeup.wait(atMost: nextLook - parts.time.now)
            } catch {
                if !error.isOfConnection {
                    parts.log.log(
                        .warning, "expectations could not be seen to, and are tried again",
                        with: [.error: "\(error)", .sqlState: "\(error.sqlState?.description ?? "")"])
                }
                await wakeup.wait(atMost: pace.failed(error))
            }
        }
    }

    /// Returns whether more is due.
    func look() async throws(PostgresError) -> Bool {
        let ended = try await store.endDue(Self.portion) ?? 0
        let room = mayAsk ? desk.withLock { $0.room } : 0
        guard room > 0 else { return ended >= Self.portion }
        // Counted from before the database began to.
        let asked = parts.time.now
        let slack = parts.configuration.leaseSlack
        let due = try await store.takePolls(Int32(clamping: room), lease: PollRequest.timeout + slack)
        for poll in due { ask(poll, mustStartBefore: asked + slack / 2) }
        return ended >= Self.portion
    }

    /// Not while the worker ends, or the proxy fails.
    private var mayAsk: Bool { !parts.state.isDraining && (parts.proxy?.room(parts.time.now) ?? .max) > 0 }

    private func ask(_ poll: DuePoll, mustStartBefore: ContinuousClock.Instant) {
        guard let place = desk.withLock({ $0.begin(poll) }) else { return }
        do throws(SendingObstacle) {
            let (route, headers) = try parts.judge.poll(poll, id: place.routeID, revision: place.revision)
            couriers.submit([
                PollRequest(along: route, headers: headers, mustStartBefore: mustStartBefore) { [self] result in
                    if let blocked = result.blockedAddress {
                        // For the operator only: it says something about the network that this worker is in.
                        parts.log.log(
                            .warning, "a poll was kept from an address",
                            with: [.expectation: "\(poll.expectation)", .address: "\(blocked)"])
                    }
                    take(PollEnd(result, of: poll), at: place)
                    return []
                }
            ])
        } catch {
            take(PollEnd(error, of: poll), at: place)
        }
    }

    private func take(_ end: PollEnd, at place: PollDesk.Place) {
        desk.withLock { $0.end(end, at: place) }
        wakeup.call()
    }

    /// One by one: what is wrong with one answer is no other's harm.
    func record() async throws(PostgresError) {
        for (place, end) in desk.withLock({ $0.ended }) {
            try await record(end, at: place)
        }
    }

    private func record(_ end: PollEnd, at place: PollDesk.Place) async throws(PostgresError) {
        do throws(PostgresError) {
            let state = try await store.record(end)
            desk.withLock { $0.free(place) }
            parts.log.log(
                .debug, "a poll was recorded",
                with: [
                    .expectation: "\(end.poll.expectation)", .outcome: "\(state ?? "stale")",
                    .error: "\(end.error ?? "")",
                ])
        } catch {
            guard !error.isOfConnection else { throw error }
            // Another session has it: it is told again in the next turn. Its lease ends at some time, and it is asked again.
            guard error.sqlState != .lockNotAvailable else { return }
            guard end.body != nil else {
                desk.withLock { $0.free(place) }
                throw error
            }
            // The database cannot take the answer, or done_when took too long of it.
            var failed = end
            failed.body = nil
            failed.error = "\(ErrorCode.internalError.rawValue): the answer could not be looked at: \(error.message)"
            desk.withLock { $0.end(failed, at: place) }
        }
    }

    /// At the end: those that wait for an answer are asked by another worker, at once.
    func giveBack() async {
        for (place, end) in desk.withLock({ $0.all }) { try? await record(end, at: place) }
    }
}
