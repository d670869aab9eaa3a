import Outbox
import Testing

@Suite("The proxy for what is sent")
struct EgressProxyTests {
    @Test(
        "is a scheme, a host, perhaps credentials and a port",
        arguments: [
            ("http://proxy.internal:3128", "http://proxy.internal:3128"),
            ("https://proxy.example", "https://proxy.example:443"),
            ("http://10.0.0.1/", "http://10.0.0.1:80"), ("socks5h://[fd00::1]", "socks5h://[fd00::1]:1080"),
            ("socks5h://[fd00::1]:9050", "socks5h://[fd00::1]:9050"),
            ("socks5h://localhost:80", "socks5h://localhost:80"),
            ("http://u:p@proxy:1", "http://proxy:1"), ("http://u@proxy:1", "http://proxy:1"),
        ])
    func accepted(text: String, shown: String) throws {
        #expect("\(try #require(EgressProxy(text)))" == shown)
    }

    @Test("has percent-encoded credentials, and shows them to no one")
    func credentials() throws {
        let proxy = try #require(EgressProxy("http://user%40corp:p%3Aa%2Fs%25s:x@proxy:3128"))
        #expect(proxy.user == "user@corp" && proxy.password == "p:a/s%s:x")
        #expect(EgressProxy("http://u@proxy")?.password == "")
        var dumped = ""
        dump(proxy, to: &dumped)
        for text in ["\(proxy)", String(describing: proxy), String(reflecting: proxy), dumped] {
            #expect(!text.contains("corp") && !text.contains("s:x"), "\(text)")
        }
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "proxy:3128", "socks5://proxy:1080", "socks4a://proxy", "ftp://proxy", "HTTP://proxy", "http://",
            "http:///",
            "http://proxy:0", "http://proxy:99999", "http://proxy:", "http://proxy/path", "http://proxy?x",
            "http://proxy#x",
            "http://@proxy", "http://:p@proxy", "http://u%zz@proxy", "http://u:%0a@proxy", "http://u:p%0@proxy",
            "http://a b",
            "http://1.2.3", "http://[::1", "http://u:p@", "http://\u{FC}ml", " http://proxy", "http://proxy ",
            "http://\(String(repeating: "u", count: 256))@proxy",
        ])
    func refused(text: String) {
        #expect(EgressProxy(text) == nil)
    }
}
