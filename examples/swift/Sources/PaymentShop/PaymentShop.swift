import Database
import Foundation

/// A shop that has orders paid by a payment provider: `examples/payments/shop.py` in Swift.
///
/// PROVIDER_URL and PROVIDER_TOKEN: where, and with which token, the provider tells how a payment stands.
@main struct PaymentShop {
    let database: Database

    /// A program that finds nothing looks again after this time.
    static let pause = Duration.milliseconds(100)

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let shop = PaymentShop(database: try Database())
        switch (arguments.first, arguments.count) {
        case ("order", 4):
            let words = Array(arguments.dropFirst())
            try shop.order(words[0], amount: words[1], card: words[2])
        case ("receive", 1):
            while true {
                if try shop.receive() == 0 { try await Task.sleep(for: pause) }
            }
        default:
            print("usage: PaymentShop order NUMBER AMOUNT CARD | PaymentShop receive")
            exit(64)
        }
    }

    /// The order, the request for its payment, and what is to be heard of it: all of it, or nothing.
    func order(_ number: String, amount: String, card: String) throws {
        let provider = ProcessInfo.processInfo.environment
        let payment = "pay-\(number)"
        try database.transaction {
            try database.run("INSERT INTO orders (number, amount) VALUES ($1, $2)", number, amount)
            // An amount is text in JSON: many a reader makes a binary fraction of a number, and then a cent is missing.
            try database.run(
                """
                INSERT INTO postrider.outbox (event_type, payload)
                VALUES ('payment.requested', json_build_object('payment', $1::text, 'order', $2::bigint, 'amount', $3::text, 'card', $4::text))
                """, payment, number, amount, card)
            try database.run(
                """
                SELECT postrider.expect(
                    correlation => $1, within => '2 s', source => 'provider', otherwise => 'poll', poll_url => $2,
                    poll_headers => jsonb_build_object('Authorization', $3::text), poll_every => '1 s', poll_for => '1 min')
                """, payment, "\(provider["PROVIDER_URL"] ?? "")/payments/\(payment)",
                "Bearer \(provider["PROVIDER_TOKEN"] ?? "")")
        }
    }

    /// Takes what came in, books it, and ends it, in one transaction: killed in the middle, it has done nothing.
    func receive() throws -> Int {
        var count = 0
        try database.transaction {
            let rows = try database.rows(
                "SELECT id, convert_from(body, 'UTF8') FROM postrider.take_inbox('provider', 10)")
            for row in rows {
                guard let id = row[0], let body = row[1] else { continue }
                do {
                    // Undone alone when this row fails.
                    try database.savepoint {
                        let callback = try JSONDecoder().decode(Callback.self, from: Data(body.utf8))
                        try book(callback.data)
                        try database.run("SELECT postrider.finish_inbox($1)", id)
                    }
                } catch {
                    try database.run("SELECT postrider.fail_inbox($1, $2)", id, "\(error)")
                }
            }
            count = rows.count
        }
        return count
    }

    /// Books what became of a payment. Hearing it again changes nothing.
    private func book(_ payment: Callback.Payment) throws {
        let state = payment.state == .succeeded ? "paid" : "declined"
        let order = "\(payment.order)"
        if payment.state == .succeeded {
            let isNew = try database.run(
                "INSERT INTO receipts (payment, order_number, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                payment.payment, order, payment.amount)
            if isNew == 1 { try database.run("UPDATE till SET balance = balance + $1::numeric", payment.amount) }
        }
        let found = try database.run(
            "UPDATE orders SET state = $1 WHERE number = $2 AND amount = $3 AND state IN ('open', $1)",
            state, order, payment.amount)
        guard found == 1 else { throw Mismatch(order: payment.order) }
    }
}

/// What the provider says of a payment, in a callback or when it is asked.
struct Callback: Decodable {
    struct Payment: Decodable {
        enum State: String, Decodable {
            case succeeded, declined
        }

        let payment: String
        let order: Int
        let amount: String
        let state: State
    }

    let data: Payment
}

/// There is no such order, or another amount was paid.
struct Mismatch: Error {
    let order: Int
}
