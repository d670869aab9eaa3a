/// Certificates or a private key in PEM (RFC 7468), as the database stores them: the blocks of one kind, and nothing else.
package struct PEMText: Sendable {
    /// The blocks, each line ended by a line feed.
    package let text: String

    /// The most bytes of a file and of what is stored of it.
    package static let maximumBytes = 65_536
    /// The longest chain of a client, and the most authorities to trust.
    package static let clientCertificates = 1...16
    package static let authorities = 1...64

    private static let keyLabels = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"]

    /// The certificates in a file.
    package init(certificates file: String, count: ClosedRange<Int>) throws(InvalidText) {
        let blocks = try Self.blocks(file, ["CERTIFICATE"])
        guard count.contains(blocks.count) else {
            throw InvalidText(
                .pem,
                "the file holds \(blocks.count) certificates in PEM, not \(count.lowerBound) to \(count.upperBound)")
        }
        try self.init(blocks)
    }

    /// The private key in a file, beside which certificates may stand.
    package init(privateKey file: String) throws(InvalidText) {
        let blocks = try Self.blocks(file, Self.keyLabels)
        guard blocks.count == 1 else {
            throw InvalidText(
                .pem, "the file must hold one private key in PEM that is not encrypted, not \(blocks.count)")
        }
        try self.init(blocks)
    }

    private init(_ blocks: [String]) throws(InvalidText) {
        text = blocks.joined()
        guard text.utf8.count <= Self.maximumBytes else {
            throw InvalidText(.pem, "the file holds more than \(Self.maximumBytes) bytes of PEM")
        }
    }

    private static func blocks(_ file: String, _ labels: [String]) throws(InvalidText) -> [String] {
        var blocks: [String] = []
        var open: (label: String, lines: [String])?
        for line in file.split(whereSeparator: \.isNewline).map(String.init) {
            if let (label, lines) = open {
                guard line == "-----END \(label)-----" else {
                    guard (1...76).contains(line.utf8.count), line.utf8.allSatisfy(isBase64) else {
                        throw InvalidText(.pem, "a block of PEM in the file is encrypted, or holds more than Base64")
                    }
                    open = (label, lines + [line])
                    continue
                }
                guard !lines.isEmpty else { throw InvalidText(.pem, "a block of PEM in the file is empty") }
                blocks.append((["-----BEGIN \(label)-----"] + lines + [line]).joined(separator: "\n") + "\n")
                open = nil
            } else if let label = labels.first(where: { line == "-----BEGIN \($0)-----" }) {
                open = (label, [])
            }
        }
        guard open == nil else { throw InvalidText(.pem, "a block of PEM in the file has no end") }
        return blocks
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        byte.isDigit || byte.isLetter || "+/=".utf8.contains(byte)
    }
}
