-- The provider's own tables, and the role that its programs log in with.
CREATE TABLE payments (
    id text PRIMARY KEY,
    order_number bigint NOT NULL,
    amount numeric(12, 2) NOT NULL,
    state text NOT NULL CHECK (state IN ('succeeded', 'declined'))
);
-- What the provider owes to the shop: the sum of what succeeded. A payment that was made twice would make it differ.
CREATE TABLE accounts (holder text PRIMARY KEY, balance numeric(12, 2) NOT NULL);
INSERT INTO accounts VALUES ('shop', 0);

CREATE ROLE provider LOGIN;
GRANT postrider_producer, postrider_consumer TO provider;
GRANT SELECT, INSERT, UPDATE ON payments, accounts TO provider;
