import Foundation
import TestSupport
import UVHTTPServer
import UVLoop

@testable import Notifier

/// A client that reads on demand, and records what it read.
///
/// `@unchecked Sendable`: confined to its viewer's loop.
final class ScriptedWriter: StreamWriter, @unchecked Sendable {
    let format: StreamFormat
    /// What is sent waits until `drain`.
    var isSlow = false
    /// Called within every `send`.
    var onSend: (() -> Void)?
    private(set) var pendingBytes = 0
    /// What the client is said to have taken.
    var takenBytes = 0
    private(set) var writes: [[UInt8]] = []
    private(set) var pings = 0
    private(set) var isFinished = false
    private unowned var viewer: Viewer?

    init(_ format: StreamFormat = .serverSentEvents, isSlow: Bool = false) {
        self.format = format
        self.isSlow = isSlow
        pendingBytes = isSlow ? 1 : 0
    }

    func write(_ events: [EventBytes]) async throws {
        for event in events { for piece in 0..<event.pieces { send(event, piece: piece) } }
    }

    func send(_ event: EventBytes, piece: Int) {
        let bytes =
            switch event.content {
            case .chunks(let chunks): Array(chunks[piece].bytes)
            case .frames(let frames): frames[piece]
            }
        writes.append(bytes)
        if isSlow { pendingBytes += bytes.count }
        onSend?()
    }

    func keepAlive() { pings += 1 }
    func report(to viewer: Viewer) { self.viewer = viewer }
    func finish(_ error: (any Error)?) { isFinished = true }

    /// The client takes what is on its way.
    func drain() {
        pendingBytes = 0
        viewer?.drained()
    }

    /// The client takes all that comes.
    func drainAll() {
        isSlow = false
        drain()
    }

    /// The numbers of the events that were sent, and -n for n that were dropped.
    var numbers: [Int] {
        let text = String(decoding: writes.joined(), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { line in
            if let dropped = number(after: "\"dropped\":", in: line) { return -dropped }
            return number(after: "\"n\":", in: line) ?? 0
        }
    }

    private func number(after key: String, in line: Substring) -> Int? {
        line.range(of: key).flatMap { Int(line[$0.upperBound...].prefix { $0.isNumber }) }
    }
}

/// Runs on a loop, as all that concerns viewers does.
func withViewerLoop(_ body: @escaping @Sendable (EventLoop) async throws -> Void) async throws {
    let loops = EventLoopGroup(count: 1)
    defer { loops.shutdown() }
    let loop = loops.loops[0]
    try await Task(executorPreference: loop) { try await body(loop) }.value
}
