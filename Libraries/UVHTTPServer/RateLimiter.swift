import Synchronization

/// Which of a client's buckets a route draws from.
package enum RateLimitClass: UInt8, Sendable {
    case standard
    /// A bucket of its own for a token's heartbeats, so that neither they nor its other requests throttle the others.
    case heartbeat
    /// Probes and metrics.
    case exempt
}

/// Token buckets, one per client and class, filled evenly over a minute.
///
/// A request is charged before its token is verified. Addresses are whole IPv4 addresses and IPv6 networks of 64 bits,
/// since a client that has one address of such a network has all of them.
///
/// | Request                                             | Bucket that is charged                  | Capacity     |
/// |-----------------------------------------------------|-----------------------------------------|--------------|
/// | no token                                            | the address's                           | `limit`      |
/// | a token without a bucket                            | the address's                           | `limit`      |
/// | a token without a bucket, on a `heartbeat` route    | the address's, for heartbeats           | `limit` x 20 |
/// | a token with a bucket of the route's class          | the token's, of that class              | `limit`      |
/// | `exempt` route                                      | none                                    |              |
///
/// | Verification of a token without a bucket            | Token's bucket                          | Address's    |
/// |-----------------------------------------------------|-----------------------------------------|--------------|
/// | valid (`verified`)                                  | made full, and charged                  | refunded     |
/// | invalid (no call)                                   | none                                    | stays        |
/// | not possible: the database is away (`undecided`)    | none                                    | refunded     |
///
/// So inventing tokens gains nothing on any route, and only time fills a bucket; while tokens cannot be verified clients
/// get 503, not 429. Memory is bounded: beyond the bound full buckets are evicted, then any.
final class RateLimiter: Sendable {
    struct Decision {
        var isAllowed = true
        /// Requests left now.
        var remaining: Int
        /// Seconds until the bucket is full again; of a refusal, until the next request is allowed.
        var reset: Int
    }

    private struct Bucket {
        /// The most that is in it.
        let capacity: Double
        var tokens: Double
        /// Milliseconds on the loop's clock.
        var at: UInt64
    }

    /// Milliseconds in which an empty bucket is full again.
    private static let minute = 60_000.0
    private static let shardCount = 16
    private static let maxBucketsPerShard = 8192
    /// Times the limit of one client that an address may use for heartbeats whose tokens have no bucket yet. After a
    /// restart no token has one, and all agents behind one NAT send heartbeats at once: with 600 requests a minute all
    /// but 600 agents would be throttled. 20 times that is enough for 10,000 agents of which one in five retries, and
    /// invented tokens cost the database no more than a batched query of 200 a second.
    static let heartbeatBurstMultiplier = 20.0

    /// Requests a minute, and the most at once.
    let limit: Int
    private let shards: [Shard]

    private final class Shard: Sendable {
        let buckets = Mutex<[Int: Bucket]>([:])
    }

    /// - Parameter limit: requests a minute; positive.
    init(limit: Int) {
        self.limit = limit
        shards = (0..<Self.shardCount).map { _ in Shard() }
    }

    /// A client's bucket, as a hash that is seeded per process: no one can aim at another's.
    struct Key {
        let address: Int
        /// Times the limit is what the address's bucket holds.
        let addressFactor: Double
        /// Of the token, in its class; `nil` without one.
        let token: Int?

