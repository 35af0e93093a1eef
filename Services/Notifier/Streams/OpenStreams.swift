import Authentication
import Contracts
import Foundation
import Synchronization
import UVHTTPServer
import UVLoop

/// The registry of all open streams of this process, in whatever phase; closes them when their token is revoked.
final class OpenStreams: Sendable {
    private struct Entry {
        let viewer: Viewer
        let request: Request
        /// Aborts the connection.
        let abort: @Sendable () -> Void
    }

    /// Grace period of a stream whose token is revoked, before its connection is aborted.
    private static let grace: Duration = .milliseconds(300)

    private let authenticator: Authenticator
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(authenticator: Authenticator) {
        self.authenticator = authenticator
    }

    /// - Parameter abort: called on the request's loop when the stream does not end within the grace period.
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

    /// The owner of credentials that may have been revoked.
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

    /// Checks the credentials of an owner's streams, and ends the streams whose credential is no longer valid.
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
            // A stream whose client does not read does not end by itself.
            try? await loop.sleep(for: Self.grace)
            if self.entries.withLock({ $0[ObjectIdentifier(entry.viewer)] != nil }) { entry.abort() }
        }
    }
}

extension CloudEvent {
    /// The owner whose credentials it revokes.
    var revokedOwner: OpenStreams.Owner? {
        switch kind {
        case .tokenRevoked, .workspaceRemoved: subject.map { .workspace($0) } ?? .operators
        default: nil
        }
    }
}
