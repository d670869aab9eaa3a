import NIOCore

/// Connections of one event loop that wait until it is their turn to be read. What they send and how many they are does
/// not matter: the loop stays free for all others. Used on the loop alone.
final class ReadTurns {
    static let tick = TimeAmount.milliseconds(1)
    /// So many may wait. A connection that has gone keeps its place until its turn, so those who come and go at once would need ever
    /// more memory. No fewer than there may be connections.
    static let most = 8_192

    /// So many connections are read in each tick.
    private let eachTick: Int
    /// Where more come than are read, some wait until their time is over. From the newest on, those who come behind a crowd need not.
    private let isNewestFirst: Bool
    private let loop: any EventLoop
    private var waiting = CircularBuffer<() -> Void>()
    private var left: Int
    private var isTicking = false

    init(_ eachTick: Int, newestFirst: Bool = false, on loop: any EventLoop) {
        self.eachTick = eachTick
        isNewestFirst = newestFirst
        self.loop = loop
        left = eachTick
    }

    /// Calls `read` when it is its turn; at once where no one waits.
    func wait(_ read: @escaping () -> Void) {
        if !isTicking { schedule() }
        guard left > 0, waiting.isEmpty else {
            // The oldest goes before its turn: in a queue that long it has waited for seconds, or its connection has gone.
            if waiting.count == Self.most { waiting.popFirst()?() }
            return waiting.append(read)
        }
        left -= 1
        read()
    }

    private func schedule() {
        isTicking = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.tick) { bound.value.go() }
    }

    private func go() {
        isTicking = left < eachTick
        left = eachTick
        if isTicking { schedule() }
        while left > 0, let read = isNewestFirst ? waiting.popLast() : waiting.popFirst() {
            left -= 1
            read()
        }
    }
}

/// The turns of one event loop.
struct LoopTurns {
    /// New connections, which are read for the first time: a thousand a second on each loop. With more, those who connect again as soon
    /// as they were refused take the cores; with fewer, a gateway that opens all of its connections waits for the last of them.
    static let eachFirst = 1
    /// Large bodies, at most 16 KiB of each: 32 MiB a second on each loop. With more, those who send bodies as fast as they can take the
    /// cores from those who send small ones; with less, large bodies come slowly where no one floods.
    static let eachBody = 2

    let firsts: ReadTurns
    let bodies: ReadTurns

    init(_ loop: any EventLoop) {
        firsts = ReadTurns(Self.eachFirst, newestFirst: true, on: loop)
        bodies = ReadTurns(Self.eachBody, on: loop)
    }
}
