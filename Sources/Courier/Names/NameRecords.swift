import CCAres
import CLibCurl
import Glibc
import Outbox

/// Addresses of a name, and how long they may be used.
struct NameRecords: Equatable {
    var addresses: [IPAddress]
    var timeToLive: Duration
}

/// Which addresses a question is for.
enum AddressFamily: Int32 {
    /// IPv4, records of type A (RFC 1035, section 3.4.1).
    case v4 = 1
    /// IPv6, records of type AAAA (RFC 3596, section 2.1).
    case v6 = 28

    /// The type of record, as it stands in a question.
    var recordType: Int32 { rawValue }
}

extension NameRecords {
    /// No record of type A takes less of a message: a pointer to its name, type, class, time to live, length, address.
    private static let smallestRecord = 16

    /// Reads the answer to a question: the addresses at the end of the chain of aliases, in the order of the message. The
    /// time to live is the shortest of all records on the way.
    ///
    /// - Parameter status: `ARES_…`, with which c-ares ended the question.
    static func read(
        _ message: UnsafeRawBufferPointer, status: Int32, family: AddressFamily
    ) -> Result<NameRecords, NameResolutionError> {
        guard status == ARES_SUCCESS else { return .failure(error(status)) }
        let capacity = message.count / smallestRecord + 1
        var records = NameRecords(addresses: [], timeToLive: .seconds(Int32.max))
        var seen: Set<IPAddress> = []
        func add(_ address: IPAddress?, _ seconds: Int32) {
            // A time to live with its highest bit set counts as 0 (RFC 2181, section 8).
            records.timeToLive = min(records.timeToLive, .seconds(max(0, seconds)))
            if let address, seen.insert(address).inserted { records.addresses.append(address) }
        }
        var count = Int32(capacity)
        let bytes = unsafe message.assumingMemoryBound(to: UInt8.self).baseAddress
        let length = Int32(clamping: message.count)
        let parsed: Int32
        switch family {
        case .v4:
            var entries = [ares_addrttl](repeating: ares_addrttl(), count: capacity)
            parsed = unsafe ares_parse_a_reply(bytes, length, nil, &entries, &count)
            guard parsed == ARES_SUCCESS else { break }
            for entry in entries.prefix(Int(count)) {
                add(.v4(UInt32(bigEndian: entry.ipaddr.s_addr)), entry.ttl)
            }
        case .v6:
            var entries = [ares_addr6ttl](repeating: ares_addr6ttl(), count: capacity)
            parsed = unsafe ares_parse_aaaa_reply(bytes, length, nil, &entries, &count)
            guard parsed == ARES_SUCCESS else { break }
            for entry in entries.prefix(Int(count)) {
                let octets = unsafe withUnsafeBytes(of: entry.ip6addr) { bytes in unsafe Array(bytes) }
                add(IPAddress(octets: octets)?.unmapped, entry.ttl)
            }
        }
        guard parsed == ARES_SUCCESS else { return .failure(error(parsed)) }
        return records.addresses.isEmpty ? .failure(NameResolutionError(.noAddress)) : .success(records)
    }

    private static func error(_ status: Int32) -> NameResolutionError {
        switch status {
        // A name that does not fit into a question does not exist.
        case ARES_ENOTFOUND, ARES_EBADNAME: NameResolutionError(.notFound)
        case ARES_ENODATA: NameResolutionError(.noAddress)
        case ARES_EBADRESP: NameResolutionError(.malformed)
        case ARES_ETIMEOUT: NameResolutionError(.timedOut)
        case ARES_EDESTRUCTION, ARES_ECANCELLED: NameResolutionError(.abandoned)
        default: NameResolutionError(.serverFailure)
        }
    }
}
