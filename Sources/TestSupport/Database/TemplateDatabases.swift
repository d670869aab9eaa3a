/// The databases that others are copied from, each prepared once per process.
actor TemplateDatabases {
    static let shared = TemplateDatabases()

    private enum Preparation {
        case underWay([CheckedContinuation<Void, Never>])
        case done((any Error)?)
    }

    private var preparations: [String: Preparation] = [:]

    func name(_ name: String, prepare: () async throws -> Void) async throws -> String {
        switch preparations[name] {
        case .done(let error):
            if let error { throw error }
            return name
        case .underWay(let waiters):
            await withCheckedContinuation { preparations[name] = .underWay(waiters + [$0]) }
            return try await self.name(name, prepare: prepare)
        case nil:
            preparations[name] = .underWay([])
            let failure: (any Error)?
            do {
                try await prepare()
                failure = nil
            } catch {
                failure = error
            }
            if case .underWay(let waiters) = preparations[name] {
                for waiter in waiters { waiter.resume() }
            }
            preparations[name] = .done(failure)
            if let failure { throw failure }
            return name
        }
    }
}
