import Foundation
import Synchronization

/// Verified tokens, for at most 30 s (`spec`: contracts, authentication), so that a request costs no query.
///
/// Invalidation raises the generation: results of look-ups of the same owner that began before it are ignored, whether
/// they are cached already or arrive later. Entries of other owners stay valid.
final class TokenCache: Sendable {
    private struct Entry {
        let token: VerifiedCredential
        let until: ContinuousClock.Instant
        /// The generation at which its look-up began.
        let generation: Int
    }

    private struct State {
        var entries = GenerationalCache<[UInt8], Entry>(limit: TokenCache.limit)
        /// Workspaces that had a token once, with the generation of the look-up that said so.
        var haveTokens = GenerationalCache<UUID, Int>(limit: TokenCache.limit)
        var generation = 0
        /// Results of look-ups that began before this generation are ignored, of any owner.
        var oldest = 0
        /// By owner: the generation from which on results are valid.
        var forgotten: [UUID: Int] = [:]

        func isValid(_ generation: Int, of owner: UUID) -> Bool {
            forgotten.isEmpty || forgotten[owner].map { generation >= $0 } ?? true
        }

        /// A session can be revoked alone, too.
        func isValid(_ generation: Int, of token: VerifiedCredential) -> Bool {
            isValid(generation, of: token.owner) && (token.session == nil || isValid(generation, of: token.id))
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
    /// Owners that are invalidated one by one; beyond it the whole cache is.
    static let invalidationLimit = 10_000

    private let state = Mutex(State())

    /// The generation that `insert` and `noteHasToken` take for a look-up that begins now.
    var generation: Int { state.withLock { $0.generation } }

    /// The token of this hash if it was verified in the last 30 s, and the generation that `insert` takes otherwise.
    func find(
        _ hash: [UInt8], now: ContinuousClock.Instant = .now
    ) -> (token: VerifiedCredential?, generation: Int) {
        state.withLock { state in
            guard let entry = state.entries[hash], entry.until > now,
                state.isValid(entry.generation, of: entry.token)
            else { return (nil, state.generation) }
            return (entry.token, state.generation)
        }
    }

    /// - Parameter now: when the look-up began: the token is valid for 30 s from then.
    func insert(_ token: VerifiedCredential, hash: [UInt8], generation: Int, now: ContinuousClock.Instant = .now) {
        let until = min(now + Self.lifetime, token.session?.ends ?? now + Self.lifetime)
        state.withLock { state in
            guard generation >= state.oldest else { return }
            state.entries[hash] = Entry(token: token, until: until, generation: generation)
        }
    }

    /// Whether the workspace is known to have had a token once. That never becomes untrue while the workspace exists.
    func isKnownToHaveToken(_ workspace: UUID) -> Bool {
        state.withLock { state in state.haveTokens[workspace].map { state.isValid($0, of: workspace) } ?? false }
    }

    func noteHasToken(_ workspace: UUID, generation: Int) {
        state.withLock { state in
            guard generation >= state.oldest else { return }
            state.haveTokens[workspace] = generation
        }
    }

    /// Invalidates the entries of one owner: a workspace, or the id of an operator's token or of a session.
    func forget(_ owner: UUID) {
        state.withLock { state in
            if state.forgotten.count >= Self.invalidationLimit { return state.empty() }
            state.generation += 1
            state.forgotten[owner] = state.generation
        }
    }

    /// Empties the cache: events may have been missed.
    func empty() {
        state.withLock { $0.empty() }
    }
}
