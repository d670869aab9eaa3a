/// A few words on a failed TLS handshake.
enum TLSFailureText {
    /// The longest text that is taken over from the TLS library.
    static let maximumLength = 80

    /// - Parameters:
    ///   - certificateError: OpenSSL's verdict on the certificate, `X509_V_ERR_…`, or 0.
    ///   - curl: libcurl's words. Only the last part of OpenSSL's chain of words is used, and only plain ones.
    static func text(certificateError: Int, curl: String) -> String {
        switch certificateError {
        // libcurl says 1 as long as no certificate has been looked at.
        case 0, 1: return "the TLS handshake failed" + reason(in: curl)
        case 9: return "the certificate is not valid yet"
        case 10: return "the certificate has expired"
        case 18, 19: return "the certificate is self-signed"
        case 2, 20, 21: return "the certificate's issuer is not known"
        case 22, 25: return "the certificate's chain is too long"
        case 23: return "the certificate has been revoked"
        case 24, 26, 79: return "the certificate or its issuer is not made for this purpose"
        case 47, 48: return "the certificate breaks a name constraint of its issuer"
        case 62, 63, 64: return "the certificate is not for this host"
        case 66, 67, 68: return "the certificate is too weak"
        default: return "the certificate was not accepted (error \(certificateError))"
        }
    }

    private static func reason(in text: String) -> String {
        if text.contains("subject name") { return ": the certificate is not for this host" }
        guard let mark = text.range(ofLast: "routines::") else { return "" }
        let words = text[mark...].prefix(maximumLength)
        guard !words.isEmpty, words.utf8.allSatisfy({ $0 == 0x20 || (0x61...0x7A).contains($0 | 0x20) }) else {
            return ""
        }
        return ": " + words
    }
}

extension String {
    /// Where the text after the last `mark` begins.
    fileprivate func range(ofLast mark: String) -> String.Index? {
        var index = endIndex
        while index > startIndex {
            if self[..<index].hasSuffix(mark) { return index }
            index = self.index(before: index)
        }
        return nil
    }
}
