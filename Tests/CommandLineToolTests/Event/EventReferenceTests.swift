import Testing

@testable import CommandLineTool

@Suite struct EventReferenceTests {
    @Test func numberAndWebhookID() throws {
        #expect(try EventReference("4711").id == 4711)
        #expect(try EventReference("4711").webhookID == nil)
        #expect(try EventReference("evt_797e2830_12").id == 12)
        #expect(try EventReference("evt_797e2830_12").webhookID == "evt_797e2830_12")
    }

    @Test(arguments: [
        "", "0", "-1", "+1", "1.0", "evt_", "evt_x", "evt_x_", "evt_x_y", "99999999999999999999", "①", "x", "evt_a_-1",
    ])
    func anythingElseIsAMistakeOfUsage(text: String) {
        let error = #expect(throws: CommandError.self) { try EventReference(text) }
        #expect(error?.status == .usage)
    }
}
