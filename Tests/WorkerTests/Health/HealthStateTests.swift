import Synchronization
import Testing

@testable import Worker

@Suite struct HealthStateTests {
    private final class ManualTime: Sendable {
        private let time = Mutex(Duration.zero)
        func advance(by step: Duration) { time.withLock { $0 += step } }
        func now() -> Duration { time.withLock { $0 } }
    }

    private let time = ManualTime()
    private func makeState(reasons: Set<HealthReason> = [.starting]) -> HealthState {
        HealthState(reasons: reasons, now: time.now)
    }

    @Test func startsUnreadyAndLive() {
        let state = makeState()
        #expect(state.reasons == [.starting])
        #expect(state.stuckLoops.isEmpty)
    }

    @Test func reasonsComeAndGoInDeclaredOrder() {
        let state = makeState(reasons: [])
        state.set(.draining, true)
        state.set(.databaseUnreachable, true)
        state.set(.databaseUnreachable, true)
        #expect(state.reasons == [.databaseUnreachable, .draining])
        state.set(.databaseUnreachable, false)
        state.set(.databaseUnreachable, false)
        #expect(state.reasons == [.draining])
    }

    @Test func silentLoopIsStuckUntilItBeatsAgain() {
        let state = makeState()
        state.watch("claimer", limit: .seconds(30))
        state.watch("settler", limit: .seconds(60))
        time.advance(by: .seconds(30))
        #expect(state.stuckLoops.isEmpty)
        time.advance(by: .milliseconds(1))
        #expect(state.stuckLoops == ["claimer"])
        time.advance(by: .seconds(30))
        #expect(state.stuckLoops == ["claimer", "settler"])
        state.beat("claimer")
        #expect(state.stuckLoops == ["settler"])
        state.unwatch("settler")
        #expect(state.stuckLoops.isEmpty)
    }

    @Test func readinessDoesNotTouchLiveness() {
        let state = makeState(reasons: Set(HealthReason.allCases))
        state.watch("claimer")
        state.beat("claimer")
        #expect(state.stuckLoops.isEmpty)
    }

    @Test func beatOfAnUnknownLoopIsIgnored() {
        let state = makeState()
        state.beat("nobody")
        time.advance(by: .seconds(3600))
        #expect(state.stuckLoops.isEmpty)
    }

    @Test func monotonicTimeDoesNotGoBack() {
        let first = HealthState.monotonicTime()
        #expect(HealthState.monotonicTime() >= first)
        #expect(first < .seconds(3600))
    }
}
