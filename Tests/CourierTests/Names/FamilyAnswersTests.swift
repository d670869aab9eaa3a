import Outbox
import Testing

@testable import Courier

@Suite("The answers for both families")
struct FamilyAnswersTests {
    private static let v4: [IPAddress] = [.v4(1), .v4(2), .v4(3)]
    private static let v6: [IPAddress] = [.v6(high: 1, low: 1)]

    private static func found(_ addresses: [IPAddress], _ seconds: Int = 60) -> FamilyAnswers.Answer {
        .success(NameRecords(addresses: addresses, timeToLive: .seconds(seconds)))
    }

    private static func failed(_ code: NameResolutionError.Code) -> FamilyAnswers.Answer {
        .failure(NameResolutionError(code))
    }

    private func joined(
        _ v4: FamilyAnswers.Answer?, _ v6: FamilyAnswers.Answer?, prefersIPv6: Bool = true
    ) -> FamilyAnswers.Answer {
        var answers = FamilyAnswers()
        if let v4 { answers.take(v4, for: .v4) }
        if let v6 { answers.take(v6, for: .v6) }
        return answers.joined { _ in prefersIPv6 }
    }

    @Test("The families take turns, the preferred one first, and the shortest life holds for both")
    func both() {
        let (v4, v6) = (Self.found(Self.v4, 60), Self.found(Self.v6, 7))
        #expect(joined(v4, v6) == Self.found([Self.v6[0], Self.v4[0], Self.v4[1], Self.v4[2]], 7))
        #expect(
            joined(v4, v6, prefersIPv6: false) == Self.found([Self.v4[0], Self.v6[0], Self.v4[1], Self.v4[2]], 7))
    }

    @Test(
        "One family is enough, even if the other brings nothing",
        arguments: [NameResolutionError.Code.noAddress, .serverFailure])
    func one(_ code: NameResolutionError.Code) {
        #expect(joined(Self.found(Self.v4), Self.failed(code)) == Self.found(Self.v4))
        #expect(joined(Self.failed(code), Self.found(Self.v6)) == Self.found(Self.v6))
        #expect(joined(Self.found(Self.v4), nil) == Self.found(Self.v4))
    }

    private static let failures: [(FamilyAnswers.Answer?, FamilyAnswers.Answer?, NameResolutionError.Code)] = [
        (failed(.noAddress), failed(.noAddress), .noAddress),
        (failed(.noAddress), failed(.serverFailure), .serverFailure),
        (failed(.serverFailure), failed(.noAddress), .serverFailure),
        (failed(.notFound), failed(.serverFailure), .notFound),
        (failed(.noAddress), nil, .timedOut), (nil, nil, .timedOut),
    ]

    @Test("Only what holds for both families is said of the name", arguments: failures)
    func none(_ v4: FamilyAnswers.Answer?, _ v6: FamilyAnswers.Answer?, _ expected: NameResolutionError.Code) {
        #expect(joined(v4, v6) == Self.failed(expected))
    }
}
