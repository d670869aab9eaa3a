import NIOHTTP1

/// What a sender is answered.
package struct Answer: Sendable {
    package var status: Int
    package var body: [UInt8]
    /// Nil where nothing is known of it.
    package var contentType: String?
    /// Further fields, their names as they are written.
    package var fields: [(name: String, value: String)] = []

    package init(status: Int, body: [UInt8], contentType: String? = nil) {
        self.status = status
        self.body = body
        self.contentType = contentType
    }

    package init(status: Int, body: String, contentType: String = "application/json") {
        self.init(status: status, body: Array(body.utf8), contentType: contentType)
    }

    /// - Parameter closes: whether the connection ends with it.
    func head(closes: Bool) -> HTTPResponseHead {
        let status = HTTPResponseStatus(statusCode: status)
        var lines: [(String, String)] = []
        // RFC 9110 section 8.6: no length where there is no content.
        if status.mayHaveResponseBody {
            if let contentType { lines.append(("Content-Type", contentType)) }
            lines.append(("Content-Length", String(body.count)))
        }
        lines.append(("Cache-Control", "no-store"))
        lines.append(("X-Content-Type-Options", "nosniff"))
        if closes { lines.append(("Connection", "close")) }
        lines += fields.map { ($0.name, $0.value) }
        return HTTPResponseHead(version: .http1_1, status: status, headers: HTTPHeaders(lines))
    }
}
