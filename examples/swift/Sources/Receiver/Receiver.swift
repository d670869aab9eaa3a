import Database
import FlyingFox
import Foundation
import Webhooks

/// What every webhook says of itself.
struct Envelope: Decodable {
    let type: String
}

/// What a webhook of the type `order.placed` carries.
struct OrderPlaced: Decodable {
    struct Order: Decodable {
        let orderID: Int

        enum CodingKeys: String, CodingKey {
            case orderID = "order_id"
        }
    }

    let data: Order
}

/// A receiver: verifies each webhook, and does its work once even when a webhook comes twice. Usage: Receiver PORT SECRET
@main actor Receiver {
    private let verifier: WebhookVerifier
    private let database: Database

    private init(secret: String) throws {
        verifier = WebhookVerifier(secrets: [try WebhookSecret(secret)])
        database = try Database()
        // Keep ids for as long as the sender may try again: 75 hours and 35 minutes, unless its schedule was changed.
        try database.run(
            "CREATE TABLE IF NOT EXISTS seen_webhooks (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())")
        try database.run("CREATE TABLE IF NOT EXISTS shipments (order_id bigint)")
    }

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let port = UInt16(arguments[1]) else {
            print("usage: Receiver PORT SECRET")
            exit(64)
        }
        let receiver = try Receiver(secret: arguments[2])
        let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: port), logger: .disabled)
        await server.appendRoute("POST /") { request in await receiver.receive(request) }
        print("listening on 127.0.0.1:\(port)")
        fflush(nil)
        try await server.run()
    }

    func receive(_ request: HTTPRequest) async -> HTTPResponse {
        do {
            // The bytes as they came: parsed and written again, they would not fit the signature.
            let body = Array(try await request.bodyData)
            let headers = request.headers.map { (name: $0.key.rawValue, value: $0.value) }
            let webhook = try verifier.verify(
                headers: headers, body: body, now: Int64(Date().timeIntervalSince1970))
            try work(id: webhook.id, body: body)
            return HTTPResponse(statusCode: .noContent)
        } catch is WebhookVerificationError {
            return HTTPResponse(statusCode: .unauthorized)
        } catch {
            // The sender will try again.
            return HTTPResponse(statusCode: .serviceUnavailable)
        }
    }

    /// The id and the work are committed together.
    private func work(id: String, body: [UInt8]) throws {
        let body = Data(body)
        // For any other type there is nothing to do, as for the ping of `endpoint test`.
        guard try JSONDecoder().decode(Envelope.self, from: body).type == "order.placed" else { return }
        try database.transaction {
            let isNew = try database.run(
                "INSERT INTO seen_webhooks (id) VALUES ($1) ON CONFLICT DO NOTHING", id)
            guard isNew == 1 else { return }
            let order = try JSONDecoder().decode(OrderPlaced.self, from: body).data
            try database.run("INSERT INTO shipments (order_id) VALUES ($1)", "\(order.orderID)")
            print("order \(order.orderID) will be shipped")
            fflush(nil)
        }
    }
}
