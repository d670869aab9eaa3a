import Foundation
import Telemetry
import Testing

@testable import Worker

@Suite struct SealingKeyTests {
    private static let first = Data(repeating: 1, count: 32).base64EncodedString()
    private static let second = Data(repeating: 2, count: 32).base64EncodedString()

    private func read(_ text: String, mode: Int = 0o400) throws -> [SealingKey] {
        let path = FileManager.default.temporaryDirectory.appending(path: "postrider-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try #require(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
        return try SealingKey.read(from: path)
    }

    @Test func keysAreReadInOrder() throws {
        let keys = try read("2025-11:\(Self.second)\n2024_1:\(Self.first)\n")
        #expect(keys.map(\.id) == ["2025-11", "2024_1"])
        #expect(keys.map { $0.bytes.reveal() } == [Array(repeating: 2, count: 32), Array(repeating: 1, count: 32)])
        #expect(!"\(keys)".contains("2, 2"))
    }

    @Test(arguments: [
        "", "\n", "only:short", "a:\(first)\na:\(second)", "a:\(first)\r\n", "\(first)", ":\(first)", "a b:\(first)",
        "a:\(first) ", String(repeating: "x", count: 33) + ":\(first)", String(repeating: "\n", count: 5000),
        "a:" + Data(repeating: 1, count: 31).base64EncodedString(), "é:\(first)",
    ])
    func brokenFileIsRefusedWithoutItsContent(text: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.code == .unusableKeyFile)
        #expect(error?.description.hasPrefix("POSTRIDER_SECRET_KEY_FILE ") == true)
        #expect(error?.description.contains(Self.first) == false)
    }

    @Test func fileThatEverybodyMayReadIsRefused() {
        let error = #expect(throws: ConfigurationError.self) { try read("a:\(Self.first)", mode: 0o644) }
        #expect(error?.rule.contains("everybody may read") == true)
    }

    @Test func groupMayRead() throws {
        #expect(try read("a:\(Self.first)", mode: 0o440).count == 1)
    }

    @Test func missingFileIsRefused() {
        let error = #expect(throws: ConfigurationError.self) { try SealingKey.read(from: "/nonexistent/key") }
        #expect(error?.rule == "names a file that does not exist")
    }
}
