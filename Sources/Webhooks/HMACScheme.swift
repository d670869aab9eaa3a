/// A signature scheme with one HMAC in one header: `hmac:HEADER,ALGORITHM,ENCODING[,PREFIX[,CONTENT]]`.
///
/// `hmac:X-Signature,sha512,base64,v2=,{timestamp}.{body}` sends `X-Signature: v2=` and the Base64 of HMAC-SHA512 over the
/// timestamp, a dot and the body. Without CONTENT the body alone is signed.
public struct HMACScheme: Hashable, Sendable, CustomStringConvertible {
    /// How the bytes of an HMAC become text.
    public enum Encoding: String, Sendable {
        /// Two lower-case digits a byte.
        case hex
        /// With padding.
        case base64
    }

    /// The header's name.
    public let header: String
    let algorithm: HMACAlgorithm
    let encoding: Encoding
    /// What stands before each signature.
    let prefix: SignedTemplate
    let content: SignedTemplate
    /// What stands before all signatures, and whether several secrets sign, separated by commas.
    var lead: SignedTemplate?
    /// A header that tells the timestamp in this scheme's own way.
    var timestampHeader: String?

    static let prefix = "hmac:"
    static let form = "hmac:HEADER,ALGORITHM,ENCODING[,PREFIX[,CONTENT]]"

    /// Reads the text form. The name is checked for its characters alone: which names a sender may set is for it to say.
    public init(_ text: String) throws(SignatureSchemeError) {
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw SignatureSchemeError("it must be of visible ASCII characters and spaces")
        }
        let parts = bytes.dropFirst(Self.prefix.utf8.count)
            .split(separator: UInt8(ascii: ","), maxSplits: 4, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard bytes.starts(with: Self.prefix.utf8), parts.count >= 3 else {
            throw SignatureSchemeError("it is none of \(SignatureScheme.forms)")
        }
        guard (1...128).contains(parts[0].utf8.count), parts[0].utf8.allSatisfy(Self.isTokenCharacter) else {
            throw SignatureSchemeError("its header is not a name of 1 to 128 letters, digits and hyphens")
        }
        guard let algorithm = HMACAlgorithm(rawValue: parts[1]) else {
            throw SignatureSchemeError("its algorithm is none of sha1, sha256, sha384, sha512")
        }
        guard let encoding = Encoding(rawValue: parts[2]) else {
            throw SignatureSchemeError("its encoding is neither hex nor base64")
        }
        guard let prefix = SignedTemplate(parts.count > 3 ? parts[3] : ""), !prefix.holdsBody,
            parts.count < 4 || !parts[3].utf8.starts(with: " ".utf8)
        else {
            throw SignatureSchemeError(
                "its prefix begins with a space, or holds in braces something else than {id}, {timestamp}, {type}")
        }
        guard let content = SignedTemplate(parts.count > 4 ? parts[4] : "{body}"), content.holdsBody else {
            throw SignatureSchemeError(
                "its content must hold {body} once, and in other braces only {id}, {timestamp}, {type}")
        }
        self.init(parts[0], algorithm, encoding, prefix: prefix, content: content)
    }

    private init(
        _ header: String, _ algorithm: HMACAlgorithm, _ encoding: Encoding, prefix: SignedTemplate,
        content: SignedTemplate, lead: SignedTemplate? = nil, timestampHeader: String? = nil
    ) {
        self.header = header
        self.algorithm = algorithm
        self.encoding = encoding
        self.prefix = prefix
        self.content = content
        self.lead = lead
        self.timestampHeader = timestampHeader
    }

    /// The text form.
    public var description: String {
        "\(Self.prefix)\(header),\(algorithm.rawValue),\(encoding.rawValue),\(prefix),\(content)"
    }

    /// RFC 9110 section 5.6.2.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    static let github = HMACScheme(
        "X-Hub-Signature-256", .sha256, .hex, prefix: [.text("sha256=")], content: [.body])
    static let shopify = HMACScheme("X-Shopify-Hmac-Sha256", .sha256, .base64, prefix: [], content: [.body])
    static let stripe = HMACScheme(
        "Stripe-Signature", .sha256, .hex, prefix: [.text("v1=")], content: [.timestamp, .text("."), .body],
        lead: [.text("t="), .timestamp, .text(",")])
    static let slack = HMACScheme(
        "X-Slack-Signature", .sha256, .hex, prefix: [.text("v0=")],
        content: [.text("v0:"), .timestamp, .text(":"), .body], timestampHeader: "X-Slack-Request-Timestamp")
}

/// A text with places for what a request says of itself: `{timestamp}.{body}`.
struct SignedTemplate: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
    enum Piece: Hashable, Sendable {
        case text(String)
        case id
        case timestamp
        case type
        case body
    }

    let pieces: [Piece]

    init(arrayLiteral pieces: Piece...) {
        self.pieces = pieces
    }

    /// Nil when braces hold another word, or the body stands in it twice.
    init?(_ text: String) {
        var pieces: [Piece] = []
        var rest = text[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            if brace > rest.startIndex { pieces.append(.text(String(rest[..<brace]))) }
            rest = rest[brace...]
            guard let (word, piece) = Self.words.first(where: { rest.hasPrefix($0.0) }) else { return nil }
            pieces.append(piece)
            rest = rest.dropFirst(word.count)
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        guard pieces.count(where: { $0 == .body }) <= 1 else { return nil }
        self.pieces = pieces
    }

    var holdsBody: Bool { pieces.contains(.body) }

    var description: String {
        pieces.map { piece in
            if case .text(let text) = piece { return text }
            return Self.words.first { $0.1 == piece }?.0 ?? ""
        }.joined()
    }

    /// The bytes before the body and those after it.
    func around(id: String, timestamp: Int64, type: String) -> (before: [UInt8], after: [UInt8]) {
        var (before, after): ([UInt8], [UInt8]) = ([], [])
        var isAfter = false
        for piece in pieces {
            let text: String
            switch piece {
            case .text(let literal): text = literal
            case .id: text = id
            case .timestamp: text = String(timestamp)
            case .type: text = type
            case .body:
                isAfter = true
                continue
            }
            if isAfter { after.append(contentsOf: text.utf8) } else { before.append(contentsOf: text.utf8) }
        }
        return (before, after)
    }

    private static let words: [(String, Piece)] = [
        ("{id}", .id), ("{timestamp}", .timestamp), ("{type}", .type), ("{body}", .body),
    ]
}
