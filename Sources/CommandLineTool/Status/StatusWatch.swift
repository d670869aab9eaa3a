import Postgres
import Settings
import Telemetry
import UnixSignals

/// Shows the status again and again, until Ctrl-C, SIGTERM or q, or until its reader is gone, even while the database cannot be
/// reached.
struct StatusWatch: Sendable {
    let context: CommandContext
    let options: OutputOptions
    let interval: Duration
    /// One look.
    let look: @Sendable () async throws -> StatusSnapshot

    /// ECMA-48: to the upper left corner, and erase from there.
    private static let home = "\u{1b}[H\u{1b}[J"
    /// Keys that were struck and not looked at yet; more are dropped.
    private static let keyLimit = 64

    private enum News: Sendable {
        case looked(StatusSnapshot)
        case unreachable(String)
        case key(UInt8)
    }

    /// What was seen last.
    private struct View {
        var snapshot: StatusSnapshot?
        /// When that was, in seconds since 1970.
        var seenAt = 0.0
        /// Why the database does not answer.
        var failure: String?
        var order = StatusOrder.worst
    }

    func run() async throws {
        let (news, arriving) = AsyncStream.makeStream(of: News.self, bufferingPolicy: .bufferingNewest(Self.keyLimit))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await goOn(looking: arriving) }
            group.addTask {
                for await key in context.keys() { arriving.yield(.key(key)) }
                return false
            }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
                return true
            }
            group.addTask { try await show(news) }
            // A keyboard that is not there ends nothing.
            while let isOver = try await group.next(), !isOver {}
        }
    }

    private var isScreen: Bool { context.terminalWidth != nil && !options.json }

    private func goOn(looking arriving: AsyncStream<News>.Continuation) async throws -> Bool {
        while !Task.isCancelled, !context.isOutputBroken() {
            do {
                arriving.yield(.looked(try await look()))
            } catch let error as PostgresError where DatabaseFailure.status(error) == .databaseUnavailable {
                arriving.yield(.unreachable("\(PrintableText("\(error)", limit: 500))"))
            }
            try? await Task.sleep(for: interval)
        }
        return true
    }

    private func show(_ news: AsyncStream<News>) async throws -> Bool {
        var view = View()
        for await event in news {
            switch event {
            case .looked(let snapshot):
                if view.snapshot != nil, !isScreen, !options.json { context.writeOutput("\n") }
                view.snapshot = snapshot
                view.seenAt = context.now()
                view.failure = nil
            case .unreachable(let why):
                view.failure = why
                guard isScreen else {
                    context.writeError("The database does not answer: \(why). Trying again.\n")
                    continue
                }
            case .key(UInt8(ascii: "q")): return true
            case .key(UInt8(ascii: "s")): view.order = view.order.next
            case .key: continue
            }
            try draw(view)
            context.flushOutput()
        }
        return true
    }

    private func draw(_ view: View) throws {
        var context = context
        let size = context.terminalSize()
        if isScreen { context.terminalWidth = size?.columns ?? context.terminalWidth }
        let output = Output(options, in: context)
        guard isScreen else {
            guard let snapshot = view.snapshot else { return }
            return try StatusScreen(snapshot: snapshot, order: view.order).show(on: output)
        }
        context.writeOutput(Self.home)
        output.line(
            "\(Self.clock(context.now()))  every \(DurationText.format(interval)), \(view.order.text)  (s sorts, q quits)"
        )
        var used = 1
        if let failure = view.failure {
            let lines = Folded.lines(
                "The database does not answer: \(failure)."
                    + (view.snapshot == nil ? "" : " What was known at \(Self.clock(view.seenAt)):"),
                width: output.width, first: "", rest: "  ")
            for line in lines { output.line(line, .bad) }
            used += lines.count
        }
        guard let snapshot = view.snapshot else { return }
        // One line is left for the cursor.
        let height = size.map { max(1, $0.rows - used - 1) }
        try StatusScreen(snapshot: snapshot, order: view.order, height: height).show(on: output)
    }

    /// The time of day in UTC.
    private static func clock(_ time: Double) -> String {
        let seconds = Int64(exactly: time.rounded(.down)).map { (($0 % 86_400) + 86_400) % 86_400 } ?? 0
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)) UTC"
    }
}
