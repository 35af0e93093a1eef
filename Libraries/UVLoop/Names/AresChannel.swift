import CCares
import Concurrency
import CUV
import Foundation

/// One channel of c-ares on a loop: it names the sockets and the time it waits for, and the loop says what happened.
/// Loop thread only.
///
/// The channel is freed in `close`, which must not be called from one of its own completions.
final class AresChannel {
    /// What a look-up found.
    struct Found {
        /// In the order of RFC 6724, as `getaddrinfo` has them, without a port.
        let addresses: [SocketAddress]
        /// The least time to live of the records, in seconds; 0 for a name in the hosts file.
        let timeToLive: Int32
    }

    /// One look-up: retained for c-ares, which calls back exactly once, at the latest in `ares_destroy`.
    private final class Lookup {
        let channel: AresChannel
        let completion: (Int32, Found) -> Void

        init(channel: AresChannel, completion: @escaping (Int32, Found) -> Void) {
            self.channel = channel
            self.completion = completion
        }
    }

    private static let libraryStatus: Int32 = ares_library_init(ARES_LIB_INIT_ALL)
    /// Attempts at each server; the second waits twice as long.
    private static let attempts: Int32 = 2

    /// Look-ups under way.
    private(set) var lookups = 0
    private var handle: ares_channel?
    private let loop: EventLoop
    private let flags: Int32
    private var watchers: [ares_socket_t: (watcher: FileWatcher, events: FileEvents)] = [:]
    private var timer: LoopTimer?

    /// Reads the system's settings: a few small files.
    ///
    /// - Returns: nil when c-ares cannot be had, which is for lack of memory only.
    init?(loop: EventLoop, configuration: NameResolverConfiguration) {
        self.loop = loop
        flags = configuration.usesHostsVariable ? ARES_AI_ENVHOSTS : 0
        guard Self.libraryStatus == ARES_SUCCESS else { return nil }
        let servers = configuration.servers.isEmpty ? Self.serverCount(configuration) : configuration.servers.count
        // 1 + 2 for two attempts, at each server in turn.
        let share = configuration.timeout.milliseconds / UInt64(3 * max(1, servers))
        var options = ares_options()
        options.timeout = Int32(clamping: max(1, share))
        options.tries = Self.attempts
        // Not retained: `close` destroys the channel before this object goes.
        options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
        options.sock_state_cb = { context, socket, readable, writable in
            Unmanaged<AresChannel>.fromOpaque(context!).takeUnretainedValue()
                .watch(socket, readable: readable != 0, writable: writable != 0)
        }
        handle = Self.makeHandle(
            &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB, configuration)
        guard let handle else { return nil }
        if !configuration.servers.isEmpty {
            ares_set_servers_ports_csv(handle, configuration.servers.map(\.description).joined(separator: ","))
        }
        timer = loop.makeTimer { [weak self] in self?.process(ARES_SOCKET_BAD, ARES_SOCKET_BAD) }
    }

    deinit {
        precondition(handle == nil, "a channel must be closed on its loop")
    }

    private static func makeHandle(
        _ options: inout ares_options, _ mask: Int32, _ configuration: NameResolverConfiguration
    ) -> ares_channel? {
        var handle: ares_channel?
        let status = configuration.resolverFile.withCString { path in
            options.resolvconf_path = UnsafeMutablePointer(mutating: path)  // copied by the call
            return ares_init_options(&handle, &options, mask | ARES_OPT_RESOLVCONF)
        }
        return status == ARES_SUCCESS ? handle : nil
    }

    /// The servers that the system's settings name: the time for one attempt depends on their number.
    private static func serverCount(_ configuration: NameResolverConfiguration) -> Int {
        var options = ares_options()
        guard let handle = makeHandle(&options, 0, configuration) else { return 1 }
        defer { ares_destroy(handle) }
        var first: UnsafeMutablePointer<ares_addr_port_node>?
        guard ares_get_servers_ports(handle, &first) == ARES_SUCCESS, let first else { return 1 }
        defer { ares_free_data(first) }
        return sequence(first: first, next: { $0.pointee.next }).reduce(0) { count, _ in count + 1 }
    }

