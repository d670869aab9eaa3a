import Foundation
import Glibc
import Logging
import Synchronization
import Testing

@testable import Telemetry

@Suite(.timeLimit(.minutes(1))) struct LogSinkTests {
    /// Logs into a pipe and returns the lines that came out of it.
    private func lines(
        format: LogFormat = .text, level: Logger.Level = .info, time: Duration = .zero,
        _ body: (Logger) -> Void
    ) throws -> [String] {
        let pipe = Pipe()
        let writer = LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let clock = LogSink.Clock(wall: { 1_732_060_800 }, monotonic: { time })
        let sink = LogSink(
            format: format, writer: writer, throttle: LogThrottle(limit: 2, interval: .seconds(1)), clock: clock)
        body(sink.makeLogger(label: "test", level: level))
        sink.flush()
        try pipe.fileHandleForWriting.close()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func linesArriveInOrderWithTheirData() throws {
        let lines = try lines { logger in
            var logger = logger
            logger[metadataKey: "worker"] = "w1"
            logger.log(.notice, "Started", with: [.version: "1.0", .count: .stringConvertible(2)])
            logger.info("Plain", metadata: ["worker": "w2"])
        }
        #expect(
            lines == [
                "2024-11-20T00:00:00.000Z notice   Started count=2 version=1.0 worker=w1",
                "2024-11-20T00:00:00.000Z info     Plain worker=w2",
            ])
    }

    @Test func quietLevelsCostNothing() throws {
        let lines = try lines(level: .warning) { logger in
            logger.log(
                .info, "Unseen",
                with: { () -> [LogKey: Logger.MetadataValue] in
                    Issue.record("evaluated")
                    return [:]
                }())
        }
        #expect(lines.isEmpty)
    }

    @Test func noticesAndWarningsAreThrottledAndInformationIsNot() throws {
        let lines = try lines { logger in
            for number in 0..<5 {
                logger.warning("Database unreachable", metadata: ["n": "\(number)"])
                logger.notice("Connected again")
                logger.info("Tick")
            }
        }
        #expect(lines.filter { $0.contains("Database unreachable") }.count == 2)
        #expect(lines.filter { $0.contains("Connected again") }.count == 2)
        #expect(lines.filter { $0.contains("Tick") }.count == 5)
    }

    @Test func whatWasHeldBackIsToldLater() throws {
        let pipe = Pipe()
        let time = Mutex(Duration.zero)
        let sink = LogSink(
            format: .json, writer: LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor),
            throttle: LogThrottle(limit: 1, interval: .seconds(1)),
            clock: .init(wall: { 0 }, monotonic: { time.withLock { $0 } }))
        let logger = sink.makeLogger(label: "test", level: .info)
        for _ in 0..<4 {
            logger.error("Down")
        }
        time.withLock { $0 = .seconds(1) }
        logger.error("Down")
        sink.flush()
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(
            text == """
                {"time":"1970-01-01T00:00:00.000Z","level":"error","message":"Down"}
                {"time":"1970-01-01T00:00:00.000Z","level":"error","message":"Down","suppressed":3}

                """)
    }

    @Test func fullPipeDropsLinesInsteadOfBlocking() throws {
        let pipe = Pipe()
        // One page: the first ten lines that the buffer takes are more than the pipe does.
        let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ, which the C library's module leaves out.
        let size = fcntl(pipe.fileHandleForWriting.fileDescriptor, setPipeSize, 4096)
        try #require(size == 4096)
        let writer = LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor, capacity: 10_000)
        let line = String(repeating: "x", count: 999)
        for _ in 0..<1000 {
            writer.write(line)
        }
        let dropped = writer.droppedLines
        #expect(dropped > 500)
        #expect(!writer.flush(timeout: .milliseconds(10)))
        let reader = PipeReader(pipe.fileHandleForReading)
        #expect(writer.flush(timeout: .seconds(30)))
        try pipe.fileHandleForWriting.close()
        let lines = reader.text().split(separator: "\n")
        let whole = lines.count { $0 == line }
        #expect(whole == 1000 - Int(dropped))
        let reported = lines.filter { $0 != line }.compactMap { $0.split(separator: " ").dropFirst().first }
        #expect(reported.compactMap { Int($0) }.reduce(0, +) == Int(dropped))
    }

    @Test func closedPipeIsNotTheEnd() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        let writer = LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        writer.write("into the void")
        #expect(writer.flush())
        writer.write("still here")
        #expect(writer.flush())
    }
}

/// Reads a pipe to its end on a thread of its own.
private final class PipeReader: Sendable {
    private let content = Mutex(Data())
    private let done = DispatchSemaphore(value: 0)

    init(_ handle: FileHandle) {
        Thread.detachNewThread {
            let data = (try? handle.readToEnd()) ?? Data()
            self.content.withLock { $0 = data }
            self.done.signal()
        }
    }

    func text() -> String {
        done.wait()
        return content.withLock { String(decoding: $0, as: UTF8.self) }
    }
}
