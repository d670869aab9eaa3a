import ArgumentParser
import FoundationEssentials
import Logging
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals
import Worker

/// `postrider worker`: claims, delivers, records, serves health, until SIGTERM or SIGINT.
struct WorkerCommand: ContextCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker: claim, deliver, record, serve health. SIGTERM drains.",
        discussion: """
            Run as many as you like, on as many machines as you like. Logs go to standard error.

            SIGTERM or Ctrl-C drains: the worker claims nothing more, finishes what is in flight, and exits with 0. \
            A second one ends the drain at once: the worker hands back what is in flight, and exits with 1 if it \
            could not record that.

            Example:
              postrider worker
            """)

    @OptionGroup var options: OutputOptions

    func run(in context: CommandContext) async throws {
        let process = try ServiceProcess(in: context, metrics: MetricDescription.postrider)
        defer { process.sink.flush() }
        let worker = try WorkerServices(
            process.configuration, database: process.database,
            name: "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)",
            version: PostriderVersion.current, keyFile: process.keyFile, registry: process.registry, log: process.log)
        try await ServiceProcess.run(
            .process(worker.all, longestStop: worker.longestStop, log: process.log),
            stoppedBy: await UnixSignalsSequence(trapping: .sigterm, .sigint), again: worker.cutDrain,
            failure: "the worker ended", log: process.log)
        let left = worker.leftByCutDrain
        guard left == 0 else {
            process.log.log(
                .error, "the drain was cut; what could not be recorded is sent again when its leases end",
                with: [.count: "\(left)"])
            throw Unsuccessful()
        }
    }
}
