import Outbox
import OutboxStore

/// What has to be done so that the endpoints are as a file wants them.
struct EndpointPlan: Equatable {
    struct Change: Equatable {
        enum Action: String { case add, change, remove }

        let action: Action
        let name: String
        let tenant: String
        /// Of one that is there.
        let id: Int32?
        /// Of one that is new, all that are not as by default; of one that is removed, none.
        let settings: [Setting]

        var reference: EndpointReference { EndpointReference(name, tenant: tenant) }

        /// For a person.
        var words: String { "endpoint '\(name)'" + (tenant.isEmpty ? "" : " of tenant '\(tenant)'") }
    }

    struct Setting: Equatable {
        let field: EndpointField
        /// Nil for a new endpoint.
        let from: [String]?
        let to: [String]

        static func == (one: Self, other: Self) -> Bool {
            one.field.key == other.field.key && one.from == other.from && one.to == other.to
        }
    }

    /// In the order in which they are made: those that are there by id, as all that lock several endpoints take them; then new ones by
    /// name and tenant.
    let changes: [Change]
    /// How many are as they should be.
    let unchanged: Int

    /// The changes, as they are sent together. A removal goes by itself: it cancels what is owed, which may take long.
    ///
    /// - Parameter size: the most in one round trip.
    func batches(of size: Int) -> [ArraySlice<Change>] {
        changes.chunks(of: size, alone: { $0.action == .remove })
    }

    var isEmpty: Bool { changes.isEmpty }
    var removals: Int { changes.count { $0.action == .remove } }

    /// - Parameters:
    ///   - stored: those that have a name of the file; and with `prunes`, all of its tenants.
    ///   - otherHeaders: those whose headers are not the ones of the file. No operator may read headers, so only the
    ///     database can compare them.
    ///   - prunes: whether endpoints that are not in the file are removed, those of its tenants.
    init(
        _ entries: [EndpointEntry], stored: [StoredEndpoint], otherHeaders: Set<EndpointReference>, prunes: Bool
    ) {
        let known = Dictionary(stored.map { ($0.reference, $0) }) { first, _ in first }
        var present: [Change] = []
        var new: [Change] = []
        var unchanged = 0
        for entry in entries {
            guard let endpoint = known[entry.reference] else {
                new.append(
                    Change(
                        action: .add, name: entry.name, tenant: entry.tenant, id: nil,
                        settings: Self.settings(of: entry)))
                continue
            }
            let settings = Self.differences(entry, endpoint, otherHeaders.contains(entry.reference))
            if settings.isEmpty {
                unchanged += 1
            } else {
                present.append(
                    Change(
                        action: .change, name: entry.name, tenant: entry.tenant, id: endpoint.id, settings: settings))
            }
        }
        if prunes {
            let wanted = Set(entries.map(\.reference))
            let tenants = Set(entries.map(\.tenant))
            for endpoint in stored where !wanted.contains(endpoint.reference) && tenants.contains(endpoint.setup.tenant)
            {
                present.append(
                    Change(
                        action: .remove, name: endpoint.name, tenant: endpoint.setup.tenant, id: endpoint.id,
                        settings: []))
            }
        }
        changes =
            present.sorted { ($0.id ?? 0) < ($1.id ?? 0) } + new.sorted { ($0.name, $0.tenant) < ($1.name, $1.tenant) }
        self.unchanged = unchanged
    }

    private static func settings(of entry: EndpointEntry) -> [Setting] {
        EndpointField.all.filter { $0.form != .headers }.compactMap { field in
            let words = field.words(entry.settings)
            guard field.isAlwaysWritten || words != field.defaultWords(beside: entry.settings) else { return nil }
            return Setting(field: field, from: nil, to: words)
        }
    }

    private static func differences(
        _ entry: EndpointEntry, _ stored: StoredEndpoint, _ hasOtherHeaders: Bool
    ) -> [Setting] {
        EndpointField.all.compactMap { field in
            if field.form == .headers {
                return hasOtherHeaders ? Setting(field: field, from: [], to: entry.settings.headers ?? []) : nil
            }
            let from = field.words(stored.settings)
            let to = field.words(entry.settings)
            return from == to ? nil : Setting(field: field, from: from, to: to)
        }
    }
}
