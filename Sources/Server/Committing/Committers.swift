import Inbox
import Logging
import Metrics
import Postgres
import ServiceLifecycle
import Telemetry

/// Store what waits, each one statement after the other, on a connection of its own.
///
/// A statement whose fate is unknown is sent again: the ledger of ids sees to it that nothing is stored twice. Where values are
/// at fault, the batch is halved until the request that they belong to is alone.
final class Committers: Service {
    static let pause = Duration.milliseconds(100)

    private let queue: CommitQueue
    private let stores: [any ReceiveStore]
    private let metrics: InboxMetrics
    private let log: Logger

    init(_ queue: CommitQueue, stores: [any ReceiveStore], metrics: InboxMetrics, log: Logger) {
        self.queue = queue
        self.stores = stores
        self.metrics = metrics
        self.log = log
    }

    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for store in stores {
                    group.addTask { await self.work(with: store) }
                }
            }
        } onCancelOrGracefulShutdown: {
            self.queue.close()
        }
    }

    private func work(with store: any ReceiveStore) async {
        while true {
            let batch = await queue.take()
            guard !batch.isEmpty else { break }
            await commit(batch[...], to: store)
            queue.done()
        }
        await store.close()
    }

    private func commit(_ batch: ArraySlice<CommitQueue.Entry>, to store: any ReceiveStore) async {
        while let first = batch.first {
            do throws(PostgresError) {
                let receipts = try await store.receive(batch.map(\.webhook))
                metrics.commits.increment()
                for (entry, receipt) in zip(batch, receipts) { entry.finish(.success(receipt)) }
                return
            } catch {
                log.log(
                    .warning, "requests could not be stored",
                    with: [.error: "\(error)", .count: "\(batch.count)"])
                if [.data, .bug].contains(error.kind), batch.count > 1 {
                    let middle = batch.startIndex + batch.count / 2
                    await commit(batch[..<middle], to: store)
                    return await commit(batch[middle...], to: store)
                }
                let mayTryAgain = [.retry, .reconnect, .resource].contains(error.kind) && error.code != .cancelled
                guard mayTryAgain, ContinuousClock.now - first.since < CommitQueue.longestWait, !Task.isCancelled else {
                    for entry in batch { entry.finish(.failure(.databaseUnavailable)) }
                    return
                }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }
}
