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
/// A client is its bearer token, else its address. A token is not verified yet when it is charged; so that inventing
/// tokens buys nothing, each refused one (401) is charged to the address, and once the address has nothing left, tokens
/// not seen before are refused as well. Memory is bounded: beyond the bound, full buckets are forgotten, then any.
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
        let hash: Int
        /// Of a token: the address behind it.
        let address: Int?

        init(address: [UInt8]) {
            hash = Self.hash(of: address)
            self.address = nil
        }

        init(tokenBytes: UnsafeRawBufferPointer, address: [UInt8], of kind: RateLimitClass) {
            var hasher = Hasher()
            hasher.combine(kind.rawValue)
            hasher.combine(bytes: tokenBytes)
            hash = hasher.finalize()
            self.address = Self.hash(of: address)
        }

        private static func hash(of address: [UInt8]) -> Int {
            var hasher = Hasher()
            hasher.combine(address)
            return hasher.finalize()
        }
    }

    /// Takes one request out of the client's bucket.
    func take(_ key: Key, now: UInt64) -> Decision {
        if let address = key.address, !exists(key.hash), level(address, now: now) < 1 {
            return decision(level: level(address, now: now), isAllowed: false)
        }
        return change(key.hash, now: now) { tokens in
            guard tokens >= 1 else { return false }
            tokens -= 1
            return true
        }
    }

    /// What the client has, without taking.
    func peek(_ key: Key, now: UInt64) -> Decision {
        decision(level: level(key.hash, now: now), isAllowed: true)
    }

    /// The token turned out to be none: its address pays, and its bucket goes.
    func refused(_ key: Key, now: UInt64) {
        guard let address = key.address else { return }
        _ = shard(key.hash).buckets.withLock { $0.removeValue(forKey: key.hash) }
        _ = change(address, now: now) { tokens in
            tokens = max(0, tokens - 1)
            return true
        }
    }

    var bucketCount: Int {
        shards.reduce(0) { $0 + $1.buckets.withLock(\.count) }
    }

    private func shard(_ hash: Int) -> Shard {
        shards[Int(UInt(bitPattern: hash) % UInt(Self.shardCount))]
    }

    private func exists(_ hash: Int) -> Bool {
        shard(hash).buckets.withLock { $0[hash] != nil }
    }

    private func level(_ hash: Int, now: UInt64) -> Double {
        shard(hash).buckets.withLock { buckets in buckets[hash].map { filled($0, now: now) } } ?? Double(limit)
    }

    private func filled(_ bucket: Bucket, now: UInt64) -> Double {
        let elapsed = now > bucket.at ? now - bucket.at : 0
        return min(Double(limit), bucket.tokens + Double(elapsed) * perMillisecond)
    }

    private func change(_ hash: Int, now: UInt64, _ body: (inout Double) -> Bool) -> Decision {
        let (level, isAllowed) = shard(hash).buckets.withLock { buckets in
            let known = buckets.index(forKey: hash)
            var tokens = known.map { filled(buckets.values[$0], now: now) } ?? Double(limit)
            let isAllowed = body(&tokens)
            if let known {
                buckets.values[known] = Bucket(tokens: tokens, at: now)
            } else {
                if buckets.count >= Self.maxBucketsPerShard { makeRoom(&buckets, now: now) }
                buckets[hash] = Bucket(tokens: tokens, at: now)
            }
            return (tokens, isAllowed)
        }
        return decision(level: level, isAllowed: isAllowed)
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
