import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import UnixSignals

@testable import CommandLineTool

/// How the process of a worker ends.
@Suite(.timeLimit(.minutes(1))) struct WorkerCommandTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A service that fails, ends too early, or stops when it is told to.
    private struct Actor: Service {
        enum Part: Equatable {
            case stopsWhenTold, fails, endsTooEarly
        }

        struct Failure: Error {}

        let name: String
        let part: Part
        var stopped = AsyncStream<String>.makeStream().continuation

        func run() async throws {
            switch part {
            case .stopsWhenTold:
                try await gracefulShutdown()
                stopped.yield(name)
            case .fails: throw Failure()
            case .endsTooEarly: return
            }
        }
    }

    /// Runs services as the command does; the status that the process would exit with.
    private static func status(
        of services: [any Service], signals: AsyncStream<UnixSignal> = AsyncStream { _ in },
        again: @escaping @Sendable () -> Void = {}
    ) async -> CommandStatus {
        do {
            try await ServiceProcess.run(
                .process(services, longestStop: .seconds(30), log: silent), stoppedBy: signals, again: again,
                failure: "ended", log: silent)
            return .done
        } catch {
            return CommandLineTool.report(error, in: .live())
        }
    }

    @Test func aServiceThatFailsEndsTheProcessWithOne() async {
        await #expect(processExitsWith: .exitCode(1)) {
            exit(
                await Self.status(of: [Actor(name: "a", part: .stopsWhenTold), Actor(name: "b", part: .fails)]).rawValue
            )
        }
    }

    @Test func aServiceThatEndsTooEarlyEndsTheProcessWithOne() async {
        await #expect(processExitsWith: .exitCode(1)) {
            exit(
                await Self.status(of: [Actor(name: "a", part: .stopsWhenTold), Actor(name: "b", part: .endsTooEarly)])
                    .rawValue)
        }
    }

    @Test func theFailureOfOneStopsTheOthersInGoodOrder() async {
        let (stopped, continuation) = AsyncStream<String>.makeStream()
        let status = await Self.status(of: [
            Actor(name: "first", part: .stopsWhenTold, stopped: continuation), Actor(name: "middle", part: .fails),
            Actor(name: "last", part: .stopsWhenTold, stopped: continuation),
        ])
        continuation.finish()
        #expect(status == .failure)
        #expect(await stopped.reduce(into: []) { $0.append($1) } == ["last", "first"])
    }

    @Test func theFirstSignalStopsTheServicesFromTheLastToTheFirst() async {
        let (stopped, continuation) = AsyncStream<String>.makeStream()
        let (signals, send) = AsyncStream<UnixSignal>.makeStream()
        send.yield(.sigterm)
        let status = await Self.status(
            of: ["a", "b", "c"].map { Actor(name: $0, part: .stopsWhenTold, stopped: continuation) }, signals: signals,
            again: { Issue.record("there was one signal only") })
        continuation.finish()
        #expect(status == .done)
        #expect(await stopped.reduce(into: []) { $0.append($1) } == ["c", "b", "a"])
    }

    /// Stops only when the second signal has come.
    private struct Slow: Service {
        let cut: AsyncStream<Void>

        func run() async throws {
            try await gracefulShutdown()
            _ = await cut.first { _ in true }
        }
    }

    @Test func theSecondSignalCutsTheDrain() async {
        let (cut, hurry) = AsyncStream<Void>.makeStream()
        let (signals, send) = AsyncStream<UnixSignal>.makeStream()
        send.yield(.sigint)
        send.yield(.sigterm)
        let status = await Self.status(of: [Slow(cut: cut)], signals: signals, again: { hurry.yield() })
        #expect(status == .done)
    }
}
