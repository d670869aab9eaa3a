/// One server to try, with all settings.
///
/// libpq could walk a list of hosts by itself, but it leaves the time limit per host to the caller, who cannot tell it to
/// go on to the next one: a host that accepts and stays silent would use up the whole deadline. So we walk the list.
struct ConnectAttempt: Sendable {
    let options: [ConnectionOption]
    /// Which database that is, for people.
    let place: String

    /// The attempts that a list of settings asks for.
    ///
    /// Hosts named by a service file are left to libpq, and so is a list whose lengths do not fit: libpq says what is wrong.
    static func all(for options: [ConnectionOption], beside defaults: [ConnectionOption]) -> [ConnectAttempt] {
        func effective(_ keyword: String) -> String? { options[keyword] ?? defaults[keyword] }
        let names = split(effective("host"))
        let addresses = split(effective("hostaddr"))
        let ports = split(effective("port"))
        let count = max(names.count, addresses.count)
        let database = effective("dbname") ?? effective("user") ?? "?"

        let fits =
            [names.count, addresses.count].allSatisfy { $0 == 0 || $0 == count }
            && (ports.count <= 1 || ports.count == count)
        guard count > 1, fits, options["service"] == nil else {
            let server = effective("host") ?? effective("hostaddr") ?? "the local server"
            return [ConnectAttempt(options: options, place: place(database, server, effective("port")))]
        }
        return (0..<count).map { index in
            var single = options
            if !names.isEmpty { single = single.setting("host", to: names[index]) }
            if !addresses.isEmpty { single = single.setting("hostaddr", to: addresses[index]) }
            let port = ports.count > 1 ? ports[index] : ports.first
            if let port { single = single.setting("port", to: port) }
            let server = [names, addresses].compactMap { $0.isEmpty ? nil : $0[index] }.first { !$0.isEmpty }
            return ConnectAttempt(options: single, place: place(database, server ?? "the local server", port))
        }
    }

    private static func split(_ list: String?) -> [String] {
        guard let list else { return [] }
        return list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func place(_ database: String, _ server: String, _ port: String?) -> String {
        OneLine.text("database \(database) at \(server)\(port.map { ":" + $0 } ?? "")")
    }
}
