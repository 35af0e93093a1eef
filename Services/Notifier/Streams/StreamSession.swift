import Authentication
import EventLoop
import HTTPServer

/// One open stream: from what its client missed to what happens now.
struct StreamSession: Sendable {
    /// A stream that is idle says so this often, which keeps proxies from closing it.
    private static let keepAlive: Duration = .seconds(15)

    let viewer: Viewer
    let start: StreamStart
    let request: Request
    /// Held as long as the stream is open.
    let place: Reservation
    let streams: OpenStreams
    let replay: StreamReplay
    let authenticator: Authenticator

    /// Sends events until the client is gone, its token is revoked, or the service stops.
    ///
    /// - Parameter abort: breaks the connection off; called on its loop.
    /// - Throws: when the client is gone.
    func run(_ writer: some StreamWriter, abort: @escaping @Sendable () -> Void) async throws {
        streams.add(viewer, request, abort: abort)
        defer {
            replay.hub.detach(viewer)
            streams.remove(viewer)
            withExtendedLifetime(place) {}
        }
        var token = TokenCheck(request, authenticator)
        try await writer.keepAlive()
        guard try await replay.attach(viewer, from: start, request, writer, &token) else { return }
        while await token.isStillValid() {
            switch await viewer.next(on: request.loop, within: Self.keepAlive) {
            case .events(let events): try await writer.write(events)
            case .lagged(let dropped):
                try await writer.write([replay.notice(writer.format.lagged(dropped), as: writer.format)])
            case .idle: try await writer.keepAlive()
            case .over: return
            }
        }
    }
}
