/// What was waited for and did not happen.
struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `condition` holds, looking again every few milliseconds, and throws when it takes longer than `limit`.
func eventually(
    _ what: String, within limit: Duration = .seconds(30), until condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else { throw TimedOut(description: "\(what): not within \(limit)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
