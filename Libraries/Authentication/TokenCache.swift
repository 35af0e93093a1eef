import Foundation
import Synchronization

/// Verified tokens, for at most 30 s (`spec`: contracts, authentication), so that a request costs no query.
///
/// Emptying it raises the generation: a look-up that began before does not put an answer back that is no longer true.
final class TokenCache: Sendable {
    private struct Entry {
        let token: KnownToken
        let until: ContinuousClock.Instant
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var haveTokens: Set<UUID> = []
        var generation = 0
    }

    private static let lifetime: Duration = .seconds(30)
    /// Entries beyond which the cache starts again: far more than any fleet has tokens in use on one instance.
    private static let limit = 200_000

    private let state = Mutex(State())

    /// The token of this hash if it was verified in the last 30 s, and what `insert` must be given otherwise.
    func find(
        _ hash: [UInt8], now: ContinuousClock.Instant = .now
    ) -> (token: KnownToken?, generation: Int) {
        state.withLock { state in
            guard let entry = state.entries[hash], entry.until > now else { return (nil, state.generation) }
            return (entry.token, state.generation)
        }
    }

    /// - Parameter now: when the look-up began: from then on the token may be believed for 30 s.
    func insert(_ token: KnownToken, hash: [UInt8], generation: Int, now: ContinuousClock.Instant = .now) {
        let until = now + Self.lifetime
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.entries.count >= Self.limit { state.entries.removeAll() }
            state.entries[hash] = Entry(token: token, until: until)
        }
    }

    /// Whether the workspace is known to have had a token once. That never becomes untrue while the workspace exists.
    func isKnownToHaveToken(_ workspace: UUID) -> Bool {
        state.withLock { $0.haveTokens.contains(workspace) }
    }

    func noteHasToken(_ workspace: UUID) {
        state.withLock { state in
            if state.haveTokens.count >= Self.limit { state.haveTokens.removeAll() }
            state.haveTokens.insert(workspace)
        }
    }

    /// Forgets everything: a token was revoked, or events may have been missed.
    func empty() {
        state.withLock { state in
            state.entries.removeAll()
            state.haveTokens.removeAll()
            state.generation += 1
        }
    }
}
