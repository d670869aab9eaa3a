import Testing

/// The real executable, a real PostgreSQL, real sockets. One test at a time: they measure, and they stop servers.
@Suite(.serialized) enum EndToEndTests {}
