import Testing

@testable import Telemetry

@Suite struct RedactedTests {
    @Test func contentNeverShows() {
        struct Holder { let secret = Redacted("canary") }
        var dumped = ""
        dump(Holder(), to: &dumped)
        let shown = "\(Holder()) \(Redacted("canary")) \(String(reflecting: Holder())) \(dumped)"
        #expect(!shown.contains("canary"))
        #expect(shown.contains("[redacted]"))
        #expect(Redacted("canary").reveal() == "canary")
    }
}
