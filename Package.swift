// swift-tools-version: 6.2

import PackageDescription

/// What every target of ours is compiled with: the newest rules of the language, and no warning left standing.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// For the two targets that touch C: every unsafe use has to be spelled out.
let strictWithC: [SwiftSetting] = strict + [.strictMemorySafety()]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

let package = Package(
    name: "postrider",
    products: [
        .executable(name: "postrider", targets: ["postrider"]),
        .library(name: "Webhooks", targets: ["Webhooks"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .systemLibrary(name: "CLibCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),

        .target(name: "Formats", swiftSettings: strict),
        .target(name: "Outbox", dependencies: ["Formats"], swiftSettings: strict),
        .target(name: "Webhooks", dependencies: ["Formats", crypto], swiftSettings: strict),
        .target(name: "Postgres", dependencies: ["CLibPQ", logging], swiftSettings: strictWithC),
        .target(name: "Courier", dependencies: ["CCAres", "CLibCurl", "Outbox"], swiftSettings: strictWithC),
        .target(name: "Telemetry", dependencies: ["Formats", "Outbox", logging, metrics], swiftSettings: strict),
        .target(
            name: "Settings", dependencies: ["Formats", "Outbox", "Telemetry", crypto, logging],
            swiftSettings: strict),
        .target(
            name: "OutboxStore", dependencies: ["Outbox", "Postgres"],
            resources: [.embedInCode("migrations")], swiftSettings: strict),
        .target(name: "Inbox", dependencies: ["Formats", "Outbox", "Webhooks", crypto], swiftSettings: strict),
        .target(
            name: "CustomerAPI", dependencies: ["Formats", "Outbox", crypto], resources: [.embedInCode("openapi.json")],
            swiftSettings: strict),
        .target(name: "InboxStore", dependencies: ["Inbox", "Postgres"], swiftSettings: strict),
        .target(
            name: "Doors",
            dependencies: ["Outbox", "Settings", nioCore, nioHTTP1, nioPosix, serviceLifecycle], swiftSettings: strict),
        .target(
            name: "Worker",
            dependencies: [
                "Courier", "Doors", "Outbox", "OutboxStore", "Postgres", "Settings", "Telemetry", "Webhooks",
                logging, metrics, serviceLifecycle,
            ], swiftSettings: strict),
        .target(
            name: "Server",
            dependencies: [
                "CustomerAPI", "Doors", "Formats", "Inbox", "InboxStore", "Outbox", "OutboxStore", "Postgres",
                "Settings",
                "Telemetry", "Webhooks", "Worker",
                logging, metrics, serviceLifecycle,
            ], swiftSettings: strict),
        .target(name: "LocalPostgres", swiftSettings: strict),
        .target(
            name: "CommandLineTool",
            dependencies: [
                "Courier", "CustomerAPI", "Doors", "Formats", "LocalPostgres", "Outbox", "OutboxStore", "Postgres",
                "Server", "Settings", "Telemetry", "Webhooks", "Worker",
                argumentParser, logging, serviceLifecycle, unixSignals, yams,
            ], swiftSettings: strict),
        .executableTarget(name: "postrider", dependencies: ["CommandLineTool"], swiftSettings: strict),

        .target(
            name: "TestSupport",
            dependencies: ["LocalPostgres", "Outbox", "OutboxStore", "Postgres", "Settings", logging],
            path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "FormatsTests", dependencies: ["Formats"], swiftSettings: strict),
        .testTarget(
            name: "OutboxTests", dependencies: ["Formats", "Outbox", "TestSupport"], resources: [.copy("Vectors")],
            swiftSettings: strict),
        .testTarget(
            name: "WebhooksTests", dependencies: ["Webhooks", crypto], resources: [.copy("Vectors")],
            swiftSettings: strict),
        .testTarget(
            name: "PostgresTests", dependencies: ["LocalPostgres", "Postgres", "TestSupport", logging],
            swiftSettings: strict),
        .testTarget(
            name: "CourierTests", dependencies: ["Courier", "LocalPostgres", "Outbox", "TestSupport"],
            exclude: ["Vectors"], swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests", dependencies: ["Telemetry", "Outbox", logging, metrics], swiftSettings: strict),
        .testTarget(
            name: "SettingsTests", dependencies: ["Settings", "Outbox", "Telemetry", "TestSupport", logging],
            swiftSettings: strict),
        .testTarget(
            name: "OutboxStoreTests",
            dependencies: ["LocalPostgres", "OutboxStore", "Outbox", "Postgres", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "InboxStoreTests",
            dependencies: ["Inbox", "InboxStore", "Outbox", "OutboxStore", "Postgres", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "DoorsTests",
            dependencies: ["Doors", "Settings", "TestSupport", logging, nioCore, nioEmbedded, serviceLifecycle],
            swiftSettings: strict),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "Worker", "Courier", "Doors", "Outbox", "OutboxStore", "Postgres", "Settings", "Telemetry",
                "TestSupport",
                "Webhooks",
                logging, serviceLifecycle,
            ], swiftSettings: strict),
        .testTarget(
            name: "CustomerAPITests", dependencies: ["CustomerAPI", "Formats", "Outbox"], swiftSettings: strict),
        .testTarget(
            name: "InboxTests", dependencies: ["Inbox", "Outbox", "Webhooks"], resources: [.copy("Vectors")],
            swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Courier", "CustomerAPI", "Doors", "Formats", "Inbox", "Outbox", "Postgres", "Server", "Settings",
                "Telemetry", "TestSupport", "Webhooks",
                logging, serviceLifecycle,
            ], swiftSettings: strict),
        .testTarget(
            name: "CommandLineToolTests",
            dependencies: [
                "CommandLineTool", "LocalPostgres", "Outbox", "OutboxStore", "Postgres", "Settings", "TestSupport",
                "Webhooks", "Worker",
                argumentParser, logging, serviceLifecycle, unixSignals,
            ],
            exclude: ["Rules/cases.json", "Screens"], swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestSupport", "LocalPostgres", "Postgres"],
            exclude: ["Support/receiver.py"], swiftSettings: strict),
    ]
)
