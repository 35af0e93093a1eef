import HTTPCore
import Testing
import TestSupport
import UVLoop

@testable import UVHTTPServer

@Suite struct RateLimiterTests {
    private let home: [UInt8] = [10, 0, 0, 1]

    private func key(_ token: String?, _ kind: RateLimitClass = .standard) -> RateLimiter.Key {
        guard let token else { return RateLimiter.Key(address: home) }
        return Array(token.utf8).withUnsafeBufferPointer { RateLimiter.Key(address: home, token: $0[...], of: kind) }
    }

    /// Makes a token known, as its first request does.
    private func verify(_ limiter: RateLimiter, _ key: RateLimiter.Key) {
        #expect(limiter.take(key, now: 0).isForToken)
        #expect(limiter.verified(key, now: 0) != nil)
    }

    @Test func aBucketEmptiesAndFillsEvenly() {
        let limiter = RateLimiter(limit: 60)
        for left in (0..<60).reversed() {
            let decision = limiter.take(key(nil), now: 1000).decision
            #expect(decision.isAllowed)
            #expect(decision.remaining == left)
        }
        let refused = limiter.take(key(nil), now: 1000).decision
        #expect(!refused.isAllowed)
        #expect(refused.remaining == 0)
        #expect(refused.reset == 1)
        #expect(!limiter.take(key(nil), now: 1999).decision.isAllowed)
        #expect(limiter.take(key(nil), now: 2000).decision.isAllowed)
        #expect(limiter.peek(key(nil), now: 62_000).remaining == 60)
    }

