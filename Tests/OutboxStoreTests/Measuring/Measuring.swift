import Testing

/// What things cost, counted on servers of their own where no other test writes and autovacuum is off. One after the other:
/// these are big.
@Suite("What it costs:", .serialized, .timeLimit(.minutes(5)))
enum Measuring {}
