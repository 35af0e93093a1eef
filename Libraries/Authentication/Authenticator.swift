import Batching
import Contracts
import Crypto
import Foundation
import HTTPCore
import Observability
import PlatformInternals
import Postgres
import UVHTTPServer
import UVLoop

/// Authenticates requests and authorizes them for a route. Fails closed: when Postgres does not respond, the request is
/// refused with `platform_unavailable`.
package final class Authenticator: Sendable {
    package let livenessTracker: LivenessTracker

    let hasAdminToken: Bool
    let adminHash: [UInt8]
    let isOpen: Bool
    let isDevelopment: Bool
    let origins: OriginRule
    let audit: AuditLog
    let store: TokenStore
    let cache = TokenCache()
    /// Apart from the tokens: a session's secret is not valid as a bearer.
    let sessions = TokenCache()
    let lookups: Batcher<[UInt8], VerifiedCredential?>
    let sessionLookups: Batcher<[UInt8], VerifiedCredential?>
    let usedTokens: Batcher<UUID, Void>

    /// - Parameters:
    ///   - adminToken: the operator's bearer; `nil` only in development.
    ///   - loops: where look-ups run.
    ///   - isDevelopment: with no `adminToken`, admin and workspace routes pass without a bearer.
    ///   - platformURL: where clients reach the platform; its pages may use the console's cookie.
    ///   - audit: the log that operators' changes are written to before they are made.
    package init(
        adminToken: String?, isDevelopment: Bool, platformURL: String? = nil, audit: AuditLog, postgres: PostgresPool,
        loops: EventLoopGroup, livenessTracker: LivenessTracker, logger: Logger
    ) {
        hasAdminToken = adminToken != nil
        adminHash = adminToken.map { sha256($0) } ?? []
        self.isDevelopment = isDevelopment
        self.livenessTracker = livenessTracker
        isOpen = isDevelopment && adminToken == nil
        origins = OriginRule(platformURL: platformURL)
        self.audit = audit
        let store = TokenStore(postgres: postgres)
        self.store = store
        // Agents beat about as often as cached tokens expire: each beat is a look-up, many at a time.
        let pacing = BatchPacing(executor: { loops.any() }, overlapsOnlyWhenFull: true)
        lookups = Batcher(limit: 500, concurrency: 2, pacing: pacing) { hashes in
            let found = try await store.find(hashes: hashes)
            return hashes.map { found[$0] }
        }
        sessionLookups = Batcher(limit: 500, concurrency: 2, pacing: pacing) { hashes in
            let found = try await store.findSessions(hashes: hashes)
            return hashes.map { found[$0] }
        }
        usedTokens = Batcher(limit: 1000) { tokens in
            do {
                try await store.markUsed(Array(Set(tokens)))
            } catch {
                logger.debug("token use was not written", [.error: .string("\(error)")])
            }
            return tokens.map { _ in }
        }
    }

    /// Empties the caches of verified tokens: events may have been missed.
    package func invalidateTokens() {
        cache.empty()
        sessions.empty()
    }

    /// Evicts the verified tokens of one owner: one of them was revoked, or a workspace was removed. The console's
    /// sessions of an operator's token go with it.
    ///
    /// - Parameter owner: a workspace, or an operator token's or a session's own id.
    package func invalidateTokens(of owner: UUID) {
        cache.forget(owner)
        sessions.forget(owner)
    }

    /// Records that registration just issued a token, so that the next heartbeat needs no query.
    package func noteIssued(to workspace: UUID) {
        cache.noteHasToken(workspace, generation: cache.generation)
    }

    // MARK: - Guards

    /// Admin routes: `ADMIN_TOKEN` or an org token; a workspace's own only while no `ADMIN_TOKEN` is configured.
    ///
    /// - Throws: `APIError` 401 or 503.
    @discardableResult
    package func admin(_ request: Request) async throws -> Identity {
        guard let credential = request.credential else {
            return try await unauthenticated(request, orError: ErrorMessage.adminAuthRequired)
        }
        guard let known = try await identify(credential, request), known.identity.isOperator || !hasAdminToken else {
            // An expired cookie counts as no credential: the browser sends it by itself.
            if credential.isSession {
                return try await unauthenticated(request, orError: ErrorMessage.adminAuthRequired)
            }
            throw APIError(.unauthorized, ErrorMessage.invalidAdminToken)
        }
        return try await admit(known, credential, request)
    }

    /// Routes of one workspace: an operator, or that workspace by a token of its own.
    ///
    /// - Throws: `APIError` 401 or 503.
    @discardableResult
    package func workspace(_ workspace: UUID, _ request: Request) async throws -> Identity {
        guard let credential = request.credential else {
            return try await unauthenticated(request, orError: ErrorMessage.missingWorkspaceToken)
        }
        if credential.isSession, isOpen, try await identify(credential, request) == nil {
            return try await unauthenticated(request, orError: ErrorMessage.missingWorkspaceToken)
        }
        return try await owner(workspace, credential, request, orError: ErrorMessage.invalidWorkspaceToken)
    }

    /// A request without a credential that counts: admitted as an operator in open development mode only.
    private func unauthenticated(_ request: Request, orError message: String) async throws -> Identity {
        guard isOpen else { throw APIError(.unauthorized, message) }
        return try await admit(.anonymous, nil, request)
    }

    /// Heartbeats, discovery: as `workspace`, but in development a workspace that never had a token needs none.
    ///
    /// - Parameter recordsLiveness: false for heartbeats, which record liveness themselves.
    /// - Throws: `APIError` 401 or 503; 410 when the bearer was one of a workspace that has been removed.
    @discardableResult
    package func registry(_ workspace: UUID, _ request: Request, recordsLiveness: Bool = true) async throws -> Identity
    {
        guard let bearer = request.bearerToken else {
            return try await acceptWithoutToken(
                workspace, request, orError: ErrorMessage.missingWorkspaceToken, recordsLiveness: recordsLiveness
            ).identity
        }
        do {
            return try await owner(
                workspace, .bearer(bearer), request, orError: ErrorMessage.invalidWorkspaceToken,
                recordsLiveness: recordsLiveness)
        } catch let refusal as APIError where refusal.status == .unauthorized {
            guard try await isOfRemoved(workspace, request) else { throw refusal }
            throw APIError.workspaceRemoved
        }
    }

    /// Registration: as `registry`, with what decides whether the request may create the workspace.
    ///
    /// - Throws: as `registry`; 401 `admin auth required` outside of development for an id that does not exist.
    package func registrant(_ workspace: UUID, _ request: Request) async throws -> Registrant {
        if request.bearerToken != nil {
            let identity = try await registry(workspace, request)
            return Registrant(
                identity: identity, hasToken: true, workspaceExisted: !identity.isOperator,
                mayCreate: identity.isOperator)
        }
        if !isDevelopment {
            let exists = try await tokenState(of: workspace).exists
            throw APIError(.unauthorized, exists ? ErrorMessage.missingWorkspaceToken : ErrorMessage.adminAuthRequired)
        }
        let (identity, exists) = try await acceptWithoutToken(
            workspace, request, orError: ErrorMessage.missingWorkspaceToken)
        return Registrant(identity: identity, hasToken: false, workspaceExisted: exists, mayCreate: !exists)
    }

    /// Whether the request carries a former token of this workspace, which has been removed. It is no longer valid, but
    /// the response tells the agent why, so that it ends instead of retrying for ever.
    ///
    /// - Throws: `APIError` 503.
    package func isOfRemoved(_ workspace: UUID, _ request: Request) async throws -> Bool {
        guard let bearer = request.bearerToken else { return false }
        return try await store.belongedToRemoved(workspace, hash: sha256(bearer))
    }

    /// The sender of an A2A message.
    ///
    /// - Throws: `APIError` 400, 401, 403 or 503.
    package func caller(_ request: Request) async throws -> Caller {
        guard let header = request.headers["x-workspace-id"], !header.isEmpty else {
            return try await console(request)
        }
        if ["webhook:", "system:", "test:", "channel:"].contains(where: header.hasPrefix) {
            throw APIError(.forbidden, ErrorMessage.invalidCallerID)
        }
        guard let id = UUID(canonical: header) else {
            throw APIError(.badRequest, ErrorMessage.invalidCallerID, field: "X-Workspace-ID", reason: "must be a UUID")
        }
        if let bearer = request.bearerToken {
            _ = try await owner(id, .bearer(bearer), request, orError: ErrorMessage.invalidCallerToken)
        } else {
            _ = try await acceptWithoutToken(id, request, orError: ErrorMessage.missingCallerToken)
        }
        return .workspace(id)
    }

    /// Reading of the whole fleet: an operator, or in development any request whose bearer, if it has one, is valid.
    ///
    /// - Throws: `APIError` 401 or 503.
    package func observer(_ request: Request) async throws {
        _ = try await console(request)
    }

    /// A person: an operator, or in development any request whose bearer, if it has one, is valid.
    private func console(_ request: Request) async throws -> Caller {
        guard isDevelopment else { return .console(try await admin(request)) }
        guard let credential = request.credential else {
            return .console(try await admit(.anonymous, nil, request))
        }
        guard let known = try await identify(credential, request) else {
            if credential.isSession { return .console(try await admit(.anonymous, nil, request)) }
            throw APIError(.unauthorized, ErrorMessage.invalidAdminToken)
        }
        return .console(try await admit(known, credential, request))
    }

    /// The identity behind a request for a route with a public part: `GET /workspaces/{id}`. An invalid credential is
    /// no error there.
    ///
    /// - Returns: `nil` without a valid credential, `anonymous` in open development mode without a bearer.
    package func viewer(_ request: Request) async throws -> Identity? {
        guard let credential = request.credential, let known = try await identify(credential, request) else {
            return isOpen && request.bearerToken == nil ? .anonymous : nil
        }
        return known.identity
    }

    /// Whether the credential of a request that was admitted some time ago is still valid: for long-lived responses.
    /// While the database does not respond, it is.
    package func isStillValid(_ request: Request) async -> Bool {
        do {
            if let hash = request.context.ticketTokenHash { return try await token(hash: hash) != nil }
            guard let credential = request.credential else { return true }
            // A cookie that did not authenticate the request cannot end it.
            if credential.isSession, request.context.session == nil { return true }
            return try await known(credential) != nil
        } catch {
            return true
        }
    }

    // MARK: - Owners

    private func owner(
        _ workspace: UUID, _ credential: Credential, _ request: Request, orError message: String,
        recordsLiveness: Bool = true
    ) async throws -> Identity {
        guard let known = try await identify(credential, request),
            known.identity.isOperator || known.identity == .workspace(workspace)
        else {
            throw APIError(.unauthorized, message)
        }
        return try await admit(known, credential, request, recordsLiveness: recordsLiveness)
    }

    /// Accepts a workspace's request without a token: in development, while the workspace never had one. A request in
    /// the name of a workspace that does not exist does not record liveness: anyone could make up any number of names.
    ///
    /// - Throws: `APIError` 401 with `message`, or 503.
    private func acceptWithoutToken(
        _ workspace: UUID, _ request: Request, orError message: String, recordsLiveness: Bool = true
    ) async throws -> (identity: Identity, exists: Bool) {
        guard isDevelopment, !cache.isKnownToHaveToken(workspace) else { throw APIError(.unauthorized, message) }
        let tokenState = try await tokenState(of: workspace)
        if tokenState.hadToken { throw APIError(.unauthorized, message) }
        let identity = note(.workspace(workspace), request, recordsLiveness: recordsLiveness && tokenState.exists)
        return (identity, tokenState.exists)
    }

    func note(_ identity: Identity, _ request: Request, recordsLiveness: Bool = true) -> Identity {
        request.context.identity = identity
        if case .workspace(let id) = identity {
            request.context.workspaceID = id
            if recordsLiveness { livenessTracker.record(id) }
        }
        return identity
    }
}
