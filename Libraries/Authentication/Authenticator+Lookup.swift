import Batching
import Contracts
import Crypto
import Foundation
import HTTPCore
import UVHTTPServer

/// Resolves credentials: from the cache, else from the database.
extension Authenticator {
    /// - Returns: the live token or session; `nil` when the credential is not one.
    func identify(_ credential: Credential, _ request: Request) async throws -> VerifiedCredential? {
        let known: VerifiedCredential?
        do {
            known = try await self.known(credential)
        } catch {
            // Not for a client that disconnected: it would get its request back from the rate limit.
            if APIError(describing: error).status == .serviceUnavailable { request.context.leaveBearerUndecided() }
            throw error
        }
        guard let known else { return nil }
        request.context.bearerVerified()
        return known
    }

    func known(_ credential: Credential) async throws -> VerifiedCredential? {
        switch credential {
        case .bearer(let text): try await token(text)
        case .session(let secret): try await session(secret)
        }
    }

    func token(_ text: String) async throws -> VerifiedCredential? { try await token(hash: sha256(text)) }

    func token(hash: [UInt8]) async throws -> VerifiedCredential? {
        // One digest serves both comparisons; comparing digests reveals nothing about the token.
        if constantTimeEquals(hash, adminHash) { return .admin }
        let now = ContinuousClock.now
        let (cached, generation) = cache.find(hash, now: now)
        if let cached { return cached }
        guard let token = try await lookUp(hash, lookups) else { return nil }
        cache.insert(token, hash: hash, generation: generation, now: now)
        if case .workspace(let id) = token.identity { cache.noteHasToken(id, generation: generation) }
        usedTokens.add(token.id)
        return token
    }

    private func session(_ secret: String) async throws -> VerifiedCredential? {
        let hash = sha256(secret)
        let now = ContinuousClock.now
        let (cached, generation) = sessions.find(hash, now: now)
        if let cached { return cached }
        guard let found = try await lookUp(hash, sessionLookups), isOfThisAdministrator(found, secret) else {
            return nil
        }
        sessions.insert(found, hash: hash, generation: generation, now: now)
        if found.owner != found.id { usedTokens.add(found.owner) }
        return found
    }

    /// A session of the administrator ends with the `ADMIN_TOKEN` that it was made from; for a session of an org token
    /// the statement has checked that token.
    private func isOfThisAdministrator(_ found: VerifiedCredential, _ secret: String) -> Bool {
        guard found.identity == .admin else { return true }
        guard hasAdminToken, let digest = found.session?.credentialDigest else { return false }
        return constantTimeEquals(digest, SessionToken.digest(secret, madeFrom: adminHash))
    }

    /// Queries the database, in one statement with the concurrent look-ups.
    private func lookUp(_ hash: [UInt8], _ lookups: Batcher<[UInt8], VerifiedCredential?>) async throws
        -> VerifiedCredential?
    {
        do {
            return try await lookups.submit(hash)
        } catch BatcherError.full {
            // Only when the database has not responded for a while. Fails closed.
            throw APIError.platformUnavailable
        }
    }

    func tokenState(of workspace: UUID) async throws -> TokenStore.TokenState {
        let generation = cache.generation
        let tokenState = try await store.tokenState(of: workspace)
        if tokenState.hadToken { cache.noteHasToken(workspace, generation: generation) }
        return tokenState
    }
}
