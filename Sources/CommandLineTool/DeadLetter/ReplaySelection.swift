import ArgumentParser

/// Which dead letters a replay is about.
enum ReplaySelection: Equatable {
    case some([Int64])
    case every(endpoint: String?)

    /// Exactly one of the three ways to say it.
    init(ids: [Int64], endpoint: String?, all: Bool) throws(ValidationError) {
        switch (ids.isEmpty, endpoint, all) {
        case (false, nil, false): self = .some(ids)
        case (true, .some(let endpoint), false): self = .every(endpoint: endpoint)
        case (true, nil, true): self = .every(endpoint: nil)
        default: throw ValidationError("Say which: either IDs, or --endpoint NAME, or --all.")
        }
    }
}
