import Postgres

/// What time does.
extension Schedule {
    /// Takes in that it is this late: what waited for a time becomes ready, and who is silent for too long becomes suspect.
    mutating func advance(_ now: PostgresTimestamp) {
        steady.follow(now)
        while let first = silences.first, first.time <= steady.now {
            silences.remove(first.slot)
            findSilent(first.slot)
        }
        while let first = rests.first, first.time <= steady.now { makeReady(first.slot) }
        while let first = waits.first, first.time <= now.rawValue { makeReady(first.slot) }
        while let recheck = rechecks.pop(upTo: now) {
            tell(know(recheck.endpoint), from: recheck.from, at: now, rows: .max, now)
        }
    }

    /// A lane is watched from a claim on. Each answer moves the time, but not the entry: it is put in again when it comes up.
    private mutating func findSilent(_ slot: Int) {
        let lane = lanes[slot]
        guard lane.unanswered > 0, !lane.isSilent else { return }
        let end = lane.silentSince + Self.quick.microseconds
        if end >= steady.now {
            watch(slot)
        } else {
            change(slot) { $0.isSilent = true }
        }
    }

    /// Has a lane looked at when it has been silent for longer than is quick.
    mutating func watch(_ slot: Int) {
        guard !silences.contains(slot) else { return }
        silences.put(slot, at: lanes[slot].silentSince + Self.quick.microseconds + 1)
    }

    /// Whether there are lively lanes that should wait for no long claim.
    var hasLively: Bool { steady.now - lastLively <= Self.livelyMemory.microseconds }

    /// When something may become claimable without news; `now` if something is.
    ///
    /// - Parameters:
    ///   - freePermits: as for ``nextClaim(now:freePermits:freeBytes:)``.
    ///   - freeBytes, atMost: the same.
    func nextWake(
        now: PostgresTimestamp, freePermits: Int, freeBytes: Int, atMost: Int = .max
    ) -> PostgresTimestamp? {
        let time = steady.at(now)
        var next: PostgresTimestamp?
        func consider(_ other: PostgresTimestamp) { next = min(next ?? other, other) }
        if let claimAt = claimTime(Room(self, freePermits, freeBytes, atMost)) {
            consider(now.advanced(by: .microseconds(max(0, claimAt - time))))
        }
        if let rest = rests.first { consider(now.advanced(by: .microseconds(max(0, rest.time - time)))) }
        if let wait = waits.first { consider(PostgresTimestamp(rawValue: wait.time)) }
        if let recheck = rechecks.first { consider(recheck.at) }
        return next.map { max($0, now) }
    }
}

extension Duration {
    /// Whole microseconds of a short time.
    var microseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000_000) }
}
