import Outbox

/// What the two questions of a look-up, one for each family of addresses, have brought.
struct FamilyAnswers {
    typealias Answer = Result<NameRecords, NameResolutionError>

    private var v4: Answer?
    private var v6: Answer?

    mutating func take(_ answer: Answer, for family: AddressFamily) {
        switch family {
        case .v4: v4 = answer
        case .v6: v6 = answer
        }
    }

    var isComplete: Bool { v4 != nil && v6 != nil }

    /// Whether a family has brought addresses, so that the look-up is a success even if the other brings nothing.
    var hasAddresses: Bool { [v4, v6].contains { (try? $0?.get()) != nil } }

    /// Both answers as one. A family without an answer counts as one whose name servers were silent.
    ///
    /// A name with addresses of one family only is resolved. The families take turns, so that both are among the first few
    /// addresses; libcurl tries the other family when the first does not connect.
    /// - Parameter prefersIPv6: whether IPv6 comes first, if the name has this address.
    func joined(prefersIPv6: (IPAddress) -> Bool) -> Answer {
        let silence = Answer.failure(NameResolutionError(.timedOut))
        switch (v4 ?? silence, v6 ?? silence) {
        case (.success(let v4), .success(let v6)):
            let isIPv6First = v6.addresses.first.map(prefersIPv6) ?? false
            let (first, second) = isIPv6First ? (v6.addresses, v4.addresses) : (v4.addresses, v6.addresses)
            return .success(
                NameRecords(
                    addresses: Self.alternate(first, second), timeToLive: min(v4.timeToLive, v6.timeToLive)))
        case (.success(let only), .failure), (.failure, .success(let only)):
            return .success(only)
        case (.failure(let one), .failure(let other)):
            return .failure(Self.stronger(one, other))
        }
    }

    /// That a name does not exist holds for both families. That it has no address of one family says nothing of the other.
    private static func stronger(_ one: NameResolutionError, _ other: NameResolutionError) -> NameResolutionError {
        if one.code == .notFound || other.code == .notFound { return NameResolutionError(.notFound) }
        return one.code == .noAddress ? other : one
    }

    private static func alternate(_ first: [IPAddress], _ second: [IPAddress]) -> [IPAddress] {
        var addresses: [IPAddress] = []
        addresses.reserveCapacity(first.count + second.count)
        for index in 0..<max(first.count, second.count) {
            if index < first.count { addresses.append(first[index]) }
            if index < second.count { addresses.append(second[index]) }
        }
        return addresses
    }
}
