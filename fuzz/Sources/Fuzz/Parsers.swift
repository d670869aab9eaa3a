import Telemetry

@testable import Outbox
@testable import Settings

/// Each takes any bytes, and must neither trap nor let through what its reader relies upon not to meet.
enum Parsers {
    static let all: [String: @Sendable ([UInt8]) -> Void] = [
        "url": url, "retry-after": retryAfter, "header": header, "answer": answer, "configuration": configuration,
        "uri": uri,
    ]

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7e).contains($0) } }

    /// What is accepted is read in one way only, and what is refused is told in one line.
    private static func url(_ bytes: [UInt8]) {
        let text = text(bytes)
        do throws(EndpointURLError) {
            let url = try EndpointURL(text)
            let normal = url.absoluteString
            hold(isPlain(normal), "it holds more than visible ASCII")
            hold(normal.utf8.count <= Limits.urlBytes + 1, "it is too long")
            hold((try? EndpointURL(normal)) == url, "it is read in another way the second time")
            hold(!normal.contains("@") || normal.drop { $0 != "/" }.dropFirst(2).contains("/"), "it has a user name")
            hold(url.port > 0, "its port is 0")
            if case .name(let name) = url.host {
                hold(
                    name.utf8.allSatisfy { $0.isTokenCharacter && $0 != UInt8(ascii: "%") || $0 == UInt8(ascii: ".") },
                    "its host")
                hold(name.utf8.count <= 253 && IPAddress(name) == nil, "its host is an address or too long")
            }
            for judged in [EndpointPolicy(), EndpointPolicy(allowHTTP: true)] { try? judged.judge(url) }
        } catch {
            hold(!error.message.isEmpty && error.message.utf8.allSatisfy { $0 >= 0x20 }, "its message is not one line")
        }
    }

    /// The first eight bytes are the time; each line a header.
    private static func retryAfter(_ bytes: [UInt8]) {
        let now = bytes.prefix(8).reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
        let values = bytes.dropFirst(8).split(separator: 0x0a, omittingEmptySubsequences: false).map { text(Array($0)) }
        guard let wait = RetryAfter.wait(values, now: Int64(bitPattern: now)) else { return }
        hold(wait >= .zero && wait <= Limits.retryAfter, "it waits \(wait)")
    }

    private static func header(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: 0x1e, omittingEmptySubsequences: false).map { text(Array($0)) }
        let fields = lines.compactMap { try? HeaderField($0) }
        for field in fields {
            hold(field.line.utf8.allSatisfy { $0 == 0x09 || (0x20...0x7e).contains($0) }, "it holds more than ASCII")
            hold((try? HeaderField(field.line)) == field, "it is read in another way the second time")
            hold(ReservedHeader.reason(field.name) == nil, "it is reserved")
        }
        guard let all = try? HeaderFields(fields) else { return }
        hold(all.fields.count <= Limits.headerFields, "there are too many")
        hold(Set(all.fields.map(\.canonicalName)).count == all.fields.count, "one name is there twice")
        hold(all.fields.reduce(0) { $0 + $1.line.utf8.count + 2 } <= Limits.headerBytes, "they are too long")
    }

    private static func answer(_ bytes: [UInt8]) {
        var head = AnswerHead()
        for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
            let step = (Array(line) + [0x0a]).withUnsafeBufferPointer { head.take($0.span) }
            hold(head.status.map { (100...999).contains($0) } ?? true, "a status of \(head.status ?? 0)")
            hold(head.retryAfter.count <= AnswerHead.maximumRetryAfterLines, "too many lines are kept")
            hold(
                head.retryAfter.allSatisfy { $0.utf8.count <= AnswerHead.maximumRetryAfterBytes }, "a line is too long")
            guard step == .proceed else { return }
            hold(head.byteCount <= AnswerHead.maximumBytes, "it reads on for ever")
        }
    }

    /// A configuration file; what is wrong is told in one line, which repeats no value.
    private static func configuration(_ bytes: [UInt8]) {
        do {
            let file = try ConfigurationFile(path: "fuzz.conf", text: text(bytes))
            let sources = try ConfigurationSources(environment: [:], file: file)
            let configuration = try WorkerConfiguration(reading: sources)
            hold((1...16_384).contains(configuration.maxInFlight), "deliveries in flight")
            hold(
                configuration.leaseSlack >= .seconds(1) && configuration.leaseSlack <= .seconds(3600), "the lease slack"
            )
            hold(configuration.allowedNetworks.count <= Limits.allowedNetworks, "the networks")
            hold(!"\(configuration)".contains("canary"), "a password is shown")
        } catch {
            let line = "\(error)"
            hold(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "its message is not one line")
            hold(line.utf8.count <= 8_192, "its message is too long")
        }
        _ = try? DurationText.parse(text(bytes))
        _ = ByteSize.parse(text(bytes))
        _ = ListenAddress(text(bytes))
        _ = try? Network.list(text(bytes))
    }

    /// What a request asks for: a path that begins with a slash or is the whole text, and no part of it in two places.
    private static func uri(_ bytes: [UInt8]) {
        let text = text(bytes)
        let uri = RequestURI(text)
        let (path, query, all) = (Array(uri.path.utf8), Array(uri.query.utf8), Array(text.utf8))
        hold(!path.contains(UInt8(ascii: "?")), "its path holds a query")
        hold(path.first == UInt8(ascii: "/") || all.starts(with: path), "its path is no part of it")
        let joined = path + [UInt8(ascii: "?")] + query
        hold(all.suffix(joined.count) == joined[...] || query.isEmpty && all.suffix(path.count) == path[...], "its end")
    }
}