    @Test func aNetworkOf64BitsIsOneClient() {
        let network: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 1, 0, 2]
        func key(_ host: UInt8, of network: [UInt8]) -> RateLimiter.Key {
            RateLimiter.Key(address: network + [0, 0, 0, 0, 0, 0, 0, host])
        }
        let limiter = RateLimiter(limit: 2)
        #expect(limiter.take(key(1, of: network), now: 0).decision.remaining == 1)
        #expect(limiter.take(key(2, of: network), now: 0).decision.remaining == 0)
        #expect(!limiter.take(key(3, of: network), now: 0).decision.isAllowed)
        #expect(limiter.take(key(1, of: network.dropLast() + [3]), now: 0).decision.isAllowed)
        #expect(limiter.bucketCount == 2)
    }

    @Test func anIPv4AddressIsOneClientHoweverItIsWritten() {
        let limiter = RateLimiter(limit: 2)
        let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        #expect(limiter.take(RateLimiter.Key(address: home), now: 0).decision.remaining == 1)
        #expect(limiter.take(RateLimiter.Key(address: prefix + home), now: 0).decision.remaining == 0)
        #expect(limiter.take(RateLimiter.Key(address: prefix + [10, 0, 0, 2]), now: 0).decision.remaining == 1)
    }

    @Test func verifiedTokensAndTheirHeartbeatsHaveBucketsOfTheirOwn() {
        let limiter = RateLimiter(limit: 2)
        let keys = [key("a"), key("b"), key("a", .heartbeat), key("b", .heartbeat)]
        for key in keys { verify(limiter, key) }
        for key in keys + [key(nil)] { #expect(limiter.take(key, now: 0).decision.isAllowed) }
        for key in keys { #expect(!limiter.take(key, now: 0).decision.isAllowed) }
        #expect(limiter.take(key(nil), now: 0).decision.isAllowed, "the address got back what it had paid for tokens")
        #expect(!limiter.take(key(nil), now: 0).decision.isAllowed)
    }

    @Test func inventingTokensBuysNothing() {
        let limiter = RateLimiter(limit: 5)
        verify(limiter, key("known"))
        let allowed = (0..<100).count { limiter.take(key("guess \($0)"), now: 0).decision.isAllowed }
        #expect(allowed == 5)
        #expect(limiter.take(key("known"), now: 0).decision.isAllowed)
    }

    @Test func requestsAtOnceWithANewTokenGetNoMoreThanItsBucketHolds() {
        let limiter = RateLimiter(limit: 5)
        let taken = (0..<5).map { _ in limiter.take(key("new"), now: 0) }
        #expect(taken.allSatisfy { $0.decision.isAllowed && $0.isForToken })
        // Verified one after the other; then as many again from the address.
        for _ in taken { _ = limiter.verified(key("new"), now: 0) }
        #expect(!limiter.take(key("new"), now: 0).decision.isAllowed)
        #expect(limiter.verified(key("new"), now: 0) == nil)
        #expect(limiter.peek(key(nil), now: 0).remaining == 5)
    }

    @Test func aFleetBehindOneAddressBeatsAtOnceWithTokensThatAreNotKnownYet() {
        let limiter = RateLimiter(limit: 600)
        let beats = (0..<10_000).map { key("agent \($0)", .heartbeat) }
        #expect(beats.allSatisfy { limiter.take($0, now: 0).decision.isAllowed }, "all before the first is verified")
        let other = limiter.take(key("agent 0"), now: 0).decision
        #expect(other.isAllowed && other.remaining == 599, "beats are no charge to the address's other requests")
        #expect(beats.allSatisfy { limiter.verified($0, now: 0)?.remaining == 599 })
        #expect(beats.allSatisfy { !limiter.take($0, now: 0).isForToken })
    }

    @Test func inventedHeartbeatsEndSomewhereAndLeaveTheOthersAlone() {
        let limiter = RateLimiter(limit: 60)
        let known = key("known", .heartbeat)
        verify(limiter, known)
        let decisions = (0..<2000).map { limiter.take(key("guess \($0)", .heartbeat), now: 0).decision }
        #expect(decisions.count(where: \.isAllowed) == 1200)
        #expect(decisions[0].remaining == 60, "never more than the limit that it is told beside")
        #expect(decisions[1999].reset == 1)
        #expect(limiter.take(known, now: 0).decision.isAllowed)
        #expect(limiter.take(key(nil, .heartbeat), now: 0).decision.remaining == 59, "without a token it is a request")
        // 20 a second come back.
        let later = (0..<100).count { limiter.take(key("later \($0)", .heartbeat), now: 1000).decision.isAllowed }
        #expect(later == 20)
    }

    @Test func anAddressHasBackWhatNobodyCouldDecide() {
        let limiter = RateLimiter(limit: 5)
        for kind in [RateLimitClass.standard, .heartbeat] {
            for _ in 0..<1000 {
                let taken = limiter.take(key("unknown", kind), now: 0)
                #expect(taken.decision.isAllowed && taken.isForToken)
                #expect(limiter.undecided(key("unknown", kind), now: 0)?.remaining == 5)
            }
        }
        #expect(limiter.bucketCount == 2, "the token has no bucket from it")
    }

    @Test func aLookFromAnEarlierTimeFillsNothingTwice() {
        let limiter = RateLimiter(limit: 60)
        for _ in 0..<60 { _ = limiter.take(key(nil), now: 0) }
        #expect(limiter.take(key(nil), now: 1000).decision.isAllowed)
        #expect(!limiter.take(key(nil), now: 0).decision.isAllowed)
        #expect(!limiter.take(key(nil), now: 1000).decision.isAllowed)
    }

    @Test func memoryIsBounded() {
        let limiter = RateLimiter(limit: 10)
        for number in 0..<1000 { _ = limiter.take(key("invented \(number)"), now: 0) }
        #expect(limiter.bucketCount == 1, "what is invented is not remembered")
        for number in 0..<300_000 { _ = limiter.verified(key("token \(number)"), now: 0) }
        #expect(limiter.bucketCount <= 16 * 8192)
    }
}

@Suite struct RateLimitTests {
    @Test func responsesSayWhatIsLeftAndRefusalsWhenToRetry() async throws {
        try await withServer(configure: { $0.rateLimit = 2 }) { server in
            let client = try server.client()
            for left in ["1", "0"] {
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try await client.response()
                #expect(response.status == 200)
                #expect(response.headers["x-ratelimit-limit"] == "2")
                #expect(response.headers["x-ratelimit-remaining"] == left)
                #expect(response.headers["x-ratelimit-reset"] != nil)
            }
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            let refused = try await client.response()
            #expect(refused.status == 429)
            // One in thirty seconds, of which the machine has used some.
            let pause = try #require(refused.headers["retry-after"].flatMap { Int($0) })
            #expect((15...30).contains(pause))
            #expect(refused.text == #"{"error":"rate limit exceeded","retry_after":\#(pause)}"#)
            #expect(refused.headers["connection"] == nil)
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n")
            #expect(try await client.response().status == 429, "an unknown token from an address that has nothing left")
        }
    }

    /// A server where `/private` knows the tokens that begin with `good`, and `/open` asks nobody.
    private func withGuard(limit: Int, _ body: (TestServer) async throws -> Void) async throws {
        try await withServer(
            configure: { $0.rateLimit = limit },
            routes: { router in
                router.on(.get, "/open") { _ in .text("open") }
                router.on(.get, "/private/{owner}") { request in
                    if request.bearerToken == "undecided" {
                        request.context.leaveBearerUndecided()
                        throw APIError.platformUnavailable
                    }
                    guard let token = request.bearerToken, token.hasPrefix("good") else {
                        throw APIError(.unauthorized, "no")
                    }
                    request.context.bearerVerified()
                    guard token == request.parameters["owner"] else { throw APIError(.unauthorized, "not yours") }
                    return .text("yours")
                }
            }, body)
    }

    private func ask(_ client: RawClient, _ path: String, _ authorization: String) async throws -> (Int, String?) {
        client.send("GET \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: \(authorization)\r\n\r\n")
        let response = try await client.response()
        return (response.status, response.headers["x-ratelimit-remaining"])
    }

    @Test func inventedTokensOnAnOpenRouteAreChargedToTheAddress() async throws {
        try await withGuard(limit: 3) { server in
            let client = try server.client()
            var statuses: [Int] = []
            for number in 0..<5 { statuses.append(try await ask(client, "/open", "Bearer invented \(number)").0) }
            #expect(statuses == [200, 200, 200, 429, 429])
        }
    }

    @Test func aGoodTokenWhereItMayNotGetsNoFreshBucket() async throws {
        try await withGuard(limit: 3) { server in
            let client = try server.client()
            var responses: [(status: Int, left: String?)] = []
            for owner in ["good", "other", "other", "other", "good"] {
                responses.append(try await ask(client, "/private/\(owner)", "Bearer good"))
            }
            #expect(responses.map(\.status) == [200, 401, 401, 429, 429])
            #expect(responses.map(\.left) == ["2", "1", "0", "0", "0"])
            #expect(try await ask(client, "/open", "Bearer invented") == (200, "2"), "the address paid for none of it")
        }
    }

    @Test func whatCouldNotBeDecidedIsNotThrottled() async throws {
        try await withGuard(limit: 3) { server in
            let client = try server.client()
            for _ in 0..<10 { #expect(try await ask(client, "/private/good", "Bearer undecided") == (503, "3")) }
            #expect(try await ask(client, "/open", "Bearer invented") == (200, "2"))
        }
    }

    @Test func oneTokenHasOneBucketHoweverItIsWritten() async throws {
        try await withGuard(limit: 3) { server in
            let client = try server.client()
            for (spelling, left) in [("Bearer good", "2"), ("bearer   good", "1"), ("BEARER \tgood", "0")] {
                #expect(try await ask(client, "/private/good", spelling) == (200, left))
            }
            #expect(try await ask(client, "/private/good", "bEARER good").0 == 429)
        }
    }

    @Test func offMeansNoFields() async throws {
        try await withServer { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().headers["x-ratelimit-limit"] == nil)
        }
    }

    @Test func theForwardedAddressCountsOnlyFromATrustedProxy() async throws {
        for (trusted, expected) in [(["127.0.0.0/8"], 200), ([], 429)] {
            try await withServer(configure: {
                $0.rateLimit = 1
                $0.trustedProxies = trusted
            }) { server in
                let client = try server.client()
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n")
                #expect(try await client.response().status == 200)
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n")
                #expect(try await client.response().status == expected)
            }
        }
    }
}

@Suite struct TrustedProxiesTests {
    @Test(arguments: [
        (["10.0.0.0/8"], "1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (["10.0.0.0/8"], "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (["10.0.0.0/8"], "10.2.2.2", "10.2.2.2"),
        (["10.0.0.9"], "1.2.3.4", "1.2.3.4"),
        (["10.0.0.0/29"], "1.2.3.4", nil),
        (["::1"], "1.2.3.4", nil),
        (["10.0.0.0/8"], "unknown", nil),
        ([], "1.2.3.4", nil),
    ])
    func clientBehindAProxy(trusted: [String], field: String, client: String?) {
        let found = TrustedProxies(trusted).client(behind: [10, 0, 0, 9], forwardedFor: [field])
        #expect(found?.ip == client)
    }
}
