import Synchronization

/// Whether this process is wedged: every further request in it fails until it is started again, for instance because
/// the session of an SDK is lost. A single failed request is an A2A error in place of a wedge.
///
/// While it is wedged the heartbeats report it, and the platform shows the workspace as degraded with the reason.
public final class RuntimeWedge: Sendable {
    /// The instance of this process.
    public static let shared = RuntimeWedge()

    private struct State {
        var reason: String?
        var listeners: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    /// For processes that run several agents, and for tests; others use ``shared``.
    public init() {}

    /// Whether the process is wedged.
    public var isWedged: Bool { wedgeReason != nil }

    /// The reason, for people; nil while healthy.
    public var wedgeReason: String? { state.withLock { $0.reason } }

    /// Marks the process as wedged. The first reason stays until the wedge is cleared, so that the displayed one does
    /// not change.
    ///
    /// - Parameter reason: for a person; an empty one becomes "wedged".
    public func markWedged(_ reason: String) {
        change { state in
            guard state.reason == nil else { return false }
            state.reason = reason.isEmpty ? "wedged" : reason
            return true
        }
    }

    /// Clears the wedge, because a call succeeded. Does nothing while healthy.
    public func clearWedge() {
        change { state in
            guard state.reason != nil else { return false }
            state.reason = nil
            return true
        }
    }

    /// Clears the wedge if a call really succeeded. An empty result without an error is typical of a stuck SDK, so it
    /// does not count.
    ///
    /// - Parameter content: the result of the call.
    /// - Returns: whether it counted as a success.
    @discardableResult
    public func observeSuccess(content: String) -> Bool {
        guard content.contains(where: { !$0.isWhitespace }) else { return false }
        clearWedge()
        return true
    }

    /// Calls `listener` after every change, on the thread that made it.
    func onChange(_ listener: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    private func change(_ body: (inout State) -> Bool) {
        let listeners = state.withLock { state in body(&state) ? state.listeners : [] }
        for listener in listeners { listener() }
    }
}
