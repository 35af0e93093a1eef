import Foundation
import HTTPCore
import Observability
import Synchronization
import UVHTTPClient
import UVHTTPServer

extension Forwarder {
    /// Forwards a stream of events as it arrives, with the caller's back-pressure.
    func pass(_ response: ClientResponse, _ context: ForwardContext, _ route: MessageRoute) -> Response {
        metrics.outcomes.labelled("stream").increment()
        if case .stream(let source) = response.body { context.watch?.onBegin(source) }
        let stream = PassedStream(response.body) { error in
            record(context, route, error == nil ? "ok" : "error", error)
            await context.watch?.onEnd()
            // Until here the call is in flight.
            withExtendedLifetime(context.call) {}
        }
        var headers: HTTPHeaders = [
            "Content-Type": response.headers["content-type"] ?? "text/event-stream", "Cache-Control": "no-cache",
            "X-Accel-Buffering": "no",
        ]
        ProtocolHeaders.find(in: response.headers)?.forEachField { headers.add(name: $0, value: $1) }
        var passed = Response(
            response.status, headers: headers,
            body: .stream { writer in try await stream.pass(to: writer) })
        passed.isForwarded = true
        return passed
    }
}

/// An agent's stream that is forwarded to a caller which may disconnect: the agent's response is read to its end all
/// the same, since work that was started goes on.
private final class PassedStream: Sendable {
    private let body: HTTPBody
    private let isTaken = Mutex(false)
    private let onEnd: @Sendable (String?) async -> Void

    init(_ body: HTTPBody, onEnd: @escaping @Sendable (String?) async -> Void) {
        self.body = body
        self.onEnd = onEnd
    }

    deinit {
        // The caller disconnected before the first event.
        if !isTaken.withLock({ $0 }) { Task { [body, onEnd] in try? await Self.read(body, onEnd) { _ in } } }
    }

    /// - Throws: when the stream was truncated, so that the caller sees that it is incomplete.
    func pass(to writer: ResponseWriter) async throws {
        isTaken.withLock { $0 = true }
        // A separate task is not cancelled with the caller's connection.
        let task = Task(executorPreference: writer.loop) { [body, onEnd] in
            var isConnected = true
            try await Self.read(body, onEnd) { chunk in
                guard isConnected else { return }
                do { try await writer.write(chunk) } catch { isConnected = false }
            }
        }
        try await task.value
    }

    private static func read(
        _ body: HTTPBody, _ onEnd: @Sendable (String?) async -> Void, _ take: ([UInt8]) async -> Void
    ) async throws {
        do {
            if case .bytes(let bytes) = body { await take(bytes) }
            if case .stream(let source) = body {
                while let chunk = try await source.next() { await take(chunk) }
            }
            await onEnd(nil)
        } catch {
            await onEnd("stream broken off: \(error)")
            throw error
        }
    }
}
