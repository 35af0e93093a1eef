import Foundation
import Synchronization
import TestSupport

/// Stands between a service and Postgres, and cuts connections while rows are copied in, where a test says.
///
/// `@unchecked Sendable`: the descriptor never changes; the rest is locked.
final class LossyRelay: @unchecked Sendable {
    enum Cut: Sendable, CaseIterable {
        /// The rows arrived, their end did not: nothing was written.
        case beforeTheEnd
        /// Everything was committed; the response does not arrive.
        case afterTheCommit
    }

    let port: UInt16
    /// Connections that were cut.
    var cuts: Int { state.withLock { $0.cuts } }

    private struct State {
        var cut: Cut?
        var left = 0
        var cuts = 0
        var isStopped = false
        var open: Set<Int32> = []
    }

    private let upstream: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter upstream: the server's port.
    init(to upstream: UInt16) throws {
        self.upstream = upstream
        let port = try Ports.free()
        let listener = Self.socket()
        self.port = port
        self.listener = listener
        guard LoopbackAddress.with(port, { bind(listener, $0, $1) }) == 0, listen(listener, 64) == 0 else {
            throw TimedOut("cannot listen on \(port)")
        }
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// Cuts the next so many copies off.
    func cut(_ count: Int, _ cut: Cut) {
        state.withLock { state in
            state.cut = cut
            state.left = count
        }
    }

    func stop() {
        _ = shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { state in
            state.isStopped = true
            for descriptor in state.open { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private static func socket() -> Int32 {
        Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    // MARK: - Connections

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return _ = close(listener) }
            let server = Self.socket()
            guard LoopbackAddress.with(upstream, { connect(server, $0, $1) }) == 0 else {
                close(server)
                close(client)
                continue
            }
            let isStopped = state.withLock { state in
                state.open.formUnion([client, server])
                return state.isStopped
            }
            let pair = Pair(client: client, server: server)
            if isStopped { pair.end() }
            Thread.detachNewThread { [self] in serve(pair) }
        }
    }

    private func serve(_ pair: Pair) {
        let back = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            pump(from: pair.server, to: pair.client) { forwardsResponse($0, pair) }
            pair.end()
            back.signal()
        }
        pump(from: pair.client, to: pair.server) { keepsRequest($0, pair) }
        pair.end()
        back.wait()
        state.withLock { $0.open.subtract([pair.client, pair.server]) }
        close(pair.client)
        close(pair.server)
    }

    private func pump(from source: Int32, to sink: Int32, _ passes: ([UInt8]) -> Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            let chunk = Array(buffer[..<count])
            guard passes(chunk) else { continue }
            var sent = 0
            while sent < count {
                let written = chunk[sent...].withUnsafeBytes {
                    send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return }
                sent += written
            }
        }
    }

    // MARK: - Cuts

    private static let copy = Array("COPY activity_logs".utf8)
    /// `CopyDone`, and `ReadyForQuery` with no transaction open.
    private static let end: [UInt8] = [0x63, 0, 0, 0, 4]
    private static let committed: [UInt8] = [0x5A, 0, 0, 0, 5, 0x49]

    private func keepsRequest(_ chunk: [UInt8], _ pair: Pair) -> Bool {
        if chunk.firstRange(of: Self.copy) != nil {
            pair.cut.withLock { cut in
                cut = state.withLock { state in
                    guard state.left > 0 else { return nil }
                    state.left -= 1
                    return state.cut
                }
            }
        }
        guard pair.cut.withLock({ $0 == .beforeTheEnd }), chunk.firstRange(of: Self.end) != nil else { return true }
        end(pair)
        return false
    }

    private func forwardsResponse(_ chunk: [UInt8], _ pair: Pair) -> Bool {
        guard pair.cut.withLock({ $0 == .afterTheCommit }) else { return true }
        // The server's readiness to take the rows is passed on; what comes after them is not.
        let isResponse = chunk.firstRange(of: Array("COPY ".utf8)) != nil || pair.isResponding.withLock { $0 }
        guard isResponse else { return true }
        pair.isResponding.withLock { $0 = true }
        if chunk.firstRange(of: Self.committed) != nil { end(pair) }
        return false
    }

    private func end(_ pair: Pair) {
        pair.end()
        state.withLock { $0.cuts += 1 }
    }

    private final class Pair: Sendable {
        let client: Int32
        let server: Int32
        let cut = Mutex<Cut?>(nil)
        let isResponding = Mutex(false)

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        /// Ends both, for both threads; the descriptors are closed when these have noticed.
        func end() {
            _ = shutdown(client, Int32(SHUT_RDWR))
            _ = shutdown(server, Int32(SHUT_RDWR))
        }
    }
}
