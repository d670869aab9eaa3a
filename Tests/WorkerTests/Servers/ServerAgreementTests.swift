import Testing

@testable import OutboxStore
@testable import Worker

@Suite struct ServerAgreementTests {
    private func server(_ cluster: Int64, _ timeline: Int64?, database: Int64 = 5) -> ServerIdentity {
        ServerIdentity(cluster: cluster, database: database, timeline: timeline)
    }

    private func verdicts(_ servers: ServerIdentity...) -> [ServerAgreement.Verdict] {
        var agreement = ServerAgreement()
        return servers.map { agreement.judge($0) }
    }

    @Test func allConnectionsToOneServerAgree() {
        #expect(verdicts(server(1, 1), server(1, 1), server(1, 1)) == [.agreed, .agreed, .agreed])
    }

    @Test func aPromotedServerIsFollowedAndTheOldOneRefused() {
        #expect(
            verdicts(server(1, 1), server(1, 2), server(1, 1), server(1, 2), server(1, 5), server(1, 2))
                == [.agreed, .moved, .refused, .agreed, .moved, .refused])
    }

    @Test func anotherClusterOrDatabaseIsFollowedOnce() {
        #expect(
            verdicts(server(1, 3), server(2, 1), server(1, 3), server(1, 9)) == [.agreed, .moved, .refused, .refused])
        #expect(
            verdicts(server(1, 1), server(1, 1, database: 6), server(1, 1)) == [.agreed, .moved, .refused])
    }

    @Test func aStandbyIsNotJudged() {
        #expect(
            verdicts(server(1, nil), server(1, 2), server(9, nil), server(1, 1)) == [
                .agreed, .agreed, .agreed, .refused,
            ])
    }

    @Test func whatItRemembersHasALimit() {
        var agreement = ServerAgreement()
        for cluster in 1...100 { _ = agreement.judge(server(Int64(cluster), 1)) }
        #expect(agreement.judge(server(99, 1)) == .refused)
        #expect(agreement.judge(server(1, 1)) == .moved)
    }
}
