import Postgres
import Testing

@testable import OutboxStore
@testable import Worker

@Suite(.timeLimit(.minutes(1))) struct ServerWatchTests {
    private let rig = Rig()

    private func server(_ timeline: Int64) -> ServerIdentity {
        ServerIdentity(cluster: 1, database: 5, timeline: timeline)
    }

    @Test func aLoopThatFindsOnlyALeftServerMakesTheWorkerUnready() throws {
        let watch = ServerWatch(state: rig.parts.state, health: rig.parts.health, log: rig.parts.log)
        rig.parts.health.set(.starting, false)
        try watch.judge(server(2), for: "claimer")
        try watch.judge(server(2), for: "settler")
        #expect(throws: PostgresError.self) { try watch.judge(server(1), for: "claimer") }
        #expect(rig.reasons == [.databaseLeft] && !rig.parts.state.isOnLeftServer)
        // What another loop finds does not help this one.
        try watch.judge(server(2), for: "settler")
        #expect(rig.reasons == [.databaseLeft])
        try watch.judge(server(2), for: "claimer")
        #expect(rig.reasons.isEmpty)
        // A pooler went back to the old server behind a connection.
        #expect(throws: PostgresError.self) { try watch.judge(server(1), for: "housekeeper") }
        #expect(rig.reasons == [.databaseLeft] && rig.parts.state.isOnLeftServer)
        try watch.judge(server(2), for: "housekeeper")
        #expect(rig.reasons.isEmpty && !rig.parts.state.isOnLeftServer)
    }

    @Test func claimsGoOnForTheShaperWhichTriesAgainWithWhatTheyBring() throws {
        let watch = ServerWatch(state: rig.parts.state, health: rig.parts.health, log: rig.parts.log)
        rig.parts.health.set(.starting, false)
        try watch.judge(server(2), for: Claimer.loop)
        #expect(throws: PostgresError.self) { try watch.judge(server(1), for: Shaper.loop) }
        #expect(rig.reasons == [.databaseLeft] && !rig.parts.state.isOnLeftServer)
        try watch.judge(server(2), for: Shaper.loop)
        #expect(rig.reasons.isEmpty)
    }
}
