// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "examples",
    dependencies: [
        // In a project of your own: .package(url: "…/postrider", from: "0.1.0")
        .package(name: "postrider", path: "../.."),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "Database", dependencies: ["CPostgres"]),
        .executableTarget(name: "Shop", dependencies: ["Database"]),
        .executableTarget(name: "PaymentShop", dependencies: ["Database"]),
        .executableTarget(
            name: "Receiver",
            dependencies: [
                "Database", .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "Webhooks", package: "postrider"),
            ]),
    ]
)
