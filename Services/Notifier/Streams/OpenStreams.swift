import Authentication
import Contracts
import EventLoop
import Foundation
import HTTPServer
import Synchronization

/// The streams of this process, from their opening to their end, whether they are being brought up to date, wait for
/// events or for their client: what ends them when their token is revoked.
final class OpenStreams: Sendable {
    private struct Entry {
        let viewer: Viewer
        let request: Request
        /// Breaks the connection off.
        let abort: @Sendable () -> Void
    }

    /// How long a stream whose token is revoked may take to end by itself.
    private static let grace: Duration = .milliseconds(300)

    private let authenticator: Authenticator
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(authenticator: Authenticator) {
        self.authenticator = authenticator
    }

    /// - Parameter abort: called on the request's loop for a stream that does not end by itself.
    func add(_ viewer: Viewer, _ request: Request, abort: @escaping @Sendable () -> Void) {
        entries.withLock { entries in
            entries[ObjectIdentifier(viewer)] = Entry(viewer: viewer, request: request, abort: abort)
        }
    }

    func remove(_ viewer: Viewer) {
        _ = entries.withLock { $0.removeValue(forKey: ObjectIdentifier(viewer)) }
    }

    /// Ends every stream.
    func endAll() {
        for entry in entries.withLock({ Array($0.values) }) { entry.viewer.end() }
    }

    /// Whose credentials may have ended.
    enum Owner: Sendable {
        case workspace(UUID)
        case operators
        case anyone

        func isOwner(of caller: Identity) -> Bool {
            switch self {
            case .workspace(let id): caller == .workspace(id)
            case .operators: caller.isOperator
            case .anyone: true
            }
        }
    }

    /// Asks about the streams that may have been let in by a credential that has ended, and ends those that were.
    func recheck(_ owner: Owner) {
        let concerned = entries.withLock { entries in
            entries.values.filter { owner.isOwner(of: $0.request.caller) }
        }
        for entry in concerned { recheck(entry) }
    }

    private func recheck(_ entry: Entry) {
        let loop = entry.request.loop
        loop.spawn { [authenticator] in
            guard await !authenticator.isStillValid(entry.request) else { return }
            entry.viewer.end()
            // One whose client does not read waits for it.
            try? await loop.sleep(for: Self.grace)
            if self.entries.withLock({ $0[ObjectIdentifier(entry.viewer)] != nil }) { entry.abort() }
        }
    }
}

extension CloudEvent {
    /// Whose credentials it ends.
    var endsCredentials: OpenStreams.Owner? {
        switch kind {
        case .tokenRevoked, .workspaceRemoved: subject.map { .workspace($0) } ?? .operators
        default: nil
        }
    }
}
