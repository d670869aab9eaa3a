import Inbox
import Synchronization

/// The sources as they were last read. They stay known while the database is away.
final class SourceBook: Sendable {
    enum Finding: Sendable {
        case source(Source)
        /// There is one, but it cannot be used.
        case unusable
        case unknown
        /// No sources have been read yet.
        case notRead
    }

    private struct Entry {
        let stored: StoredSource
        /// Nil for one that cannot be used.
        let source: Source?
        var bucket: TokenBucket?
    }

    private let entries = Mutex<[String: Entry]?>(nil)

    /// How many sources can be used, and how many cannot.
    var counts: (usable: Int, unusable: Int) {
        entries.withLock { entries in
            let usable = entries?.values.count { $0.source != nil } ?? 0
            return (usable, (entries?.count ?? 0) - usable)
        }
    }

    func find(_ name: String) -> Finding {
        entries.withLock { entries in
            guard let entries else { return .notRead }
            guard let entry = entries[name] else { return .unknown }
            return entry.source.map { .source($0) } ?? .unusable
        }
    }

    /// How long it takes until the source may get another request; nil where it may now.
    func wait(_ source: Source, now: ContinuousClock.Instant) -> Duration? {
        entries.withLock { $0?[source.name]?.bucket?.wait(now: now) }
    }

    /// Takes a request's part of what the source may get. To be called for what its sender has sent, not for what others have.
    ///
    /// - Returns: nil when there was room, otherwise how long it takes until there is.
    func take(_ source: Source, now: ContinuousClock.Instant) -> Duration? {
        entries.withLock { $0?[source.name]?.bucket?.take(now: now) }
    }

    /// Takes over what was read.
    ///
    /// - Parameter open: opens a source that is new or has changed.
    /// - Returns: of each source that has just become unusable, why.
    func update(
        _ stored: [StoredSource], now: ContinuousClock.Instant,
        open: (StoredSource) throws(UnusableSource) -> Source
    ) -> [(name: String, why: UnusableSource)] {
        let known = entries.withLock { $0 } ?? [:]
        var next: [String: Entry] = [:]
        var unusable: [(name: String, why: UnusableSource)] = []
        for one in stored {
            if let entry = known[one.name], entry.stored == one {
                next[one.name] = entry
                continue
            }
            do throws(UnusableSource) {
                let source = try open(one)
                next[one.name] = Entry(
                    stored: one, source: source,
                    bucket: source.rateLimit.map { TokenBucket(rate: $0, now: now) })
            } catch {
                next[one.name] = Entry(stored: one, source: nil, bucket: nil)
                unusable.append((one.name, error))
            }
        }
        entries.withLock { entries in
            // What was taken in between counts on.
            for (name, entry) in entries ?? [:] where next[name]?.stored == entry.stored {
                next[name]?.bucket = entry.bucket
            }
            entries = next
        }
        return unusable
    }
}
