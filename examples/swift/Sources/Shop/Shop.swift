import Database

struct Order {
    let id: Int
    let total: String
    let isInStock: Bool
}

struct OutOfStock: Error {
    let order: Int
}

/// A shop: each order and the event that tells of it are committed together, or neither is.
@main struct Shop {
    let database: Database

    static func main() throws {
        let shop = Shop(database: try Database())
        try shop.database.run("CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, total numeric NOT NULL)")
        for order in [
            Order(id: 1, total: "19.90", isInStock: true), Order(id: 2, total: "5.00", isInStock: true),
            Order(id: 3, total: "7.50", isInStock: false), Order(id: 4, total: "120.00", isInStock: true),
        ] {
            do {
                try shop.place(order)
                print("order \(order.id) over \(order.total) is placed")
            } catch is OutOfStock {
                print("order \(order.id) is out of stock: neither the order nor its event is kept")
            }
        }
    }

    /// The order and its event: both, or neither.
    func place(_ order: Order) throws {
        try database.transaction {
            try database.run("INSERT INTO orders (id, total) VALUES ($1, $2)", "\(order.id)", order.total)
            try database.run(
                "INSERT INTO postrider.outbox (event_type, payload, ordering_key) VALUES ('order.placed', $1, $2)",
                #"{"order_id": \#(order.id), "total": \#(order.total)}"#, "order-\(order.id)")
            guard order.isInStock else { throw OutOfStock(order: order.id) }
        }
    }
}
