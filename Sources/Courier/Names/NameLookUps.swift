/// The look-ups that run on one courier's queue, with their sockets in its epoll set. Used on that queue only.
///
/// A name whose servers are silent costs two questions of some hundred bytes each, no thread and no socket of its own.
final class NameLookUps {
    /// How many channels there may be: one a second for as long as a look-up may take, and room for a rush. While there are as
    /// many, the newest takes more. Each has a socket for each name server that it asks.
    static let mostChannels = 8

    private let names: NameService
    private let limits: CourierConfiguration.Names
    private let sockets: NameSockets
    /// How many look-ups run at once, and how many one channel takes.
    private let maximum: Int
    private let channelMaximum: Int
    /// The last one takes new look-ups, the first one is the oldest.
    private var channels: [NameChannel] = []
    private var lastNumber: UInt64 = 0
    /// When `actOnTime` is to be called next.
    private(set) var deadline: ContinuousClock.Instant?

    /// - Parameters:
    ///   - share: how many couriers there are.
    ///   - watch: as ``NameSockets`` says.
    init(
        names: NameService, limits: CourierConfiguration.Names, share: Int,
        watch: @escaping (Int32, _ reading: Bool, _ writing: Bool) -> Void
    ) {
        self.names = names
        self.limits = limits
        sockets = NameSockets(watch: watch)
        maximum = max(8, limits.maximumLookUps / max(1, share))
        channelMaximum = maximum / 8
    }

    /// How many look-ups run.
    var count: Int { channels.reduce(0) { $0 + $1.lookUps.count } }

    /// Begins a look-up; its end is told to the service. When too many run, the oldest channel with its look-ups gives way:
    /// those have had more time than a healthy name server needs.
    func begin(_ order: LookUpOrder) {
        if count >= maximum, let oldest = channels.first {
            channels.removeFirst()
            for lookUp in oldest.lookUps { names.finish(lookUp.order, .failure(NameResolutionError(.overloaded))) }
        }
        let now = ContinuousClock.now
        guard let channel = channelForNext(now: now) else {
            names.finish(order, .failure(NameResolutionError(.serverFailure)))
            return
        }
        channel.begin(LookUp(order, deadline: now + limits.budget))
        finishEnded(of: channel)
    }

    /// False when the socket is none of these.
    func act(on socket: Int32, reading: Bool, writing: Bool) -> Bool {
        guard let number = sockets.channel(of: socket) else { return false }
        if let channel = channels.first(where: { $0.number == number }) {
            channel.proceed(socket, reading: reading, writing: writing)
            finishEnded(of: channel)
        }
        return true
    }

    func actOnTime() {
        guard let deadline, deadline <= .now else { return }
        for channel in channels where channel.deadline.map({ $0 <= .now }) ?? false {
            channel.proceed()
            finishEnded(of: channel)
        }
    }

    /// Ends all look-ups without an answer. Others may ask for their names again.
    func abandonAll() {
        for channel in channels {
            for lookUp in channel.lookUps { names.abandon(lookUp.order) }
        }
        channels = []
        deadline = nil
    }

    private func channelForNext(now: ContinuousClock.Instant) -> NameChannel? {
        if let newest = channels.last, takesMore(newest, now: now) || channels.count >= Self.mostChannels {
            return newest
        }
        lastNumber += 1
        guard let channel = NameChannel(number: lastNumber, limits: limits, sockets: sockets, now: now) else {
            return nil
        }
        channels.append(channel)
        return channel
    }

    private func takesMore(_ channel: NameChannel, now: ContinuousClock.Instant) -> Bool {
        channel.begun < channelMaximum && now < channel.opened + limits.channelAge
    }

    private func finishEnded(of channel: NameChannel) {
        let now = ContinuousClock.now
        for lookUp in channel.takeEnded(now: now) { names.finish(lookUp.order, lookUp.result) }
        channels.removeAll { $0.lookUps.isEmpty && !takesMore($0, now: now) }
        deadline = channels.compactMap(\.deadline).min()
    }
}
