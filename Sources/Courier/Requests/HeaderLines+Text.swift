extension HeaderLines {
    /// The lines as libcurl gets them, each ended by a newline: for tests and for showing a request to a person.
    package var text: String {
        String(decoding: bytes.map { $0 == 0 ? 0x0A : $0 }, as: UTF8.self)
    }
}
