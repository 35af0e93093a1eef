import Foundation
import HTTPClient
import HTTPCore
import HTTPServer
import Observability
import Synchronization

extension Forwarder {
    /// Hands a stream of events on as it comes, as fast as the caller takes it.
    func pass(_ response: ClientResponse, _ errand: Errand, _ route: MessageRoute) -> Response {
        metrics.outcomes.labelled("stream").increment()
        if case .stream(let source) = response.body { errand.watch?.onBegin(source) }
        let stream = PassedStream(response.body) { error in
            record(errand, route, error == nil ? "ok" : "error", error)
            await errand.watch?.onEnd()
            // Until here it is under way.
            withExtendedLifetime(errand.call) {}
        }
        var headers: HTTPHeaders = [
            "Content-Type": response.headers["content-type"] ?? "text/event-stream", "Cache-Control": "no-cache",
            "X-Accel-Buffering": "no",
        ]
        ProtocolHeaders.find(in: response.headers)?.forEachField { headers.add(name: $0, value: $1) }
        var passed = Response(
            response.status, headers: headers,
            body: .stream { writer in try await stream.pass(to: writer) })
        passed.isPassedOn = true
        return passed
    }
}

/// An agent's stream on its way to a caller who may hang up: the agent is read to its end all the same, since work that
/// was started goes on.
private final class PassedStream: Sendable {
    private let body: HTTPBody
    private let isTaken = Mutex(false)
    private let onEnd: @Sendable (String?) async -> Void

    init(_ body: HTTPBody, onEnd: @escaping @Sendable (String?) async -> Void) {
        self.body = body
        self.onEnd = onEnd
    }

    deinit {
        // The caller was gone before the first event.
        if !isTaken.withLock({ $0 }) { Task { [body, onEnd] in try? await Self.read(body, onEnd) { _ in } } }
    }

    /// - Throws: when the stream broke off, so that the caller sees that it is not complete.
    func pass(to writer: ResponseWriter) async throws {
        isTaken.withLock { $0 = true }
        // A task of its own is not cancelled with the caller's connection.
        let task = Task(executorPreference: writer.loop) { [body, onEnd] in
            var isListening = true
            try await Self.read(body, onEnd) { chunk in
                guard isListening else { return }
                do { try await writer.write(chunk) } catch { isListening = false }
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
