import EventLoop
import HTTPCore
import Testing

@testable import HTTPServer

@Suite struct RateLimiterTests {
    private let home: [UInt8] = [10, 0, 0, 1]

    private func key(_ token: String?, _ kind: RateLimitClass = .standard) -> RateLimiter.Key {
        guard let token else { return RateLimiter.Key(address: home) }
        return Array(token.utf8).withUnsafeBytes { RateLimiter.Key(tokenBytes: $0, address: home, of: kind) }
    }

    @Test func aBucketEmptiesAndFillsEvenly() {
        let limiter = RateLimiter(limit: 60)
        for left in (0..<60).reversed() {
            let decision = limiter.take(key(nil), now: 1000)
            #expect(decision.isAllowed)
            #expect(decision.remaining == left)
        }
        let refused = limiter.take(key(nil), now: 1000)
        #expect(!refused.isAllowed)
        #expect(refused.remaining == 0)
        #expect(refused.reset == 1)
        #expect(!limiter.take(key(nil), now: 1999).isAllowed)
        #expect(limiter.take(key(nil), now: 2000).isAllowed)
        #expect(limiter.peek(key(nil), now: 62_000).remaining == 60)
    }

    @Test func tokensAndHeartbeatsHaveBucketsOfTheirOwn() {
        let limiter = RateLimiter(limit: 1)
        for key in [key(nil), key("a"), key("b"), key("a", .heartbeat), key("b", .heartbeat)] {
            // The address's bucket is empty after the first; tokens known by then go on.
            _ = limiter.peek(key, now: 0)
        }
        #expect(limiter.take(key("a"), now: 0).isAllowed)
        #expect(limiter.take(key("b"), now: 0).isAllowed)
        #expect(limiter.take(key("a", .heartbeat), now: 0).isAllowed)
        #expect(limiter.take(key(nil), now: 0).isAllowed)
        #expect(!limiter.take(key("a"), now: 0).isAllowed)
        #expect(!limiter.take(key("a", .heartbeat), now: 0).isAllowed)
        #expect(!limiter.take(key(nil), now: 0).isAllowed)
    }

    @Test func inventingTokensBuysNothing() {
        let limiter = RateLimiter(limit: 5)
        _ = limiter.take(key("known"), now: 0)
        var allowed = 0
        for number in 0..<100 where limiter.take(key("guess \(number)"), now: 0).isAllowed {
            allowed += 1
            limiter.refused(key("guess \(number)"), now: 0)
        }
        #expect(allowed == 5)
        #expect(limiter.take(key("known"), now: 0).isAllowed)
    }

    @Test func memoryIsBounded() {
        let limiter = RateLimiter(limit: 10)
        for number in 0..<300_000 { _ = limiter.take(key("token \(number)"), now: 0) }
        #expect(limiter.bucketCount <= 16 * 8192)
    }
}

@Suite struct RateLimitTests {
    @Test func answersSayWhatIsLeftAndRefusalsWhenToComeBack() async throws {
        try await withServer(configure: { $0.rateLimit = 2 }) { server in
            let client = try server.client()
            for left in ["1", "0"] {
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(answer.headers["x-ratelimit-limit"] == "2")
                #expect(answer.headers["x-ratelimit-remaining"] == left)
                #expect(answer.headers["x-ratelimit-reset"] != nil)
            }
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            let refused = try await client.answer()
            #expect(refused.status == 429)
            #expect(refused.text == #"{"error":"rate limit exceeded","retry_after":30}"#)
            #expect(refused.headers["retry-after"] == "30")
            #expect(refused.headers["connection"] == nil)
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n")
            #expect(try await client.answer().status == 429, "an unknown token from an address that has nothing left")
        }
    }

    @Test func offMeansNoFields() async throws {
        try await withServer { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.answer().headers["x-ratelimit-limit"] == nil)
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
                #expect(try await client.answer().status == 200)
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n")
                #expect(try await client.answer().status == expected)
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
