import Formats
import Testing

@testable import CustomerAPI

private struct NoJSON: Error {}

@Suite("What customers are answered")
struct AnsweringTests {
    @Test("a problem is a document of RFC 9457, whatever it quotes")
    func problem() throws {
        let problem = APIProblem(.invalid, "a \"b\"\n\u{1}é", field: "x\\y")
        let read = try JSONParser.parse(Array(problem.json.utf8))
        #expect(read["status"] == .number(try number("422")) && read["code"] == .string("invalid"))
        #expect(read["detail"] == .string("a \"b\"\n\u{1}é") && read["field"] == .string("x\\y"))
        #expect(try JSONParser.parse(Array(APIProblem(.notFound, "").json.utf8))["field"] == nil)
    }

    private func number(_ text: String) throws -> JSONNumber {
        guard case .number(let number) = try JSONParser.parse(Array(text.utf8)) else { throw NoJSON() }
        return number
    }

    @Test("the description knows each path and each code, and nothing else")
    func description() throws {
        let document = try JSONParser.parse(Array(OpenAPIDocument.text.utf8))
        #expect(document["openapi"] == .string("3.1.0"))
        guard case .object(let paths)? = document["paths"] else { throw NoJSON() }
        var count = 0
        for path in paths {
            guard case .object(let methods) = path.value else { throw NoJSON() }
            let address = path.name.replacing("{name}", with: "a").replacing("{id}", with: "d")
            let described = methods.map { $0.name.uppercased() }.filter { $0 != "PARAMETERS" }
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let isThere = (try? APIRoute.find(method, address)) != nil
                #expect(isThere == described.contains(method), "\(method) \(path.name)")
                count += isThere ? 1 : 0
            }
        }
        #expect(count == 15)
        let codes = document["components"]?["schemas"]?["Problem"]?["properties"]?["code"]?["enum"]
        #expect(codes == .array(APIProblem.Code.allCases.map { .string($0.rawValue) }))
    }
}
