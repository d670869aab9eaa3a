import Outbox
import TestSupport
import Testing

@Suite("Endpoint URLs")
struct EndpointURLTests {
    @Test("every case of the list")
    func vectors() throws {
        let policy = EndpointPolicy(allowHTTP: true)
        for vector in try VectorFile("endpoint-urls.tsv", atLeast: 190).cases {
            #expect(outcome(vector.input, policy) == vector.expected, "\(vector.testDescription)")
        }
    }

    @Test("the parts of a URL")
    func parts() throws {
        let url = try EndpointURL("HTTPS://Hooks.Example.com:8443/In?Box=1")
        #expect(url.scheme == .https)
        #expect(url.host == .name("hooks.example.com"))
        #expect(url.port == 8443)
        #expect(url.pathAndQuery == "/In?Box=1")
        #expect(url.authority == "hooks.example.com:8443")
        #expect(url.absoluteString == "https://hooks.example.com:8443/In?Box=1")
    }

    @Test("the length limit counts bytes")
    func length() throws {
        let start = "http://example.com/"
        let longest = start + String(repeating: "a", count: Limits.urlBytes - start.utf8.count)
        #expect(try EndpointURL(longest).absoluteString == longest)
        #expect(code(longest + "a") == .tooLong)
        #expect(code("https://example.com/?" + String(repeating: "x", count: 65_536)) == .tooLong)
    }

    @Test("a name has at most 253 characters")
    func nameLength() {
        let name = String(repeating: "a.", count: 126)
        #expect(code("https://\(name)b/") == nil)
        #expect(code("https://\(name)bc/") == .host)
    }

    @Test(
        "messages repeat no credentials",
        arguments: [
            "https://user:hunter2@example.com/", "https://hunter2@example.com/", "https://user:hunter2/x@example.com/",
            "https://example.com/?token=hunter2 ", "https://example.com/hunter2#", "https://example.com/hunter2%",
            "user:hunter2@example.com", "https://example.com:hunter2/",
        ])
    func secrets(text: String) throws {
        let error = try #require(throws: EndpointURLError.self) { try EndpointURL(text) }
        #expect(!error.message.contains("hunter2"))
        #expect(!error.message.contains("\n"))
    }

    @Test("what is normalised reads back as the same")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 1)
        let alphabet = Array("htps:/[].@#?%&=\\ 0123456789abcdefxXZ-_~<\u{e9}".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            let start = ["", "http://", "https://a.b", "http://[::", "https://1.2.3."].randomElement(using: &generator)
            let text = (start ?? "") + generator.text(upTo: 16, alphabet: alphabet)
            guard let url = try? EndpointURL(text) else { continue }
            accepted += 1
            #expect(try EndpointURL(url.absoluteString) == url, "\(text)")
            #expect(url.absoluteString.utf8.allSatisfy { (0x21...0x7e).contains($0) })
        }
        #expect(accepted > 500)
    }

    @Test("random bytes never trap")
    func randomBytes() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<5_000 {
            _ = try? EndpointURL("http://" + generator.text(upTo: 40))
            _ = try? EndpointURL(generator.text(upTo: 40))
        }
    }

    private func outcome(_ text: String, _ policy: EndpointPolicy) -> String {
        do {
            return "ok \(try policy.endpointURL(text).absoluteString)"
        } catch let error as EndpointURLError {
            return "url \(error.code.rawValue)"
        } catch let error as EndpointRefusal {
            return "refused \(error.code.rawValue)"
        } catch {
            return "\(error)"
        }
    }

    private func code(_ text: String) -> EndpointURLError.Code? {
        do throws(EndpointURLError) {
            _ = try EndpointURL(text)
            return nil
        } catch {
            return error.code
        }
    }
}
