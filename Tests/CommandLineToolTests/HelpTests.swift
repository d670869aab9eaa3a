import ArgumentParser
import Foundation
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(1))) struct HelpTests {
    /// Every command there is, groups included, with the words that lead to it.
    static let commands: [(words: [String], type: any ParsableCommand.Type)] = all(PostriderCommand.self, [])

    private static func all(
        _ type: any ParsableCommand.Type, _ words: [String]
    ) -> [(words: [String], type: any ParsableCommand.Type)] {
        type.configuration.subcommands.flatMap { child in
            let path = words + [child.configuration.commandName ?? ""]
            return [(path, child)] + all(child, path)
        }
    }

    @Test func allOfTheContractAreThere() {
        let known = Set(Self.commands.map { $0.words.joined(separator: " ") })
        for command in [
            "migrate", "worker", "endpoint add", "endpoint list", "endpoint show", "endpoint update", "endpoint pause",
            "endpoint resume", "endpoint remove", "endpoint rotate-secret", "endpoint test", "endpoint export", "apply",
            "event publish",
            "event list", "event show", "event retry", "event cancel", "dead-letter list", "dead-letter show",
            "dead-letter replay",
            "dead-letter discard", "status", "doctor", "demo", "receive",
            "serve",
            "token add", "token list", "token revoke",
        ] {
            #expect(known.contains(command), "\(command)")
        }
    }

    @Test func everyCommandHasAnExampleThatParses() throws {
        for (words, type) in Self.commands {
            let lines = type.configuration.discussion.replacing("\\\n    ", with: "")
                .split(separator: "\n", omittingEmptySubsequences: false)
            let heading = try #require(lines.firstIndex(of: "Example:"), "\(words)")
            let example = try #require(lines[(heading + 1)...].first, "\(words)")
            let arguments = Self.words(String(example.drop { $0 == " " }))
            let command = arguments.drop { $0 != "postrider" }.dropFirst()
            #expect(command.starts(with: words), "\(example)")
            #expect(throws: Never.self, "\(example)") { try PostriderCommand.parseAsRoot(Array(command)) }
        }
    }

    /// A paragraph is one line in the source, and the parser breaks it where the next word does not fit. A line that was
    /// broken before comes out short.
    @Test(arguments: [80, 160]) func paragraphsAreBrokenOnlyWhereTheLineIsFull(columns: Int) throws {
        for (words, type) in Self.commands + [([], PostriderCommand.self)] {
            let help = PostriderCommand.helpMessage(for: type, columns: columns)
            let overview = try #require(help.components(separatedBy: "\n\nUSAGE: ").first, "\(words)")
            let lines = overview.components(separatedBy: "\n")
            for (line, next) in zip(lines, lines.dropFirst()) where !next.isEmpty && !next.hasPrefix(" ") {
                #expect(line.count < columns, "\(words): \(line)")
                guard !line.isEmpty, let word = next.split(separator: " ").first else { continue }
                #expect(line.count + 1 + word.count >= columns, "\(words): \(line)\n\(next)")
            }
        }
    }

    /// A person copies an example, so it is on one line, or its lines end with a backslash.
    @Test func examplesKeepTheirLines() throws {
        for (words, type) in Self.commands {
            let example = try #require(
                type.configuration.discussion.components(separatedBy: "Example:\n").last, "\(words)")
            #expect(PostriderCommand.helpMessage(for: type, columns: 80).contains("Example:\n\(example)"), "\(words)")
        }
    }

    @Test func everyCommandThatDoesSomethingTakesJSON() async {
        for (words, type) in Self.commands where type.configuration.subcommands.isEmpty {
            let recording = Recording()
            #expect(await CommandLineTool.run(words + ["--help"], in: recording.context()) == .done)
            #expect(recording.output.contains("--json"), "\(words)")
            #expect(recording.output.contains("--database-url"), "\(words)")
            #expect(recording.output.contains("Example:"), "\(words)")
        }
    }

    @Test func everyCommandsJSONIsDocumentedWithAnExample() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/command-line-json.md"), encoding: .utf8)
        let sections = text.components(separatedBy: "\n## `postrider ").dropFirst()
        for (words, type) in Self.commands where type.configuration.subcommands.isEmpty {
            let heading = words.joined(separator: " ") + "`\n"
            let section = try #require(sections.first { $0.hasPrefix(heading) }, "\(words)")
            // Two print no result, the other the same as `endpoint show`.
            guard words != ["worker"], words != ["serve"], words != ["endpoint", "update"] else { continue }
            let example = try #require(section.components(separatedBy: "```json\n").dropFirst().first, "\(words)")
            let json = example.components(separatedBy: "\n```")[0]
            #expect(throws: Never.self, "\(words)") { try JSONSerialization.jsonObject(with: Data(json.utf8)) }
        }
    }

    /// The words of a line as a shell sees them; single quotes only.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        for character in line {
            switch character {
            case "'": isQuoted.toggle()
            case " " where !isQuoted:
                words.append(word)
                word = ""
            default: word.append(character)
            }
        }
        return words + [word]
    }
}
