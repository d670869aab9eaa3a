import Outbox
import Testing

@Suite("Endpoint policy")
struct EndpointPolicyTests {
    @Test("http is refused unless allowed")
    func http() throws {
        #expect(refusal("http://example.com/", EndpointPolicy()) == .http)
        #expect(refusal("https://example.com/", EndpointPolicy()) == nil)
        #expect(refusal("http://example.com/", EndpointPolicy(allowHTTP: true)) == nil)
    }

    @Test(
        "developing on the loopback interface",
        arguments: [
            "http://127.0.0.1:1024/", "http://127.0.0.1:5432/", "http://localhost:6379/hooks", "http://localhost/",
            "http://a.localhost:8080/", "http://127.1.2.3:65535/",
        ])
    func loopback(text: String) throws {
        #expect(refusal(text, try policy("127.0.0.0/8")) == nil)
        #expect(refusal(text, try policy("10.0.0.0/8")) != nil)
        #expect(refusal(text, try policy("")) != nil)
    }

    @Test("loopback does not open private names, other machines or system ports")
    func loopbackOnly() throws {
        let policy = try policy("127.0.0.0/8, ::1/128")
        #expect(refusal("http://postgres/", policy) == .name)
        #expect(refusal("http://kubernetes.default.svc/", policy) == .name)
        #expect(refusal("http://metadata.google.internal/", policy) == .name)
        #expect(refusal("http://10.0.0.1/", policy) == .address)
        #expect(refusal("http://[::ffff:127.0.0.1]/", policy) == .address)
        #expect(refusal("http://localhost:22/", policy) == .port)
        #expect(refusal("http://example.com:5432/", policy) == .port)
        #expect(refusal("http://[::1]:5432/", policy) == nil)
    }

    @Test("an allowed private network opens private names, never the metadata service")
    func privateNames() throws {
        let policy = try policy("172.16.0.0/12")
        #expect(refusal("http://receiver:8080/", policy) == nil)
        #expect(refusal("http://receiver.shop.svc.cluster.local/", policy) == nil)
        #expect(refusal("http://172.17.0.2:9000/", policy) == nil)
        #expect(refusal("http://172.17.0.2:5432/", policy) == .port)
        #expect(refusal("http://localhost:8080/", policy) == .name)
        #expect(refusal("http://metadata/", policy) == .name)
    }

    private func policy(_ networks: String) throws -> EndpointPolicy {
        EndpointPolicy(allowHTTP: true, addresses: AddressPolicy(allowed: try Network.list(networks)))
    }

    private func refusal(_ text: String, _ policy: EndpointPolicy) -> EndpointRefusal.Code? {
        do {
            try policy.judge(try EndpointURL(text))
            return nil
        } catch let error as EndpointRefusal {
            return error.code
        } catch {
            Issue.record(error)
            return nil
        }
    }
}
