// swift-tools-version: 6.2

import PackageDescription

// The parsers of what comes from outside, fed by libFuzzer. A package of its own, so that its instrumented build touches no other;
// the folders in Sources/ but Fuzz are links to those that ship. `scripts/fuzz` builds and runs it.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")

let package = Package(
    name: "postrider-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    ],
    targets: [
        .target(name: "Formats", swiftSettings: strict),
        .target(name: "Outbox", dependencies: ["Formats"], swiftSettings: strict),
        .target(name: "Telemetry", dependencies: ["Formats", "Outbox", logging, metrics], swiftSettings: strict),
        // Without the sealing of secrets, which needs a library of ciphers that takes minutes to build.
        .target(
            name: "Settings", dependencies: ["Formats", "Outbox", "Telemetry", logging], exclude: ["Sealing"],
            swiftSettings: strict),
        .executableTarget(name: "Fuzz", dependencies: ["Outbox", "Settings", "Telemetry"], swiftSettings: strict),
    ]
)
