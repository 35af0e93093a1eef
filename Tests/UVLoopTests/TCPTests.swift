import Foundation
import Synchronization
import Testing
import UVLoop

@Suite("TCP")
struct TCPTests {
    /// Keeps what a test's callbacks need alive, on the loop.
    private final class Held: @unchecked Sendable {  // used on one loop only
        var listener: TCPListener?
        var streams: [TCPStream] = []
        var received = 0
    }

    @Test("A large message comes back whole, whatever the socket buffers hold", arguments: [1, 100_000, 5_000_000])
    func echo(size: Int) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let loop = group.loops[0]
        let held = Held()
        let count: Int = await withCheckedContinuation { continuation in
            loop.execute {
                do {
                    let listener = try TCPListener.bind(host: "127.0.0.1", port: 0, on: loop, reusePort: true) { peer in
                        held.streams.append(peer)
                        peer.onRead = { [weak peer] bytes in peer?.write(Array(bytes)) }
                        peer.onEnd = { [weak peer] _ in peer?.close() }
                        peer.startReading()
                    }
                    held.listener = listener
                    let address = SocketAddress(ip: "127.0.0.1", port: listener.port)!
                    TCPStream.connect(to: address, on: loop, timeout: .seconds(5)) { result in
                        guard let stream = try? result.get() else { return continuation.resume(returning: -1) }
                        held.streams.append(stream)
                        stream.onRead = { bytes in
                            held.received += bytes.count
                            if held.received == size { continuation.resume(returning: held.received) }
                        }
                        stream.startReading()
                        stream.write([UInt8](repeating: 7, count: size))
                    }
                } catch {
                    continuation.resume(returning: -2)
                }
            }
        }
        #expect(count == size)
    }

    @Test("A refused connection says so")
    func refused() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let loop = group.loops[0]
        let error: TCPError? = await withCheckedContinuation { continuation in
            loop.execute {
                // A port that was just given back is not listened on.
                let listener = try? TCPListener.bind(host: "127.0.0.1", port: 0, on: loop, reusePort: false) { _ in }
                let address = SocketAddress(ip: "127.0.0.1", port: listener?.port ?? 1)!
                listener?.close()
                loop.post {
                    TCPStream.connect(to: address, on: loop, timeout: .seconds(5)) { result in
                        if case .failure(let error) = result {
                            continuation.resume(returning: error)
                        } else {
                            continuation.resume(returning: nil)
                        }
                    }
                }
            }
        }
        #expect(error?.code == -ECONNREFUSED)
    }

    @Test("A port in use is an error at bind")
    func portInUse() async {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let loop = group.loops[0]
        let isInUse = await withCheckedContinuation { continuation in
            loop.execute {
                do {
                    let first = try TCPListener.bind(host: "127.0.0.1", port: 0, on: loop, reusePort: false) { _ in }
                    defer { first.close() }
                    _ = try TCPListener.bind(host: "127.0.0.1", port: first.port, on: loop, reusePort: false) { _ in }
                    continuation.resume(returning: false)
                } catch {
                    continuation.resume(returning: (error as? TCPError)?.code == -EADDRINUSE)
                }
            }
        }
        #expect(isInUse)
    }

    @Test("A listener that is let go on another thread closes on its own")
    func letGoElsewhere() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let loop = group.loops[0]
        func listen(_ port: UInt16) async throws -> TCPListener {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute {
                    continuation.resume(
                        with: Result {
                            try TCPListener.bind(host: "127.0.0.1", port: port, on: loop, reusePort: false) { _ in }
                        })
                }
            }
        }
        var listener: TCPListener? = try await listen(0)
        let port = try #require(listener?.port)
        listener = nil
        // Asked for behind the closing, which the loop does first.
        let second = try await listen(port)
        #expect(second.port == port)
        let bound = LoopBound(handing: second, to: loop)
        loop.execute { bound.value.close() }
    }
}
