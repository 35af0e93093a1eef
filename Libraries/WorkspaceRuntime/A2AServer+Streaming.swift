import EventLoop
import HTTPCore
import HTTPServer
import Synchronization

/// `message/stream`: server-sent events. Without progress the stream is the reply alone; the first progress turns it
/// into a task that works, reports, and completes with the reply.
extension A2AServer {
    /// A comment this often shows callers, and whatever is in between, that the work goes on.
    static let keepAliveInterval: Duration = .seconds(15)

    func stream(
        _ exchange: RPCAnswer.Exchange, _ message: A2AMessage, _ place: Int, on loop: EventLoop
    ) -> Response {
        // The work starts with the request, not with the body's first byte: its place is taken already.
        let (events, feed) = AsyncStream.makeStream(of: [UInt8].self)
        let reports = Reports(exchange: exchange, feed: feed)
        let work = start(message, place, on: loop) { text in reports.progress(text) }
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
                for await event in events { try await writer.write(event) }
                group.cancelAll()
                // The keep-alive ends by its cancellation, which is no failure of the stream.
                while let _ = try? await group.next() {}
            }
        }
        response.headers.add("Cache-Control", "no-cache")
        return response
    }

    /// Turns what the work reports into events.
    private final class Reports: Sendable {
        private let exchange: RPCAnswer.Exchange
        private let feed: AsyncStream<[UInt8]>.Continuation
        private let isTask = Mutex(false)

        init(exchange: RPCAnswer.Exchange, feed: AsyncStream<[UInt8]>.Continuation) {
            self.exchange = exchange
            self.feed = feed
        }

        func progress(_ text: String) {
            isTask.withLock { isTask in
                if !isTask { send(RPCAnswer.task(exchange)) }
                isTask = true
                send(RPCAnswer.status(exchange, "working", AgentReply(text), isFinal: false))
            }
        }

        func end(_ outcome: Result<AgentReply, AgentError>) {
            let isTask = isTask.withLock { $0 }
            switch outcome {
            case .success(let reply) where isTask:
                send(RPCAnswer.status(exchange, "completed", reply, isFinal: true))
            case .success(let reply):
                send(RPCAnswer.message(exchange, reply))
            case .failure(let error) where isTask:
                send(RPCAnswer.status(exchange, "failed", AgentReply(error.message), isFinal: true))
            case .failure(let error):
                send(RPCAnswer.error(exchange.rpcID, error))
            }
            feed.finish()
        }

        private func send(_ json: [UInt8]) {
            feed.yield(Array("data: ".utf8) + json + Array("\n\n".utf8))
        }
    }
}
