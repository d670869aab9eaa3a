import OutboxStore

extension Diagnosis {
    /// Whether transforms run as the role that may do nothing. After a restore without owners they would run as the role that restored.
    static func transforms(_ found: TransformCheck) -> Finding {
        let role = TransformCheck.role
        let check = "role \(role)"
        let ownership = "ALTER FUNCTION postrider.run_transform(text, jsonb) OWNER TO \(role);  -- as a superuser"
        guard found.exists else {
            return .failure(check, "does not exist", "CREATE ROLE \(role) NOLOGIN; \(ownership)")
        }
        guard found.runsAs == role else {
            return .failure(check, "transforms run as \(SQLName(found.runsAs)) instead", ownership)
        }
        guard let first = found.excess.first else {
            return .ok(check, "transforms run as it, and it may do nothing else")
        }
        let remedy =
            switch first {
            case "SUPERUSER", "LOGIN", "CREATEROLE": "ALTER ROLE \(role) NO\(first);"
            default: "REVOKE \(first.contains(" ON ") ? first : "\(SQLName(first))") FROM \(role);"
            }
        return .warning(check, "has \(first), which it should not", remedy)
    }
}
