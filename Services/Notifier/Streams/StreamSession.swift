import Authentication
import UVHTTPServer
import UVLoop

/// One open stream: the replay of what its client missed, then live events.
///
/// No task waits for live events, since there may be many streams: they go to the viewer. There is a task during the
/// replay, and one for each check of the token.
final class StreamSession: Sendable {
    private let filter: StreamFilter
    private let start: StreamStart
    private let request: Request
    /// The slot of the caller's quota, held as long as the stream is open.
    private let slot: Reservation
    private let streams: OpenStreams
    private let replay: StreamReplay
    private let authenticator: Authenticator

    init(
        _ request: Request, _ filter: StreamFilter, from start: StreamStart, slot: Reservation, streams: OpenStreams,
        replay: StreamReplay, authenticator: Authenticator
    ) {
        self.request = request
        self.filter = filter
        self.start = start
        self.slot = slot
        self.streams = streams
        self.replay = replay
        self.authenticator = authenticator
    }

    /// Sends events until the client disconnects, its token is revoked, or the service stops. On the request's loop.
    ///
    /// - Parameter abort: aborts the connection; called on its loop.
    func begin(_ writer: some StreamWriter, abort: @escaping @Sendable () -> Void) {
        let viewer = Viewer(filter: filter, writer: writer, on: request.loop, in: replay.events)
        viewer.onClose = { [self, unowned viewer] in
            replay.hub.detach(viewer)
            streams.remove(viewer)
        }
        viewer.onCheck = { [self] in checkToken(of: viewer) }
        streams.add(viewer, request, abort: abort)
        writer.report(to: viewer)
        guard !viewer.isEnding else { return }
        writer.keepAlive()
        if start == .now, replay.hub.attachNow(viewer) { return }
        request.loop.spawn { await self.catchUp(viewer, writer) }
    }

    private func catchUp(_ viewer: Viewer, _ writer: some StreamWriter) async {
        var token = TokenCheck(request, authenticator)
        do {
            if try await !replay.attach(viewer, from: start, request, writer, &token) { viewer.end() }
        } catch {
            viewer.close(error)
        }
    }

    private func checkToken(of viewer: Viewer) {
        request.loop.spawn { [self] in
            if await authenticator.isStillValid(request) { viewer.tokenCheckSucceeded() } else { viewer.end() }
        }
    }
}
