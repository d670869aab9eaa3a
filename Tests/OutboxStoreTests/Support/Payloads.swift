/// Contents that a careless path would change.
enum Payloads {
    static let json = [
        "[1e131071,1e-131071]", "1e400000", "-0", "1.10", "9007199254740993", "{\"b\":1,\"a\":2,\"b\":3}",
        "  { \"a\" :\t1 }\n", "\"\\u0000\"", "\"\\ud83d\\ude00 😀 \\/\"",
        "\"whsec_x <script> ${jndi:ldap://x} \\u001b[31m\"",
        "[" + String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000) + "]",
        "\"" + String(repeating: "x", count: 262_142) + "\"",
    ]

    static let bodies: [[UInt8]] = [
        [], [0], [0xFF, 0xFE], [0xC0, 0x80], [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], [0x1F, 0x8B, 0x08, 0x00],
        Array("{not json".utf8), Array("\r\n\u{1B}[31m'; DROP TABLE x; --".utf8),
        [UInt8](repeating: 0xA5, count: 262_144),
    ]
}
