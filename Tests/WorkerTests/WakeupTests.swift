import Testing

@testable import Worker

@Suite(.timeLimit(.minutes(1))) struct WakeupTests {
    @Test func aCallBeforeTheWaitIsRemembered() async {
        let wakeup = Wakeup(on: SystemLoopClock())
        wakeup.call()
        wakeup.call()
        #expect(await wakeup.wait(atMost: .seconds(30)))
        #expect(await !wakeup.wait(atMost: .milliseconds(1)))
    }

    @Test func aCallEndsTheWait() async {
        let wakeup = Wakeup(on: SystemLoopClock())
        async let woken = wakeup.wait(atMost: .seconds(30))
        wakeup.call()
        #expect(await woken)
    }

    @Test func anOldTimerDoesNotEndALaterWait() async {
        let wakeup = Wakeup(on: SystemLoopClock())
        for _ in 0..<200 {
            wakeup.call()
            #expect(await wakeup.wait(atMost: .microseconds(50)))
            _ = await wakeup.wait(atMost: .microseconds(50))
        }
        async let woken = wakeup.wait(atMost: .seconds(30))
        wakeup.call()
        #expect(await woken)
    }
}
