import Courier
import Outbox
import Testing

@testable import Worker

@Suite struct TokenShelfTests {
    private typealias Shelf = TokenShelf<Int>

    private func key(_ endpoint: Int32 = 1, secret: String = "s") throws -> Shelf.Key {
        guard case .oauth2(let client) = try EndpointAuthorization("oauth2:https://a.example/t,id,\(secret)") else {
            throw RequestRefusal(.internalError, "")
        }
        return Shelf.Key(endpoint: endpoint, client: client)
    }

    @Test func isFetchedOnceForManyAndKeptUntilShortlyBeforeItsEnd() throws {
        var shelf = Shelf()
        let now = ContinuousClock.now
        let key = try key()
        #expect(shelf.take(1, key, now: now) == .fetch)
        for item in 2...100 { #expect(shelf.take(item, key, now: now) == .wait) }
        #expect(try shelf.take(200, self.key(2), now: now) == .fetch)
        #expect(shelf.answered(.token("t", lifetime: .seconds(3600)), key, askedAt: now) == Array(1...100))
        #expect(shelf.take(101, key, now: now + .seconds(3569)) == .send(token: "t"))
        #expect(shelf.take(102, key, now: now + .seconds(3571)) == .fetch)
    }

    @Test func aShortLifeIsUsedForThreeQuarters() throws {
        var shelf = Shelf()
        let now = ContinuousClock.now
        _ = shelf.take(1, try key(), now: now)
        _ = shelf.answered(.token("t", lifetime: .seconds(40)), try key(), askedAt: now)
        #expect(shelf.take(2, try key(), now: now + .seconds(29)) == .send(token: "t"))
        #expect(shelf.take(3, try key(), now: now + .seconds(31)) == .fetch)
    }

    @Test func otherCredentialsHaveAnotherToken() throws {
        var shelf = Shelf()
        let now = ContinuousClock.now
        _ = shelf.take(1, try key(), now: now)
        _ = shelf.answered(.token("t", lifetime: .seconds(3600)), try key(), askedAt: now)
        #expect(shelf.take(2, try key(secret: "other"), now: now) == .fetch)
    }

    @Test func aFailureAndARefusalAreNotKept() throws {
        var shelf = Shelf()
        let now = ContinuousClock.now
        let key = try key()
        _ = shelf.take(1, key, now: now)
        #expect(shelf.answered(.refused("no"), key, askedAt: now) == [1])
        #expect(shelf.take(2, key, now: now) == .fetch)
        _ = shelf.answered(.token("t", lifetime: .seconds(3600)), key, askedAt: now)
        shelf.refused("another", key)
        #expect(shelf.take(3, key, now: now) == .send(token: "t"))
        shelf.refused("t", key)
        #expect(shelf.take(4, key, now: now) == .fetch)
    }
}

@Suite struct TokenAnswerTests {
    private func read(_ status: Int, _ body: String) -> TokenAnswer {
        TokenAnswer(.answered(CourierAnswer(status: status, bodyPrefix: Array(body.utf8))))
    }

    @Test func readsWhatTheStandardSays() {
        #expect(
            read(200, #"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#)
                == .token("abc", lifetime: .seconds(3600)))
        #expect(read(200, #"{"access_token":"abc","expires_in":"60"}"#) == .token("abc", lifetime: .seconds(60)))
        #expect(read(200, #"{"access_token":"abc","expires_in":59.9}"#) == .token("abc", lifetime: .seconds(59)))
        #expect(read(200, #"{"access_token":"abc"}"#) == .token("abc", lifetime: .seconds(300)))
        #expect(
            read(200, #"{"access_token":"abc","expires_in":99999999999}"#) == .token("abc", lifetime: .seconds(86_400)))
    }

    @Test func saysWhatIsWrongAndNothingThatTheServerMadeUp() {
        #expect(read(401, #"{"error":"invalid_client"}"#) == .refused("the token server answered 401 invalid_client"))
        #expect(read(500, #"{"error":"<script>"}"#) == .refused("the token server answered 500"))
        #expect(read(302, "") == .refused("the token server answered 302"))
        for body in ["", "[]", #"{"access_token":""}"#, #"{"access_token":"a b"}"#, #"{"access_token":"a\r\nX: y"}"#] {
            #expect(read(200, body) == .refused("the answer of the token server holds no access_token"))
        }
        #expect(
            read(200, #"{"access_token":"a","token_type":"mac"}"#)
                == .refused("the token of the token server is no bearer token"))
        #expect(
            TokenAnswer(.failed(.connectionRefused, detail: "connection refused"))
                == .refused("the token server: connection_refused: connection refused"))
        #expect(TokenAnswer(.interrupted) == .notAsked && TokenAnswer(.notSent(.tooLate)) == .notAsked)
    }
}
