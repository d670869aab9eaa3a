/// The dates of a certificate, as OpenSSL prints them: `Nov  8 21:49:28 2026 GMT`.
package enum CertificateDate {
    /// Seconds since 1970; nil when the text is no such date.
    package static func secondsSince1970(_ text: String) -> Int64? {
        let zone = " GMT"
        guard text.hasSuffix(zone), text.utf8.count <= 40 else { return nil }
        // But for the day of the week, which nobody checks, this is the date of C's asctime.
        return HTTPDate.secondsSince1970(Array(("Sun " + text.dropLast(zone.count)).utf8)[...], now: 0)
    }
}