        /// - Parameter token: as it follows `Bearer`, so that one token has one bucket, whatever the case of the scheme.
        init(address: [UInt8], token: Slice<UnsafeBufferPointer<UInt8>>? = nil, of kind: RateLimitClass = .standard) {
            var hasher = Hasher()
            hasher.combine(Self.client(address))
            let isHeartbeat = kind == .heartbeat && token != nil
            hasher.combine(isHeartbeat)
            self.address = hasher.finalize()
            addressFactor = isHeartbeat ? RateLimiter.heartbeatBurstMultiplier : 1
            self.token = token.map { token in
                var hasher = Hasher()
                hasher.combine(kind.rawValue)
                hasher.combine(bytes: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: token)))
                return hasher.finalize()
            }
        }

        /// The bytes of an address that identify a client.
        private static func client(_ address: [UInt8]) -> ArraySlice<UInt8> {
            guard address.count == 16 else { return address[...] }
            return address.starts(with: mappedPrefix) ? address.suffix(4) : address.prefix(8)
        }

        /// Of an IPv4 address that is written as an IPv6 one.
        private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    }

    /// Takes one request out of the token's bucket if it has one, else out of the address's.
    ///
    /// - Returns: and whether the address was charged for a token, which `verified` puts right.
    func take(_ key: Key, now: UInt64) -> (decision: Decision, isForToken: Bool) {
        if let token = key.token, let decision = change(token, now: now, Self.takeOne) {
            return (decision, false)
        }
        return (charge(key.address, of: Double(limit) * key.addressFactor, now: now), key.token != nil)
    }

    /// What the client has, without taking.
    func peek(_ key: Key, now: UInt64) -> Decision {
        let known = key.token.flatMap { bucket($0, now: now) } ?? bucket(key.address, now: now)
        return decision(known ?? Bucket(capacity: Double(limit), tokens: Double(limit), at: now), isAllowed: true)
    }

    /// The token that the address was charged for is valid: it is charged from now on, and for that request, too.
    ///
    /// - Returns: what the token has left.
    func verified(_ key: Key, now: UInt64) -> Decision? {
        guard let token = key.token else { return nil }
        let decision = charge(token, of: Double(limit), now: now)
        // Of many requests at once, those that the new bucket cannot pay for stay with the address.
        guard decision.isAllowed else { return nil }
        undecided(key, now: now)
        return decision
    }

    /// The token that the address was charged for could not be verified: the address gets its request back.
    ///
    /// - Returns: what the address has left.
    @discardableResult
    func undecided(_ key: Key, now: UInt64) -> Decision? {
        change(key.address, now: now) { bucket in
            bucket.tokens = min(bucket.capacity, bucket.tokens + 1)
            return true
        }
    }

    private func charge(_ hash: Int, of capacity: Double, now: UInt64) -> Decision {
        change(hash, orNewOf: capacity, now: now, Self.takeOne)
            ?? decision(Bucket(capacity: capacity, tokens: 0, at: now), isAllowed: false)
    }

    private static func takeOne(_ bucket: inout Bucket) -> Bool {
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }

    var bucketCount: Int {
        shards.reduce(0) { $0 + $1.buckets.withLock(\.count) }
    }

    private func shard(_ hash: Int) -> Shard {
        shards[Int(UInt(bitPattern: hash) % UInt(Self.shardCount))]
    }

    private func bucket(_ hash: Int, now: UInt64) -> Bucket? {
        shard(hash).buckets.withLock { buckets in buckets[hash].map { filled($0, now: now) } }
    }

    private func filled(_ bucket: Bucket, now: UInt64) -> Bucket {
        guard now > bucket.at else { return bucket }
        // Its time never goes back: what came since would fill it twice.
        let tokens = min(bucket.capacity, bucket.tokens + Double(now - bucket.at) * bucket.capacity / Self.minute)
        return Bucket(capacity: bucket.capacity, tokens: tokens, at: now)
    }

    /// Changes a bucket.
    ///
    /// - Parameter capacity: of a full one that is made when there is none; without it the result is `nil` then.
    private func change(
        _ hash: Int, orNewOf capacity: Double? = nil, now: UInt64, _ body: (inout Bucket) -> Bool
    ) -> Decision? {
        let changed = shard(hash).buckets.withLock { buckets -> (bucket: Bucket, isAllowed: Bool)? in
            guard let known = buckets.index(forKey: hash) else {
                guard let capacity else { return nil }
                if buckets.count >= Self.maxBucketsPerShard { makeRoom(&buckets, now: now) }
                var bucket = Bucket(capacity: capacity, tokens: capacity, at: now)
                let isAllowed = body(&bucket)
                buckets[hash] = bucket
                return (bucket, isAllowed)
            }
            var bucket = filled(buckets.values[known], now: now)
            let isAllowed = body(&bucket)
            buckets.values[known] = bucket
            return (bucket, isAllowed)
        }
        return changed.map { decision($0.bucket, isAllowed: $0.isAllowed) }
    }

    /// Never more remaining than one client's limit, since the response states that as the limit.
    private func decision(_ bucket: Bucket, isAllowed: Bool) -> Decision {
        let missing = isAllowed ? bucket.capacity - bucket.tokens : max(0, 1 - bucket.tokens)
        let seconds = missing / bucket.capacity * Self.minute / 1000
        return Decision(
            isAllowed: isAllowed, remaining: min(limit, Int(bucket.tokens)),
            reset: max(isAllowed ? 0 : 1, Int(seconds.rounded(.up))))
    }

    /// Evicts the full buckets, which hold no information; when that is not enough, an eighth of the rest.
    private func makeRoom(_ buckets: inout [Int: Bucket], now: UInt64) {
        buckets = buckets.filter { filled($0.value, now: now).tokens < $0.value.capacity }
        guard buckets.count >= Self.maxBucketsPerShard else { return }
        for hash in buckets.keys.prefix(Self.maxBucketsPerShard / 8) { buckets[hash] = nil }
    }
}
