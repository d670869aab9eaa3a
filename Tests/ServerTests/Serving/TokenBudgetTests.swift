import Testing

@testable import Server

@Suite("What a token may ask")
struct TokenBudgetTests {
    private let start = ContinuousClock.now

    private func isWait(_ verdict: TokenBudget.Verdict) -> Bool {
        if case .wait = verdict { true } else { false }
    }

    @Test("a token that was proved has its own rate, and a few requests at once")
    func known() {
        var budget = TokenBudget(now: start)
        #expect(budget.begin([1], now: start) == .stranger)
        budget.end([1], .stranger, isGood: true, now: start)
        for _ in 0..<TokenBudget.atOnce { #expect(budget.begin([1], now: start) == .known) }
        #expect(budget.begin([1], now: start) == .wait(.seconds(1)))
        for _ in 0..<TokenBudget.atOnce { budget.end([1], .known, isGood: true, now: start) }
        var passed = TokenBudget.atOnce
        while budget.begin([1], now: start) == .known {
            budget.end([1], .known, isGood: nil, now: start)
            passed += 1
        }
        #expect(passed == Int(TokenBudget.rate))
        #expect(budget.begin([1], now: start + .milliseconds(21)) == .known)
    }

    @Test("guesses share one rate, keep nothing from the known, and take no room")
    func strangers() {
        var budget = TokenBudget(now: start)
        _ = budget.begin([1], now: start)
        budget.end([1], .stranger, isGood: true, now: start)
        var asked = 0
        for guess in 0..<100_000 {
            let hash = [2, UInt8(guess & 0xff), UInt8(guess >> 8 & 0xff)]
            let verdict = budget.begin(hash, now: start)
            guard !isWait(verdict) else { continue }
            budget.end(hash, verdict, isGood: false, now: start)
            asked += 1
        }
        #expect(asked == Int(TokenBudget.strangers) - 1)
        #expect(budget.begin([1], now: start) == .known)
        #expect(budget.count == 1)
    }

    @Test("one that has ended is a stranger at once; with one too many the least used is")
    func forgets() {
        var budget = TokenBudget(now: start, mostTokens: 2)
        for token in [UInt8(1), 2, 3] {
            let now = start + .seconds(Int(token))
            budget.end([token], budget.begin([token], now: now), isGood: true, now: now)
        }
        #expect(budget.count == 2)
        let later = start + .seconds(10)
        #expect(budget.begin([1], now: later) == .stranger && budget.begin([2], now: later) == .known)
        budget.end([2], .known, isGood: false, now: later)
        #expect(budget.begin([2], now: later) == .stranger && budget.count == 1)
    }
}
