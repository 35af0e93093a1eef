import Foundation
import Synchronization
import TestSupport

/// An agent on plain sockets, with a thread a connection, that responds by a script, however wrong.
///
/// `@unchecked Sendable`: the listening descriptor never changes; the rest is locked.
final class HostileAgent: @unchecked Sendable {
    /// What reached it. `body` is empty when the script does not wait for it.
    struct Request: Sendable {
        let head: String
        let body: String

        var messageID: String { body.firstMatch(of: /"messageId":"([^"]*)"/).map { String($0.1) } ?? "" }
        /// `X-Delivery-Attempt`.
        var attempt: Int? {
            head.lowercased().firstMatch(of: /x-delivery-attempt: (\d+)/).flatMap { Int($0.1) }
        }
    }

    typealias Script = @Sendable (HostileConnection, Request) -> Void

    let port: UInt16
    /// What a workspace registers.
    var url: String { "http://localhost:\(port)/" }
    var requests: [Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.accepted } }

    var openConnections: Int { state.withLock { $0.open.count } }

    private struct State {
        var script: Script
        var requests: [Request] = []
        var open: [Int32: HostileConnection] = [:]
        var accepted = 0
        var isStopped = false
    }

    private let listener: Int32
    private let state: Mutex<State>
    private let accepts: Bool
    private let readsBodies: Bool
    /// Takes the only place in the kernel's queue.
    private let filler: Int32?

    /// - Parameters:
    ///   - accepts: without, connections are made by the kernel for as long as its queue has space.
    ///   - isFull: without accepting, the queue is full as well: the kernel does not respond to connects.
    ///   - readsBodies: without, the script is called at the head's end, and the body is never read.
    init(accepts: Bool = true, isFull: Bool = false, readsBodies: Bool = true, _ script: @escaping Script) throws {
        state = Mutex(State(script: script))
        self.accepts = accepts
        self.readsBodies = readsBodies
        port = try Ports.free()
        filler = isFull ? socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) : nil
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if !readsBodies {
            // What is not read shall not hide in the kernel either.
            var size: Int32 = 4096
            setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        guard LoopbackAddress.with(port, { bind(listener, $0, $1) }) == 0, listen(listener, accepts ? 512 : 0) == 0
        else { throw TimedOut("cannot listen on \(port)") }
        if let filler, LoopbackAddress.with(port, { connect(filler, $0, $1) }) != 0 {
            throw TimedOut("cannot fill the queue of \(port)")
        }
        guard accepts else { return }
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// What it does from the next request on.
    func behave(_ script: @escaping Script) { state.withLock { $0.script = script } }

    /// Closes everything; scripts that wait for the peer's end see it.
    func stop() {
        let (wasStopped, open) = state.withLock { state in
            defer { state.isStopped = true }
            return (state.isStopped, Array(state.open.values))
        }
        if wasStopped { return }
        // The accepting thread closes it: its number must not become another's while that thread uses it.
        _ = shutdown(listener, Int32(SHUT_RDWR))
        if !accepts { close(listener) }
        if let filler { close(filler) }
        for connection in open { connection.interrupt() }
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                close(listener)
                return
            }
            let connection = HostileConnection(descriptor)
            let isStopped = state.withLock { state in
                state.open[descriptor] = connection
                state.accepted += 1
                return state.isStopped
            }
            if isStopped { connection.interrupt() }
            Thread.detachNewThread { [self] in
                serve(connection)
                state.withLock { $0.open[descriptor] = nil }
                connection.close()
            }
        }
    }

    private func serve(_ connection: HostileConnection) {
        while let request = connection.read(withBody: readsBodies) {
            let script = state.withLock { state in
                state.requests.append(request)
                return state.script
            }
            script(connection, request)
            if connection.isOver { return }
        }
    }
}

enum LoopbackAddress {
    static func with(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