    // MARK: - Look-ups

    /// - Parameter completion: called once with a status of c-ares, perhaps before this returns, and in `close` at the
    ///   latest.
    func lookUp(_ host: String, completion: @escaping (Int32, Found) -> Void) {
        guard let handle else { return completion(ARES_EDESTRUCTION, Found(addresses: [], timeToLive: 0)) }
        lookups += 1
        let context = Unmanaged.passRetained(Lookup(channel: self, completion: completion)).toOpaque()
        var hints = ares_addrinfo_hints()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags
        ares_getaddrinfo(
            handle, host, nil, &hints,
            { context, status, _, list in
                let lookup = Unmanaged<Lookup>.fromOpaque(context!).takeRetainedValue()
                defer { ares_freeaddrinfo(list) }
                lookup.channel.lookups -= 1
                lookup.completion(status, AresChannel.found(in: list))
            }, context)
        arm()
    }

    private static func found(in list: UnsafeMutablePointer<ares_addrinfo>?) -> Found {
        guard let list else { return Found(addresses: [], timeToLive: 0) }
        let nodes = list.pointee.nodes.map { Array(sequence(first: $0, next: { $0.pointee.ai_next })) } ?? []
        let aliases = list.pointee.cnames.map { Array(sequence(first: $0, next: { $0.pointee.next })) } ?? []
        let times = nodes.map { $0.pointee.ai_ttl } + aliases.map { $0.pointee.ttl }
        return Found(
            addresses: nodes.compactMap { $0.pointee.ai_addr.flatMap { SocketAddress($0) } },
            timeToLive: times.min() ?? 0)
    }

    // MARK: - What c-ares waits for

    private func watch(_ socket: ares_socket_t, readable: Bool, writable: Bool) {
        guard readable || writable else {
            watchers.removeValue(forKey: socket)?.watcher.close()
            return
        }
        let watcher = watchers[socket]?.watcher ?? makeWatcher(socket)
        var events: FileEvents = []
        if readable { events.insert(.readable) }
        if writable { events.insert(.writable) }
        watchers[socket] = (watcher, events)
        watcher.start(events)
    }

    private func makeWatcher(_ socket: ares_socket_t) -> FileWatcher {
        loop.watch(fileDescriptor: socket) { [weak self] events in
            guard let self else { return }
            let isReadable = !events.isDisjoint(with: [.readable, .error])
            let isWritable = !events.isDisjoint(with: [.writable, .error])
            process(isReadable ? socket : ARES_SOCKET_BAD, isWritable ? socket : ARES_SOCKET_BAD)
            // libuv stops watching a socket that has an error; c-ares may still wait for it, or for a later one of that
            // number.
            if events.contains(.error), let watched = watchers[socket] { watched.watcher.start(watched.events) }
        }
    }

    private func process(_ readable: ares_socket_t, _ writable: ares_socket_t) {
        guard let handle else { return }
        ares_process_fd(handle, readable, writable)
        arm()
    }

    private func arm() {
        guard let handle, let timer else { return }
        var wait = timeval()
        // Without an upper bound it returns nil when nothing is under way.
        guard ares_timeout(handle, nil, &wait) != nil else { return timer.stop() }
        timer.start(after: .seconds(wait.tv_sec) + .microseconds(wait.tv_usec))
    }

    /// Ends the look-ups under way, with `ARES_EDESTRUCTION`, and frees everything. Idempotent.
    func close() {
        guard let handle else { return }
        self.handle = nil
        ares_destroy(handle)
        timer?.close()
        timer = nil
        for (watcher, _) in watchers.values { watcher.close() }
        watchers = [:]
    }
}
