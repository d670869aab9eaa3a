/// An exchange somebody waits for.
///
/// Safe although the continuation is not checked: ``Exchange/finish(_:)`` answers once, and so does every way an exchange ends.
@safe
class AnswerExchange<Output: Sendable>: Exchange, @unchecked Sendable {
    private var continuation: UnsafeContinuation<Result<Output, PostgresError>, Never>?

    /// What has been read, once all of it has.
    var output: Output? { nil }

    final func expect(_ continuation: UnsafeContinuation<Result<Output, PostgresError>, Never>) {
        unsafe self.continuation = unsafe continuation
    }

    final override func answer(_ failure: PostgresError?) {
        let waiting = unsafe continuation
        unsafe continuation = nil
        if let failure {
            unsafe waiting?.resume(returning: .failure(failure))
        } else if let output {
            unsafe waiting?.resume(returning: .success(output))
        } else {
            unsafe waiting?.resume(returning: .failure(PostgresError(.unexpectedResult, "the server sent no result")))
        }
    }
}
