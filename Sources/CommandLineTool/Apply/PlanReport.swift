import OutboxStore
import Webhooks

/// What `apply` does or would do, as JSON and as text.
struct PlanReport: Encodable {
    struct Change: Encodable {
        struct Setting: Encodable {
            let setting: String
            /// Joined by commas. Neither is there for headers, which may be credentials.
            let from: String?
            let to: String?
        }

        let action: String
        let endpoint: String
        let tenant: String
        let settings: [Setting]
        /// Only when it was made here.
        let secret: String?
        let secretFingerprint: String?
    }

    let applied: Bool
    let added: Int
    let changed: Int
    let removed: Int
    let unchanged: Int
    let changes: [Change]

    init(_ plan: EndpointPlan, isDone: Bool, secrets: [EndpointReference: SigningSecret] = [:]) {
        applied = isDone
        func count(_ action: EndpointPlan.Change.Action) -> Int { plan.changes.count { $0.action == action } }
        (added, changed, removed, unchanged) = (count(.add), count(.change), count(.remove), plan.unchanged)
        changes = plan.changes.map { change in
            let secret = change.action == .add ? secrets[change.reference] : nil
            return Change(
                action: change.action.rawValue, endpoint: change.name, tenant: change.tenant,
                settings: change.settings.map { setting in
                    let isShown = setting.field.form != .headers
                    return Change.Setting(
                        setting: setting.field.key, from: isShown ? setting.from?.joined(separator: ",") : nil,
                        to: isShown ? setting.to.joined(separator: ",") : nil)
                }, secret: secret?.shown, secretFingerprint: secret?.fingerprint)
        }
    }

    func show(on output: Output) throws {
        guard !output.isJSON else { return try output.json(self) }
        showChanges(on: output)
        guard !changes.isEmpty else {
            return output.line("Nothing to do: \(Plural.of("endpoint", unchanged)) as the file says.")
        }
        let sums = "\(added) added, \(changed) changed, \(removed) removed, \(unchanged) unchanged."
        output.line(applied ? sums : "Would be: \(sums) Nothing was done.")
    }

    /// A line for each endpoint, and for each setting.
    func showChanges(on output: Output) {
        for change in changes {
            output.line(
                "\(Self.marks[change.action] ?? " ") \(change.endpoint)"
                    + (change.tenant.isEmpty ? "" : " of tenant \(change.tenant)"),
                change.action == "remove" ? .bad : .plain)
            for setting in change.settings {
                let to = setting.to.map { " \($0)" } ?? " changed"
                output.line("    \(setting.setting):" + (setting.from.map { " \($0) →" } ?? "") + to)
            }
            if let secret = change.secret {
                output.line("    its signing secret, which is not shown again: \(secret)")
            }
        }
    }

    private static let marks = ["add": "+", "change": "~", "remove": "-"]
}
