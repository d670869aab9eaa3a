import Formats
import Foundation
import Outbox
import Testing

@Suite("A JSON Schema")
struct JSONSchemaTests {
    private func vectors() throws -> JSONValue {
        let folder = try #require(Bundle.module.resourceURL?.appendingPathComponent("Vectors"))
        return try JSONParser.parse(Array(Data(contentsOf: folder.appendingPathComponent("json-schema.json"))))
    }

    private func fault(_ schema: String, _ payload: String) throws -> [String] {
        try JSONSchema(parsing: Array(schema.utf8)).check(JSONParser.parse(Array(payload.utf8))).map(\.description)
    }

    @Test("takes and refuses what every case of the list says, which has the shape of the JSON Schema Test Suite")
    func cases() throws {
        guard case .array(let groups) = try vectors() else { throw SchemaError("no list") }
        var count = 0
        for group in groups {
            let schema = try JSONSchema(try #require(group["schema"]))
            guard case .array(let tests) = group["tests"] else { continue }
            for test in tests {
                count += 1
                let isValid = try schema.check(#require(test["data"])).isEmpty
                #expect(
                    .bool(isValid) == test["valid"], "\(group["description"] ?? .null): \(test["description"] ?? .null)"
                )
            }
        }
        #expect(groups.count >= 50 && count >= 175, "\(groups.count) \(count)")
    }

    @Test("names the place and the rule of each fault, and never what stands there")
    func faults() throws {
        let schema =
            #"{"properties":{"order":{"properties":{"lines":{"items":{"required":["sku"]}}}},"secret":{"type":"string"}}}"#
        let faults = try fault(schema, #"{"order":{"lines":[{"sku":1},{}]},"secret":4711}"#)
        #expect(faults == ["$.order.lines[1] must have 'sku'", "$.secret must be of type string"])
    }

    @Test("tells a limited number of faults")
    func limited() throws {
        let many = "[" + Array(repeating: "1", count: 100).joined(separator: ",") + "]"
        #expect(try fault(#"{"items":{"type":"string"}}"#, many).count == JSONSchema.mostFaults)
    }

    @Test("that means itself without end is a fault, not a crash")
    func endless() throws {
        #expect(
            try fault(##"{"$ref":"#"}"##, "1") == ["$ is nested too deeply, or the schema means itself without end"])
        let each =
            ##"{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}"##
        #expect(try fault(each, "1").count == 1)
    }

    @Test(
        "with a keyword that is not understood, or not written as it must be, is refused",
        arguments: [
            (##"{"unevaluatedProperties":false}"##, "'unevaluatedProperties' at its top is not supported"),
            (##"{"properties":{"a":{"$dynamicRef":"#x"}}}"##, "'$dynamicRef' at /properties/a is not supported"),
            (
                ##"{"$schema":"http://json-schema.org/draft-07/schema#"}"##,
                "$schema must be https://json-schema.org/draft/2020-12/schema"
            ),
            (##"{"type":"text"}"##, "/type must be one or more of"),
            (##"{"minLength":-1}"##, "/minLength must be an integer from 0 up"),
            (##"{"minLength":1.5}"##, "/minLength must be"),
            (##"{"multipleOf":0}"##, "/multipleOf must be a number above 0"),
            (##"{"pattern":"("}"##, "/pattern must be a regular expression"),
            (##"{"allOf":[]}"##, "/allOf must not be empty"),
            (##"{"patternProperties":{"[":{}}}"##, "must be a regular expression"),
            (##"{"$ref":"https://example.com/x"}"##, "/$ref must mean a part of this schema"),
            (##"{"$ref":"#/$defs/x"}"##, "which is not there"), (##"{"required":[1]}"##, "/required must hold texts"),
            ("[]", "its top must be an object, true or false"), ("{", "it is not JSON at byte 1"),
            ("", "it is not JSON at byte 0"),
        ])
    func refused(schema: String, words: String) {
        let error = #expect(throws: SchemaError.self) { try JSONSchema(parsing: Array(schema.utf8)) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
