import ArgumentParser
import Foundation
import Testing

@testable import CommandLineTool

/// What a command draws, held against a file that was looked at. UPDATE_SCREENS=1 writes the files again.
struct Screen {
    let name: String
    let width: Int

    private var file: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Screens/\(name)-\(width).txt")
    }

    /// The most lines that are kept: the first screenful.
    private static let height = 30

    func expect(
        drawnBy draw: (Output) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let recording = Recording()
        let context = recording.context(width: width)
        try draw(Output(try OutputOptions.parse([]), in: context))
        let lines = recording.output.split(separator: "\n", omittingEmptySubsequences: false)
        // Names, and commands with names in them, are never cut.
        for line in lines where !line.contains("→") && !line.contains("a-very-long-name") {
            #expect(DisplayWidth.of(line) <= width, "\(line)", sourceLocation: sourceLocation)
        }
        let drawn = lines.prefix(Self.height).joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["UPDATE_SCREENS"] == "1" {
            try Data(drawn.utf8).write(to: file)
        }
        let kept = try String(contentsOf: file, encoding: .utf8)
        #expect(drawn == kept, sourceLocation: sourceLocation)
    }
}
