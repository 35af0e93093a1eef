import Foundation
import Synchronization

/// Verified tokens, for at most 30 s (`spec`: contracts, authentication), so that a request costs no query.
///
/// Forgetting raises the generation: what a look-up that began before says of the same owner is not believed, whether
/// it was kept already or comes later. Whoever is not concerned keeps what is known.
final class TokenCache: Sendable {
    private struct Entry {
        let token: KnownToken
        let until: ContinuousClock.Instant
        /// Of the moment when its look-up began.
        let generation: Int
    }

    private struct State {
        var entries = AgingTable<[UInt8], Entry>(limit: TokenCache.limit)
        /// Workspaces that had a token once, with the generation of the look-up that said so.
        var haveTokens = AgingTable<UUID, Int>(limit: TokenCache.limit)
        var generation = 0
        /// What began before this generation is not believed of anyone.
        var oldest = 0
        /// The generation from which on something is believed of an owner.
        var forgotten: [UUID: Int] = [:]

        func believes(_ generation: Int, of owner: UUID) -> Bool {
            forgotten.isEmpty || forgotten[owner].map { generation >= $0 } ?? true
        }

        /// A session ends by itself, too.
        func believes(_ generation: Int, of token: KnownToken) -> Bool {
            believes(generation, of: token.owner) && (token.session == nil || believes(generation, of: token.id))
        }

        mutating func empty() {
            entries.removeAll()
            haveTokens.removeAll()
            forgotten.removeAll()
            generation += 1
            oldest = generation
        }
    }

    private static let lifetime: Duration = .seconds(30)
    /// Entries kept: far more than any fleet has tokens in use on one instance.
    private static let limit = 200_000
    /// Owners forgotten one by one; beyond it everything is.
    static let forgottenLimit = 10_000

    private let state = Mutex(State())

    /// What `insert` and `noteHasToken` must be given of a look-up that begins now.
    var generation: Int { state.withLock { $0.generation } }

    /// The token of this hash if it was verified in the last 30 s, and what `insert` must be given otherwise.
    func find(
        _ hash: [UInt8], now: ContinuousClock.Instant = .now
    ) -> (token: KnownToken?, generation: Int) {
        state.withLock { state in
            guard let entry = state.entries[hash], entry.until > now,
                state.believes(entry.generation, of: entry.token)
            else { return (nil, state.generation) }
            return (entry.token, state.generation)
        }
    }

    /// - Parameter now: when the look-up began: from then on the token may be believed for 30 s.
    func insert(_ token: KnownToken, hash: [UInt8], generation: Int, now: ContinuousClock.Instant = .now) {
        let until = min(now + Self.lifetime, token.session?.ends ?? now + Self.lifetime)
        state.withLock { state in
            guard generation >= state.oldest else { return }
            state.entries[hash] = Entry(token: token, until: until, generation: generation)
        }
    }

    /// Whether the workspace is known to have had a token once. That never becomes untrue while the workspace exists.
    func isKnownToHaveToken(_ workspace: UUID) -> Bool {
        state.withLock { state in state.haveTokens[workspace].map { state.believes($0, of: workspace) } ?? false }
    }

    func noteHasToken(_ workspace: UUID, generation: Int) {
        state.withLock { state in
            guard generation >= state.oldest else { return }
            state.haveTokens[workspace] = generation
        }
    }

    /// Forgets what is known of one owner: a workspace, or the id of an operator's token or of a session.
    func forget(_ owner: UUID) {
        state.withLock { state in
            if state.forgotten.count >= Self.forgottenLimit { return state.empty() }
            state.generation += 1
            state.forgotten[owner] = state.generation
        }
    }

    /// Forgets everything: events may have been missed.
    func empty() {
        state.withLock { $0.empty() }
    }
}
