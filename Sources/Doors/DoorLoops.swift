import NIOPosix

/// The event loops of this process that doors run on. They begin with the first door, and stay.
package enum DoorLoops: Sendable {
    /// One thread, for doors that are asked rarely.
    case one
    /// A thread for each core, for doors that many come to. What floods them does not hold up those of the other.
    case many

    private static let single = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    var group: MultiThreadedEventLoopGroup {
        switch self {
        case .one: Self.single
        case .many: .singleton
        }
    }
}
