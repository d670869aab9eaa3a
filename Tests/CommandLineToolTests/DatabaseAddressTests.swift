import Telemetry
import TestSupport
import Testing

@testable import CommandLineTool

@Suite struct DatabaseAddressTests {
    private func address(
        option: String? = nil, setting: String? = nil, _ environment: [String: String] = [:]
    ) -> DatabaseAddress {
        DatabaseAddress(
            option: option.map { Redacted($0) }, setting: setting.map { Redacted($0) }, environment: environment)
    }

    @Test func theFirstPlaceThatNamesOneWins() {
        let all = ["DATABASE_URL": "common", "PGHOST": "h", "PGUSER": "u", "PATH": "/bin"]
        let option = address(option: "option", setting: "setting", all)
        #expect(option.source == .option && option.text?.reveal() == "option")
        let setting = address(setting: "setting", all)
        #expect(setting.source == .setting && setting.text?.reveal() == "setting")
        let variables = address(all)
        #expect(variables.source == .variables(["PGHOST", "PGUSER"]) && variables.text == nil)
        let common = address(["DATABASE_URL": "common", "PGHOST": ""])
        #expect(common.source == .common && common.text?.reveal() == "common")
        let nothing = address(["DATABASE_URL": ""])
        #expect(nothing.source == .nothing && nothing.text == nil)
    }

    @Test(
        arguments: [
            (["--database-url", "host=127.0.0.1 port=1"], ["POSTRIDER_DATABASE_URL": "x"], "--database-url."),
            ([], ["POSTRIDER_DATABASE_URL": "host=127.0.0.1 port=1", "DATABASE_URL": "x"], "POSTRIDER_DATABASE_URL."),
            ([], ["DATABASE_URL": "postgresql://u:canary@127.0.0.1:1/d"], "The address is that of DATABASE_URL;"),
            ([], ["DATABASE_URL": "mysql://u:canary@127.0.0.1:1/d"], "The address is that of DATABASE_URL;"),
        ] as [([String], [String: String], String)])
    func anErrorSaysWhichOneWasUsed(options: [String], environment: [String: String], sentence: String) async {
        for command in [["status"], ["event", "list"], ["endpoint", "pause", "a"], ["doctor"]] {
            let recording = Recording()
            let status = await CommandLineTool.run(command + options, in: recording.context(environment: environment))
            #expect(status != .done)
            #expect(recording.error.contains(sentence), "\(recording.error)")
            #expect(!recording.error.contains("canary"))
        }
    }

    @Test func anEmptyAddressIsAMistake() async {
        let recording = Recording()
        #expect(await CommandLineTool.run(["status", "--database-url", ""], in: recording.context()) == .usage)
    }

    @Test func theOptionGoesBeforeTheSetting() async throws {
        try await Installation.with { (installation) async throws in
            let wrong = ["POSTRIDER_DATABASE_URL": "host=127.0.0.1 port=1"]
            for command in [["status"], ["endpoint", "list"], ["event", "publish", "a.b"], ["migrate"]] {
                let ended = await installation.run(
                    command + ["--database-url", installation.database.url], environment: wrong)
                #expect(ended.status == .done, "\(ended.error)")
            }
        }
    }
}
