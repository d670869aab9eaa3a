/// The description of the API in OpenAPI 3.1, which the server is held to.
package enum OpenAPIDocument {
    package static let text = String(decoding: PackageResources.openapi_json, as: UTF8.self)
}
