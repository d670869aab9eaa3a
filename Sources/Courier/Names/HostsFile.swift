internal import CLibCurl
internal import Glibc
internal import Outbox

/// The lines of `/etc/hosts`, see hosts(5).
struct HostsFile {
    /// How much of the file is read.
    static let maximumBytes = 1024 * 1024

    private let text: String

    init(text: String) {
        self.text = text
    }

    /// Reads the file; one that cannot be read counts as empty.
    init(path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            self.init(text: "")
            return
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < Self.maximumBytes {
            let count = unsafe read(descriptor, &piece, piece.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: piece.prefix(count))
        }
        self.init(text: String(decoding: bytes, as: UTF8.self))
    }

    /// The addresses that the file gives to `name`, in its order.
    func addresses(of name: String) -> [IPAddress] {
        var addresses: [IPAddress] = []
        let wanted = name.lowercased()
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = fields.first, fields.dropFirst().contains(where: { $0.lowercased() == wanted }),
                let address = SocketAddress.address(ofText: String(first)), !addresses.contains(address)
            else { continue }
            addresses.append(address)
        }
        return addresses
    }
}
