import Synchronization

/// Which of a client's buckets a route draws from.
package enum RateLimitClass: UInt8, Sendable {
    case standard
    /// A bucket of its own for a token's heartbeats, so that they neither use up nor suffer from its other calls.
    case heartbeat
    /// Probes and metrics.
    case exempt
}

/// Token buckets, one per client and class, filled evenly over a minute.
///
/// A client is its bearer token once authentication has verified it, else its address. A request is charged before its
/// token is looked at: one that has no bucket yet is charged to the address, and when it turns out to be good, it gets a
/// bucket of its own and the address its request back. So inventing tokens buys nothing, on whatever route, and nothing
/// but time fills a bucket. Memory is bounded: beyond the bound, full buckets are forgotten, then any.
final class RateLimiter: Sendable {
    struct Decision {
        var isAllowed = true
        /// Requests left now.
        var remaining: Int
        /// Seconds until the bucket is full again; of a refusal, until the next request is allowed.
        var reset: Int
    }

    private struct Bucket {
        var tokens: Double
        /// Milliseconds on the loop's clock.
        var at: UInt64
    }

    private static let shardCount = 16
    private static let maxBucketsPerShard = 8192

    /// Requests a minute, and the most at once.
    let limit: Int
    private let perMillisecond: Double
    private let shards: [Shard]

    private final class Shard: Sendable {
        let buckets = Mutex<[Int: Bucket]>([:])
    }

    /// - Parameter limit: requests a minute; positive.
    init(limit: Int) {
        self.limit = limit
        perMillisecond = Double(limit) / 60_000
        shards = (0..<Self.shardCount).map { _ in Shard() }
    }

    /// A client's bucket, as a hash that is seeded per process: no one can aim at another's.
    struct Key {
        let address: Int
        /// Of the token, in its class; `nil` without one.
        let token: Int?

        /// - Parameter token: as it follows `Bearer`, so that one token has one bucket however its field is spelt.
        init(address: [UInt8], token: Slice<UnsafeBufferPointer<UInt8>>? = nil, of kind: RateLimitClass = .standard) {
            var hasher = Hasher()
            hasher.combine(address)
            self.address = hasher.finalize()
            self.token = token.map { token in
                var hasher = Hasher()
                hasher.combine(kind.rawValue)
                hasher.combine(bytes: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: token)))
                return hasher.finalize()
            }
        }
    }

    /// Takes one request out of the token's bucket if it has one, else out of the address's.
    ///
    /// - Returns: and whether the address was charged for a token, which `verified` puts right.
    func take(_ key: Key, now: UInt64) -> (decision: Decision, isForToken: Bool) {
        if let token = key.token, let decision = change(token, makes: false, now: now, Self.takeOne) {
            return (decision, false)
        }
        return (charge(key.address, now: now), key.token != nil)
    }

    /// What the client has, without taking.
    func peek(_ key: Key, now: UInt64) -> Decision {
        let left = key.token.flatMap { level($0, now: now) } ?? level(key.address, now: now)
        return decision(level: left ?? Double(limit), isAllowed: true)
    }

    /// The token that the address was charged for is a good one: it pays from now on, and for that request, too.
    ///
    /// - Returns: what the token has left.
    func verified(_ key: Key, now: UInt64) -> Decision? {
        guard let token = key.token else { return nil }
        let decision = charge(token, now: now)
        // Of many requests at once, those that the new bucket cannot pay for stay with the address.
        guard decision.isAllowed else { return nil }
        _ = change(key.address, makes: false, now: now) { [limit] tokens in
            tokens = min(Double(limit), tokens + 1)
            return true
        }
        return decision
    }

    private func charge(_ hash: Int, now: UInt64) -> Decision {
        change(hash, makes: true, now: now, Self.takeOne) ?? decision(level: 0, isAllowed: false)
    }

    private static func takeOne(_ tokens: inout Double) -> Bool {
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    var bucketCount: Int {
        shards.reduce(0) { $0 + $1.buckets.withLock(\.count) }
    }

    private func shard(_ hash: Int) -> Shard {
        shards[Int(UInt(bitPattern: hash) % UInt(Self.shardCount))]
    }

    private func level(_ hash: Int, now: UInt64) -> Double? {
        shard(hash).buckets.withLock { buckets in buckets[hash].map { filled($0, now: now) } }
    }

    private func filled(_ bucket: Bucket, now: UInt64) -> Double {
        let elapsed = now > bucket.at ? now - bucket.at : 0
        return min(Double(limit), bucket.tokens + Double(elapsed) * perMillisecond)
    }

    /// Changes a bucket.
    ///
    /// - Parameter makes: a full one when there is none; otherwise the answer is `nil` then.
    private func change(
        _ hash: Int, makes: Bool, now: UInt64, _ body: (inout Double) -> Bool
    ) -> Decision? {
        let changed = shard(hash).buckets.withLock { buckets -> (level: Double, isAllowed: Bool)? in
            guard let known = buckets.index(forKey: hash) else {
                guard makes else { return nil }
                if buckets.count >= Self.maxBucketsPerShard { makeRoom(&buckets, now: now) }
                var tokens = Double(limit)
                let isAllowed = body(&tokens)
                buckets[hash] = Bucket(tokens: tokens, at: now)
                return (tokens, isAllowed)
            }
            var tokens = filled(buckets.values[known], now: now)
            let isAllowed = body(&tokens)
            // Never back: the time since would fill it twice.
            buckets.values[known] = Bucket(tokens: tokens, at: max(buckets.values[known].at, now))
            return (tokens, isAllowed)
        }
        return changed.map { decision(level: $0.level, isAllowed: $0.isAllowed) }
    }

    private func decision(level: Double, isAllowed: Bool) -> Decision {
        let missing = isAllowed ? Double(limit) - level : max(0, 1 - level)
        return Decision(
            isAllowed: isAllowed, remaining: Int(level),
            reset: max(isAllowed ? 0 : 1, Int((missing / perMillisecond / 1000).rounded(.up))))
    }

    /// Forgets the full buckets, which say nothing; when that is not enough, an eighth of the rest.
    private func makeRoom(_ buckets: inout [Int: Bucket], now: UInt64) {
        buckets = buckets.filter { filled($0.value, now: now) < Double(limit) }
        guard buckets.count >= Self.maxBucketsPerShard else { return }
        for hash in buckets.keys.prefix(Self.maxBucketsPerShard / 8) { buckets[hash] = nil }
    }
}
