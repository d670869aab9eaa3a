/// One server to try, with all settings.
///
/// libpq could walk a list of hosts, and the addresses of a name, by itself, but it leaves the time limit to the caller, who
/// cannot tell it to go on to the next one: a host that accepts and stays silent would use up the whole deadline. So we walk.
struct ConnectAttempt: Sendable {
    let options: [ConnectionOption]
    /// Which database that is, for people.
    let place: String
    /// The host name to be resolved; nil for a socket, and where the address is given.
    let name: String?

    /// The attempts that a list of settings asks for.
    ///
    /// A list whose lengths do not fit is left to libpq, which says what is wrong.
    ///
    /// - Parameter defaults: what counts where `options` are silent.
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
        guard count > 1, fits else {
            let server = effective("host") ?? effective("hostaddr") ?? "the local server"
            let name = count == 1 && addresses.isEmpty ? resolvable(effective("host")) : nil
            return [ConnectAttempt(options: options, place: place(database, server, effective("port")), name: name)]
        }
        return (0..<count).map { index in
            var single = options
            if !names.isEmpty { single = single.setting("host", to: names[index]) }
            if !addresses.isEmpty { single = single.setting("hostaddr", to: addresses[index]) }
            let port = ports.count > 1 ? ports[index] : ports.first
            if let port { single = single.setting("port", to: port) }
            let server = [names, addresses].compactMap { $0.isEmpty ? nil : $0[index] }.first { !$0.isEmpty }
            let hasAddress = addresses.indices.contains(index) && !addresses[index].isEmpty
            return ConnectAttempt(
                options: single, place: place(database, server ?? "the local server", port),
                name: hasAddress || names.isEmpty ? nil : resolvable(names[index]))
        }
    }

    /// The same for each address of the host; as it is where the name has one address or cannot be resolved.
    func eachAddress(by resolve: (String) async -> [String]) async -> [ConnectAttempt] {
        guard let name else { return [self] }
        let addresses = await resolve(name)
        guard addresses.count > 1 else { return [self] }
        return addresses.map { address in
            ConnectAttempt(
                options: options.setting("host", to: name).setting("hostaddr", to: address),
                place: "\(place), address \(address)", name: nil)
        }
    }

    /// A host that is no directory with a socket.
    private static func resolvable(_ host: String?) -> String? {
        guard let host, let first = host.first, first != "/", first != "@" else { return nil }
        return host
    }

    private static func split(_ list: String?) -> [String] {
        guard let list else { return [] }
        return list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func place(_ database: String, _ server: String, _ port: String?) -> String {
        OneLine.text("database \(database) at \(server)\(port.map { ":" + $0 } ?? "")")
    }
}
