-- The shop's own tables, and the role that its program logs in with.
CREATE TABLE orders (
    number bigint PRIMARY KEY,
    amount numeric(12, 2) NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'declined'))
);
-- What was paid. Each payment is booked once, however often the shop hears of it.
CREATE TABLE receipts (
    payment text PRIMARY KEY,
    order_number bigint NOT NULL REFERENCES orders,
    amount numeric(12, 2) NOT NULL
);
-- The sum of all receipts. A payment that was booked twice would make it differ.
CREATE TABLE till (balance numeric(12, 2) NOT NULL);
INSERT INTO till VALUES (0);

CREATE ROLE shop LOGIN;
GRANT postrider_producer, postrider_consumer TO shop;
GRANT SELECT, INSERT, UPDATE ON orders, receipts, till TO shop;
