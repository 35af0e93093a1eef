import Concurrency
import HTTPCore
import UVLoop

/// The part of a client that belongs to one loop. Loop thread only.
final class LoopClient {
    let loop: EventLoop
    let configuration: HTTPClientConfiguration
    let policy: ConnectPolicy
    let connectMilliseconds: UInt64
    let idleMilliseconds: UInt64
    let ttlMilliseconds: UInt64
    /// Connections without a call, to all hosts.
    var idleConnections = 0
    /// Outlives the hosts' connections.
    var nonReusable = NonReusableHosts()
    private(set) var isClosed = false
    private var hosts: [PoolKey: HostConnections] = [:]
    private var engines: [Int: CurlEngine] = [:]

    init(loop: EventLoop, configuration: HTTPClientConfiguration, policy: @escaping ConnectPolicy) {
        self.loop = loop
        self.configuration = configuration
        self.policy = policy
        connectMilliseconds = configuration.connectTimeout.milliseconds
        idleMilliseconds = configuration.idleTimeout.milliseconds
        ttlMilliseconds = configuration.idleConnectionTTL.milliseconds
    }

    func start(_ call: HTTPCall) {
        if isClosed { return call.fail(.cancelled, "the client was closed") }
        let url = call.request.url
        guard url.scheme == .http, call.request.unixSocketPath == nil else {
            return startWithCurl(call)
        }
        host(PoolKey(host: url.host, port: url.port, policyClass: call.request.policyClass)).start(call)
    }

    /// https and unix sockets are libcurl's.
    private func startWithCurl(_ call: HTTPCall) {
        if call.request.unixSocketPath != nil { return transfer(call, to: []) }
        let deadline = min(call.connectDeadline, call.clock.total)
        let now = loop.nowMilliseconds
        AddressFinder.find(for: call, within: deadline > now ? deadline - now : 0) { [self] result in
            switch result {
            case .success(let addresses): transfer(call, to: addresses)
            case .failure(let failure) where failure.kind == .connectTimeout: call.failUnconnected()
            case .failure(let failure): call.fail(failure.kind, failure.detail)
            }
        }
    }

    private func transfer(_ call: HTTPCall, to addresses: [SocketAddress]) {
        guard !call.isFinished else { return }
        let policyClass = call.request.policyClass
        if engines[policyClass] == nil, !isClosed { engines[policyClass] = CurlEngine(shard: self) }
        guard let engine = engines[policyClass],
            let transfer = CurlTransfer(call: call, engine: engine, addresses: addresses)
        else { return call.fail(isClosed ? .cancelled : .overloaded, "libcurl cannot be used") }
        guard transfer.configure() else {
            return call.fail(.invalidRequest, "a character that cannot stand in a request's head")
        }
        transfer.start()
    }

    private func host(_ key: PoolKey) -> HostConnections {
        if let host = hosts[key] { return host }
        let host = HostConnections(key: key, shard: self)
        hosts[key] = host
        return host
    }

    /// The host has neither connections nor calls.
    func remove(_ host: HostConnections) {
        hosts[host.key] = nil
    }

    func close() {
        isClosed = true
        for host in Array(hosts.values) { host.closeIdle() }
        for engine in engines.values { engine.close() }
        engines = [:]
    }
}
