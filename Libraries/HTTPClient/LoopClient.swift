import EventLoop
import HTTPCore

/// The part of a client that belongs to one loop.
///
/// `@unchecked Sendable`: `loop` and the constants never change; everything else is confined to the loop's thread.
final class LoopClient: @unchecked Sendable {
    let loop: EventLoop
    let configuration: HTTPClientConfiguration
    let policy: AddressPolicy
    let connectMilliseconds: UInt64
    let idleMilliseconds: UInt64
    let ttlMilliseconds: UInt64
    let names: NameCache
    /// Connections without a call, over all pools.
    var idleConnections = 0
    private(set) var isClosed = false
    private var pools: [PoolKey: HostPool] = [:]

    init(loop: EventLoop, configuration: HTTPClientConfiguration, policy: @escaping AddressPolicy) {
        self.loop = loop
        self.configuration = configuration
        self.policy = policy
        connectMilliseconds = configuration.connectTimeout.milliseconds
        idleMilliseconds = configuration.idleTimeout.milliseconds
        ttlMilliseconds = configuration.idleConnectionTTL.milliseconds
        names = NameCache(loop: loop, ttl: configuration.nameTTL)
    }

    func start(_ call: Call) {
        if isClosed { return call.fail(.cancelled, "the client was closed") }
        let url = call.request.url
        guard url.scheme == .http, call.request.unixSocketPath == nil else {
            return call.fail(.invalidRequest, "not supported yet")
        }
        pool(PoolKey(host: url.host, port: url.port, policyClass: call.request.policyClass)).carry(call)
    }

    private func pool(_ key: PoolKey) -> HostPool {
        if let pool = pools[key] { return pool }
        let pool = HostPool(key: key, shard: self)
        pools[key] = pool
        return pool
    }

    /// The pool has neither connections nor calls.
    func remove(_ pool: HostPool) {
        pools[pool.key] = nil
    }

    func close() {
        isClosed = true
        for pool in Array(pools.values) { pool.closeIdle() }
    }
}
