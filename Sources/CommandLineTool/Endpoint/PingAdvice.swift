import Outbox

/// What to look at after a ping that failed. docs/error-codes.md tells more.
enum PingAdvice {
    static func text(endpoint: String, status: Int?, code: String?) -> String? {
        let name = ShellWord(endpoint)
        if let status, code == ErrorCode.httpStatus.rawValue { return answered(status, name) }
        return switch code.flatMap(ErrorCode.init(rawValue:)) {
        case .blockedAddress: "if it is meant to be reached, add its network to POSTRIDER_ALLOWED_NETWORKS"
        case .invalidURL: "postrider endpoint update \(name) --url URL"
        case .connectionRefused: "nothing listens at this address and port"
        case .connectTimeout, .networkUnreachable: "a firewall, or a wrong address: try from this machine with curl"
        case .connectionReset: "a proxy or server hangs up: see the receiver's logs"
        case .dnsFailure: "see that the name is right, and that this machine's name servers answer"
        case .tlsFailure: "the receiver's certificate: expired, for another name, or without its intermediate"
        case .timeout: "the receiver is slow: postrider endpoint update \(name) --timeout 30s gives it more time"
        case .redirect: "redirects are never followed: postrider endpoint update \(name) --url URL, with the final URL"
        case .protocolError: "see what really listens there: it does not speak HTTP"
        case .httpStatus, .responseTooLarge, .lostLease, .eventMissing, .secretUnavailable, .internalError, nil: nil
        }
    }

    private static func answered(_ status: Int, _ name: ShellWord) -> String {
        if AnswerKind(status: status) == .gone {
            return "the receiver wants no more; a delivery with this answer would disable the endpoint"
        }
        return switch status {
        case 401, 403:
            "does the receiver have the same secret? postrider endpoint rotate-secret \(name) makes a new one"
        case 404, 405: "is the path right? postrider endpoint update \(name) --url URL"
        default: "see the receiver's own logs"
        }
    }
}
