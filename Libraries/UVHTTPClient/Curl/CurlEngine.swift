import CCurl
import UVLoop

/// libcurl's multi handle on a loop: it tells us which sockets and which timer it waits for, we tell it what happened.
///
/// libcurl keeps the connections; calls of different policy classes have engines of their own, and so never share one.
///
/// Loop thread only.
final class CurlEngine {
    private static let globalInit: CURLcode = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    let shard: LoopClient
    private let multi: UnsafeMutableRawPointer
    private var watchers: [curl_socket_t: FileWatcher] = [:]
    private var timer: LoopTimer?
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    /// Calls to each host, running and waiting.
    private var load: [String: Int] = [:]
    /// Transfers that got something in the current round.
    private var touched: [CurlTransfer] = []
    /// libcurl is calling us: its handles must not be removed.
    private var depth = 0
    private var removals: [CurlTransfer] = []
    private var isClosing = false
    private var isClosed = false

    /// - Returns: `nil` when libcurl cannot be had, which is for lack of memory only.
    init?(shard: LoopClient) {
        guard Self.globalInit == CURLE_OK, let multi = curl_multi_init() else { return nil }
        self.shard = shard
        self.multi = multi
        let configuration = shard.configuration
        _ = switchyard_curl_multi_setopt_long(
            multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maxConnectionsPerHost)
        _ = switchyard_curl_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxIdleConnections)
        // Not retained: `close` ends the multi handle before the engine goes.
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = switchyard_curl_multi_on_socket(
            multi,
            { _, socket, what, context, _ in
                Unmanaged<CurlEngine>.fromOpaque(context!).takeUnretainedValue().watch(socket, what)
                return 0
            }, context)
        _ = switchyard_curl_multi_on_timer(
            multi,
            { _, milliseconds, context in
                Unmanaged<CurlEngine>.fromOpaque(context!).takeUnretainedValue().arm(milliseconds)
                return 0
            }, context)
        timer = shard.loop.makeTimer { [weak self] in self?.act(CURL_SOCKET_TIMEOUT, 0) }
    }

    // MARK: - Transfers

    func start(_ transfer: CurlTransfer) {
        let host = transfer.hostKey
        let limit = shard.configuration.maxConnectionsPerHost + shard.configuration.maxWaitingPerHost
        guard load[host, default: 0] < limit else {
            return transfer.call.fail(.overloaded, "too many calls wait for \(host)")
        }
        load[host, default: 0] += 1
        transfers[transfer.easy] = transfer
        let code = enter { curl_multi_add_handle(multi, transfer.easy) }
        if code != CURLM_OK {
            forget(transfer)
            transfer.call.fail(.overloaded, String(cString: curl_multi_strerror(code)))
        }
    }

    /// Ends a transfer; its connection is closed unless the exchange is complete.
    func remove(_ transfer: CurlTransfer) {
        removals.append(transfer)
        enter {}
    }

    private func forget(_ transfer: CurlTransfer) {
        transfers[transfer.easy] = nil
        let host = transfer.hostKey
        if let count = load[host] { load[host] = count > 1 ? count - 1 : nil }
        transfer.end()
    }

    func touch(_ transfer: CurlTransfer) {
        touched.append(transfer)
    }

    /// Pauses and resumes directions of a transfer: libcurl may call back at once.
    func pause(_ transfer: CurlTransfer, _ directions: Int32) {
        enter { curl_easy_pause(transfer.easy, directions) }
    }

    // MARK: - What libcurl asks for

    private func watch(_ socket: curl_socket_t, _ what: Int32) {
        guard what != CURL_POLL_REMOVE else {
            watchers.removeValue(forKey: socket)?.close()
            return
        }
        let watcher: FileWatcher
        if let known = watchers[socket] {
            watcher = known
        } else {
            watcher = shard.loop.watch(fileDescriptor: socket) { [weak self] in self?.happened(socket, $0) }
            watchers[socket] = watcher
        }
        var events: FileEvents = []
        if what & CURL_POLL_IN != 0 { events.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { events.insert(.writable) }
        watcher.start(events)
    }

    private func arm(_ milliseconds: Int) {
        if milliseconds < 0 { timer?.stop() } else { timer?.start(after: .milliseconds(milliseconds)) }
    }

    private func happened(_ socket: curl_socket_t, _ events: FileEvents) {
        var flags: Int32 = 0
        if events.contains(.readable) || events.contains(.disconnected) { flags |= CURL_CSELECT_IN }
        if events.contains(.writable) { flags |= CURL_CSELECT_OUT }
        if events.contains(.error) { flags |= CURL_CSELECT_ERR }
        act(socket, flags)
    }

    private func act(_ socket: curl_socket_t, _ flags: Int32) {
        guard !isClosed else { return }
        enter {
            var running: Int32 = 0
            return curl_multi_socket_action(multi, socket, flags, &running)
        }
    }

    /// Calls libcurl, and afterwards does what cannot be done from its callbacks.
    @discardableResult
    private func enter<Code>(_ body: () -> Code) -> Code {
        depth += 1
        let code = body()
        if depth == 1 { settle() }
        depth -= 1
        if depth == 0 { closeIfDone() }
        return code
    }

    private func settle() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = switchyard_curl_result(message)
            guard let transfer = transfers[easy] else { continue }
            // The connection goes back before the caller hears of the end.
            curl_multi_remove_handle(multi, easy)
            transfer.finish(result)
            forget(transfer)
        }
        let flushed = touched
        touched = []
        for transfer in flushed { transfer.flush() }
        while let transfer = removals.popLast() {
            guard transfers[transfer.easy] != nil else { continue }
            curl_multi_remove_handle(multi, transfer.easy)
            forget(transfer)
        }
    }

    // MARK: - The end

    /// No further transfer will be started. libcurl's handle goes with the last one that runs.
    func close() {
        isClosing = true
        closeIfDone()
    }

    private func closeIfDone() {
        guard isClosing, !isClosed, transfers.isEmpty, depth == 0 else { return }
        isClosed = true
        curl_multi_cleanup(multi)
        for watcher in watchers.values { watcher.close() }
        watchers = [:]
        timer?.close()
        timer = nil
    }
}
