import HTTPCore
import JSONBytes
import Synchronization
import UVHTTPServer
import UVLoop

/// `message/stream`: server-sent events. Without progress the stream is the reply alone; the first progress turns it
/// into a task that works, reports, and completes with the reply.
extension A2AServer {
    /// The interval of keep-alive comments, which show callers and proxies that the work goes on.
    static let keepAliveInterval: Duration = .seconds(15)

    func stream(
        _ exchange: RPCResponse.Exchange, _ message: A2AMessage, _ slot: Int, on loop: EventLoop
    ) -> Response {
        // The work starts with the request, not with the body's first byte: its slot is taken already.
        let (events, feed) = AsyncStream.makeStream(of: [UInt8].self)
        let reports = Reports(exchange: exchange, feed: feed)
        let work = start(message, slot, on: loop) { text in reports.progress(text) }
        loop.spawn {
            reports.end(await work.value)
        }
        var response = Response.stream(contentType: "text/event-stream") { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while true {
                        try await loop.sleep(for: Self.keepAliveInterval)
                        try await writer.write(Array(": working\n\n".utf8))
                    }
                }
                for await event in events {
                    try await writer.write(event)
                    reports.written()
                }
                group.cancelAll()
                // The keep-alive ends by its cancellation, which is no failure of the stream.
                while let _ = try? await group.next() {}
            }
        }
        response.headers.add("Cache-Control", "no-cache")
        return response
    }

    /// Turns progress and outcome of the work into events. When progress comes faster than the client reads, only the
    /// latest is kept.
    private final class Reports: Sendable {
        private struct State {
            var isTask = false
            /// Events in the feed that are not written to the client yet.
            var unwritten = 0
            /// Progress held back by the limit.
            var latest: String?
        }

        /// Unwritten events at which progress is held back.
        private static let limit = 32

        private let exchange: RPCResponse.Exchange
        private let feed: AsyncStream<[UInt8]>.Continuation
        private let state = Mutex(State())

        init(exchange: RPCResponse.Exchange, feed: AsyncStream<[UInt8]>.Continuation) {
            self.exchange = exchange
            self.feed = feed
        }

        func progress(_ text: String) {
            state.withLock { state in
                if !state.isTask { send(RPCResponse.task(exchange), &state) }
                state.isTask = true
                state.latest = text
                sendLatest(&state)
            }
        }

        /// An event has gone to the client.
        func written() {
            state.withLock { state in
                state.unwritten -= 1
                sendLatest(&state)
            }
        }

        private func sendLatest(_ state: inout State) {
            guard state.unwritten < Self.limit, let text = state.latest else { return }
            state.latest = nil
            send(RPCResponse.status(exchange, "working", AgentReply(text), isFinal: false), &state)
        }

        func end(_ outcome: Result<AgentReply, AgentError>) {
            state.withLock { state in
                let isTask = state.isTask
                // The outcome supersedes all progress.
                state.latest = nil
                switch outcome {
                case .success(let reply) where isTask:
                    send(RPCResponse.status(exchange, "completed", reply, isFinal: true), &state)
                case .success(let reply):
                    send(RPCResponse.message(exchange, reply), &state)
                case .failure(let error) where isTask:
                    send(RPCResponse.status(exchange, "failed", AgentReply(error.message), isFinal: true), &state)
                case .failure(let error):
                    send(RPCResponse.error(exchange.rpcID, error), &state)
                }
            }
            feed.finish()
        }

        private func send(_ json: [UInt8], _ state: inout State) {
            state.unwritten += 1
            feed.yield(Array("data: ".utf8) + json.onOneLine + Array("\n\n".utf8))
        }
    }
}
