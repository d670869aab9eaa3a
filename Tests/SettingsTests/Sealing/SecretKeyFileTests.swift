import Foundation
import Telemetry
import Testing

@testable import Settings

@Suite struct SecretKeyFileTests {
    private func read(_ text: String, mode: Int = 0o400) throws -> Redacted<[UInt8]> {
        let path = FileManager.default.temporaryDirectory.appending(path: "postrider-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try #require(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
        return try SecretKeyFile.read(from: path)
    }

    @Test func contentIsReadAsItIsAndNeverShown() throws {
        let content = try read("a:key\r\n")
        #expect(content.reveal() == Array("a:key\r\n".utf8))
        #expect("\(content) \(String(reflecting: content))" == "[redacted] [redacted]")
    }

    @Test func fileThatEverybodyMayReadIsRefused() {
        let error = #expect(throws: ConfigurationError.self) { try read("a:key", mode: 0o644) }
        #expect(error?.code == .unusableKeyFile)
        #expect(
            error?.description == "POSTRIDER_SECRET_KEY_FILE names a file that everybody may read; chmod 0400 it")
    }

    @Test func groupMayRead() throws {
        #expect(try read("a:key", mode: 0o440).reveal().count == 5)
    }

    @Test func emptyAndHugeAndMissingFilesAreRefused() {
        #expect(#expect(throws: ConfigurationError.self) { try read("") }?.rule == "names a file that is empty")
        let huge = #expect(throws: ConfigurationError.self) { try read(String(repeating: "x", count: 4097)) }
        #expect(huge?.rule == "names a file that has more than 4096 bytes")
        let missing = #expect(throws: ConfigurationError.self) { try SecretKeyFile.read(from: "/nonexistent/key") }
        #expect(missing?.rule == "names a file that does not exist")
    }
}
