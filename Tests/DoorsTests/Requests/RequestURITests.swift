import Testing

@testable import Doors

@Suite("What a request asks for")
struct RequestURITests {
    @Test(
        "path and query are what stands before and behind the first question mark, in absolute form too",
        arguments: [
            ("/a/b", "/a/b", ""), ("/a?", "/a", ""), ("/a?b=1?c", "/a", "b=1?c"), ("/?/x", "/", "/x"), ("/", "/", ""),
            ("http://a.example/b?c", "/b", "c"), ("HTTPS://a.example/", "/", ""), ("//a/b", "//a/b", ""),
            ("http://a.example", "http://a.example", ""), ("http:/a/b", "http:/a/b", ""),
            ("ftp://a/b", "ftp://a/b", ""),
            ("http://a?/b", "/b", ""), ("*", "*", ""), ("a.example:443", "a.example:443", ""), ("", "", ""),
            ("/a?\u{301}b", "/a", "\u{301}b"), ("http://\u{301}/b", "/b", ""),
        ])
    func targets(text: String, path: String, query: String) {
        let uri = RequestURI(text)
        #expect(uri.path == path && uri.query == query)
    }
}
