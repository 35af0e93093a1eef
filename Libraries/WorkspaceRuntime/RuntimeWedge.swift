import Synchronization

/// Whether this process is wedged: every further request in it fails until it is started again, for instance because
/// the session of an SDK is lost. One bad request is no wedge but an A2A error.
///
/// While it is wedged the heartbeats say so, and the platform shows the workspace as degraded with the reason.
public final class RuntimeWedge: Sendable {
    /// The one of this process.
    public static let shared = RuntimeWedge()

    private struct State {
        var reason: String?
        var listeners: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    /// For processes that run several agents, and for tests; others use ``shared``.
    public init() {}

    /// Whether nothing works any more.
    public var isWedged: Bool { wedgeReason != nil }

    /// What a person is told; nil while healthy.
    public var wedgeReason: String? { state.withLock { $0.reason } }

    /// Says that nothing works any more. The first reason stays until the wedge is cleared, so that what a person
    /// reads does not change under them.
    ///
    /// - Parameter reason: for a person; an empty one becomes "wedged".
    public func markWedged(_ reason: String) {
        change { state in
            guard state.reason == nil else { return false }
            state.reason = reason.isEmpty ? "wedged" : reason
            return true
        }
    }

    /// Takes the wedge back, because something was seen to work. Does nothing while healthy.
    public func clearWedge() {
        change { state in
            guard state.reason != nil else { return false }
            state.reason = nil
            return true
        }
    }

    /// Takes the wedge back if a call really succeeded. A call that ends without an error but with nothing in it is
    /// what a stuck SDK does, so it proves nothing.
    ///
    /// - Parameter content: what came back.
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
