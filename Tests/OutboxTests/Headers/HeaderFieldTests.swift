import Outbox
import TestSupport
import Testing

@Suite("Header fields")
struct HeaderFieldTests {
    @Test("every case of the list")
    func vectors() throws {
        for vector in try VectorFile("headers.tsv", atLeast: 45).cases {
            #expect(outcome(vector.input) == vector.expected, "\(vector.testDescription)")
        }
    }

    @Test("the length limit")
    func length() throws {
        let longest = String(repeating: "a", count: Limits.headerFieldBytes - 1)
        #expect(try HeaderField(name: "X", value: longest).value == longest)
        #expect(outcome("X: " + longest + "a") == "too_long")
        #expect(outcome("X: " + String(repeating: "a", count: 1 << 20)) == "too_long")
        #expect(outcome(String(repeating: "a", count: 1 << 20) + ": x") == "too_long")
    }

    @Test("neither print nor dump shows the value")
    func hidden() throws {
        let field = try HeaderField("Authorization: Bearer canary")
        var dumped = ""
        dump(field, to: &dumped)
        dump([field], to: &dumped)
        dump(try HeaderFields([field]), to: &dumped)
        for text in ["\(field)", String(reflecting: field), String(describing: [field]), dumped] {
            #expect(text.contains("Authorization"))
            #expect(!text.contains("canary"))
        }
        let error = try #require(throws: HeaderFieldError.self) { try HeaderField("Authorization: canary\n") }
        #expect(!error.message.contains("canary"))
    }

    @Test("what is accepted holds no CR, LF or NUL")
    func noInjection() {
        var generator = SeededGenerator(seed: 9)
        let alphabet = Array("Xx-: \t\r\n\0ab".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            let name = generator.text(upTo: 4, alphabet: alphabet)
            let value =
                Bool.random(using: &generator) ? generator.text(upTo: 4) : generator.text(upTo: 6, alphabet: alphabet)
            guard let field = try? HeaderField(name: name, value: value) else { continue }
            accepted += 1
            #expect(field.line.utf8.allSatisfy { $0 != 0 && $0 != 10 && $0 != 13 }, "\(field.line.debugDescription)")
            #expect(field.line.utf8.allSatisfy { $0 == 9 || (0x20...0x7e).contains($0) })
        }
        #expect(accepted > 200)
    }

    private func outcome(_ text: String) -> String {
        do throws(HeaderFieldError) {
            return "ok \(try HeaderField(text).line)"
        } catch {
            return error.code.rawValue
        }
    }
}
