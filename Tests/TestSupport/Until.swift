package struct NeverCame: Error { let what: String }

/// Waits until something is so, for fifteen seconds at most.
package func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(15)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NeverCame(what: what) }
        try await Task.sleep(for: .milliseconds(20))
    }
}
